import type { Clock } from '../core/clock.ts'
import type { LogRecord } from '../log/log.ts'
import type { Feeder } from './feeder.ts'
import { createPlan, type Plan, type Range, rangesMax } from './plan.ts'
import { eventsOf } from './record-facts.ts'

export interface PlanLimits {
  /** Events of all records, by the records' own counts. */
  readonly events: number
  readonly bytes: number
  /** From the first record on. */
  readonly ms: number
}

export interface PlannedRecords {
  readonly plan: Plan
  readonly records: readonly LogRecord[]
  readonly events: number
}

export interface PlannerOptions {
  readonly job: string
  readonly epoch: number
  readonly feeders: readonly Feeder[]
  readonly limits: PlanLimits
  readonly clock: Clock
  /** Resolves when a feeder has something new, or after `ms`. */
  readonly change: (ms: number) => Promise<void>
}

const idleMs = 60_000

/**
 * Gather the next plan: one record of each partition in turn, until a limit is reached. Here and nowhere else it is decided which
 * records are processed together. A record larger than a limit is a plan of its own.
 */
export async function gather(options: PlannerOptions, signal: AbortSignal): Promise<PlannedRecords> {
  const { feeders, limits, clock } = options
  const taken = new Map<Feeder, { from: number; records: LogRecord[] }>()
  let events = 0
  let bytes = 0
  let firstAt = Number.NaN

  const takeOne = (feeder: Feeder): 'nothing' | 'taken' | 'full' => {
    const record = feeder.peek()
    if (record === undefined) return 'nothing'
    const count = eventsOf(record)
    const isFirst = taken.size === 0
    if (!isFirst && (events + count > limits.events || bytes + record.value.length > limits.bytes)) return 'full'
    let own = taken.get(feeder)
    if (own === undefined) {
      if (taken.size === rangesMax) return 'full'
      taken.set(feeder, (own = { from: feeder.next(), records: [] }))
    }
    own.records.push(feeder.take())
    if (isFirst) firstAt = clock.now()
    events += count
    bytes += record.value.length
    return 'taken'
  }

  for (;;) {
    signal.throwIfAborted()
    let isFull = false
    for (let round = 1; round > 0 && !isFull; ) {
      round = 0
      for (const feeder of feeders) {
        const result = takeOne(feeder)
        if (result === 'taken') round++
        else if (result === 'full') isFull = true
      }
    }
    const left = taken.size === 0 ? idleMs : firstAt + limits.ms - clock.now()
    if (isFull || left <= 0) break
    const failed = feeders.find((feeder) => feeder.failure() !== undefined)
    if (failed) throw failed.failure() as Error
    await options.change(left)
  }

  const ranges: Range[] = []
  const records: LogRecord[] = []
  for (const [feeder, own] of taken) {
    ranges.push({ topic: feeder.topic, partition: feeder.partition, from: own.from, to: feeder.next() })
    records.push(...own.records)
  }
  const plan = createPlan(options.job, options.epoch, ranges)
  return { plan, records: sortAs(plan, records), events }
}

/** In the order of the plan's ranges, and within them of the log: what a job makes of a plan follows from the plan alone. */
export function sortAs(plan: Plan, records: readonly LogRecord[]): LogRecord[] {
  const place = new Map(plan.ranges.map((range, index) => [`${range.topic}/${range.partition}`, index]))
  const placeOf = (record: LogRecord) => place.get(`${record.topic}/${record.partition}`) ?? 0
  return records.toSorted((a, b) => placeOf(a) - placeOf(b) || a.offset - b.offset)
}
