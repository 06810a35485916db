import { Gauge } from 'prom-client'
import type { Deps } from '../core/deps.ts'
import type { Log, LogRecord, Position } from '../log/log.ts'
import type { Job } from './job.ts'
import { eventsOf, timeOf } from './record-facts.ts'

export interface Lag {
  /** Records that are about to be processed. */
  saw(records: readonly LogRecord[]): void
  read(): Promise<{ readonly events: number; readonly seconds: number }>
  /** Keeps the metrics up to date from now on. */
  start(): void
  stop(): void
}

const updateMs = 2_000
const oneRecord = { bytes: 1, waitMs: 0 }

/**
 * How far a job is behind the end of the log. Records not yet looked at count with the average of those seen: the exact number
 * (`in_flight` of the ledger) is read from the log when somebody asks for it.
 */
export function createLag(job: Job, log: Log, deps: Deps): Lag {
  const ending = new AbortController()
  let seenRecords = 0
  let seenEvents = 0
  let timer: NodeJS.Timeout | undefined

  const read = async () => {
    const committed = await log.committed(job.name)
    let records = 0
    let oldest = Number.POSITIVE_INFINITY
    const behind = async ({ topic, partition, offset }: Position, next: number): Promise<void> => {
      const [record] = await log.read({ topic, partition, offset }, oneRecord, ending.signal)
      // Nothing there: offsets that the log left out.
      if (record === undefined) return
      records += next - record.offset
      const time = timeOf(record)
      if (time !== undefined) oldest = Math.min(oldest, time)
    }
    const looks: Promise<void>[] = []
    for (const topic of job.from)
      for (const { partition, first, next } of await log.bounds(topic)) {
        const position = committed.find((each) => each.topic === topic && each.partition === partition)
        const offset = Math.max(first, position?.offset ?? first)
        if (offset < next) looks.push(behind({ topic, partition, offset }, next))
      }
    await Promise.all(looks)
    const perRecord = seenRecords === 0 ? 1 : seenEvents / seenRecords
    const seconds = oldest === Number.POSITIVE_INFINITY ? 0 : Math.max(0, (deps.clock.now() - oldest) / 1000)
    return { events: Math.round(records * perRecord), seconds }
  }

  const gauge = (name: string, help: string): Gauge<'job'> =>
    (deps.metrics.getSingleMetric(name) as Gauge<'job'> | undefined) ??
    new Gauge({ name, help, labelNames: ['job'], registers: [deps.metrics] })
  const events = gauge('millrace_consumer_lag_events', 'events in the log that the job has not committed, estimated')
  const seconds = gauge('millrace_consumer_lag_seconds', 'age of the oldest events that the job has not committed')
  const update = async () => {
    try {
      const lag = await read()
      events.set({ job: job.name }, lag.events)
      seconds.set({ job: job.name }, lag.seconds)
    } catch {
      // A lag that cannot be read now (the log is away, or trims while we look) is read the next time.
    }
  }

  return {
    saw(records) {
      for (const record of records) {
        seenRecords++
        seenEvents += eventsOf(record)
      }
    },
    read,
    start() {
      void update()
      timer = setInterval(() => void update(), updateMs)
      timer.unref()
    },
    stop() {
      clearInterval(timer)
      ending.abort()
    },
  }
}
