import { peekHeader, readEnvelope } from '@millrace/protocol'
import type { Clock } from '../core/clock.ts'
import type { LogRecord } from '../log/log.ts'
import type { Portion } from './insert-once.ts'
import type { JobContext } from './job.ts'
import { encodeEvents, type EventsBlock } from './load-events.ts'
import { positionOf, rangesOf } from './positions.ts'

/** ClickHouse refuses an insert of more than 100 partitions; the table is partitioned by day. */
const daysMax = 90
const rowsMax = 50_000

/**
 * How many events of a project, received in one minute, expire on one day. Summed for each partition by itself: after a rebalance the
 * partitions of a noted plan may be finished by several members.
 */
export interface Expiry {
  /** The partition's first record in the plan. */
  readonly first: LogRecord
  /** Its number among those of the same partition. */
  readonly index: number
  readonly project: string
  /** Unix ms. */
  readonly minute: number
  /** Days since 1970. */
  readonly day: number
  readonly events: number
}

/**
 * The plan's events as inserts: nearly always one, for which the records are walked once. Events of more days than one insert
 * may hold (imports, demo data) are walked once per part. Returns when they expire.
 */
export function* eventPortions(
  records: readonly LogRecord[],
  cx: JobContext,
  clock: Clock,
): Generator<Portion, readonly Expiry[]> {
  if (records.length === 0) return []
  const whole = encodeEvents(records, cx.epoch)
  const { rows } = whole.block
  const parts = partsOf(whole.days.subarray(0, rows))
  if (parts.count === 1) {
    const all = new Uint16Array(rows)
    yield portion(records, cx, clock, 0, all, whole)
  } else for (let part = 0; part < parts.count; part++) yield portion(records, cx, clock, part, parts.of, undefined)
  return expiriesOf(records, whole.expires)
}

const minuteMs = 60_000
const daySeconds = 86_400

function expiriesOf(records: readonly LogRecord[], expires: Uint32Array): readonly Expiry[] {
  const sums = new Map<string, { -readonly [K in keyof Expiry]: Expiry[K] }>()
  let row = 0
  let first: LogRecord | undefined
  let before = 0
  for (const record of records) {
    // Records of a plan are in the order of their partitions.
    if (first?.partition !== record.partition) {
      first = record
      before = sums.size
    }
    const { project, ingestedAt } = readEnvelope(record.value)
    const minute = Math.floor(ingestedAt / minuteMs) * minuteMs
    let sum: { day: number; events: number } | undefined
    for (const end = row + peekHeader(record.value).count; row < end; row++) {
      const day = Math.floor((expires[row] as number) / daySeconds)
      if (sum === undefined || sum.day !== day) {
        const key = `${first.partition}\n${project}\n${minute}\n${day}`
        let known = sums.get(key)
        if (known === undefined)
          sums.set(key, (known = { first, index: sums.size - before, project, minute, day, events: 0 }))
        sum = known
      }
      sum.events++
    }
  }
  return [...sums.values()]
}

function portion(
  records: readonly LogRecord[],
  cx: JobContext,
  clock: Clock,
  part: number,
  parts: Uint16Array,
  encoded: EventsBlock | undefined,
): Portion {
  let made = encoded
  const encode = () => (made ??= encodeEvents(records, cx.epoch, { of: parts, is: part }))
  let rows = 0
  for (const each of parts) if (each === part) rows++
  return {
    table: 'events',
    token: `${cx.plan}/events/${part}`,
    rows,
    block: () => encode().block,
    positions: () => {
      const { expires } = encode()
      const now = clock.now() / 1000
      return {
        of: positionsOf(records, cx.epoch, parts, part, rows),
        expired: (row) => (expires[row] as number) <= now,
      }
    },
    missing(which) {
      const of = new Uint16Array(parts.length)
      let row = 0
      for (const [at, each] of parts.entries()) if (each === part) of[at] = which[row++] as number
      return encodeEvents(records, cx.epoch, { of, is: 1 }).block
    },
    ranges: () => rangesOf(records, cx.epoch),
  }
}

/** Which part each row goes to: by day, `daysMax` days and `rowsMax` rows at a time. */
function partsOf(days: Int32Array): { of: Uint16Array; count: number } {
  const of = new Uint16Array(days.length)
  const distinct = [...new Set(days)].toSorted((a, b) => a - b)
  if (distinct.length <= daysMax && days.length <= rowsMax) return { of, count: 1 }
  const spanOf = new Map(distinct.map((day, place) => [day, Math.floor(place / daysMax)]))
  /** Rows and number of the part that each span fills now. */
  const filling = new Map<number, { part: number; rows: number }>()
  let count = 0
  for (const [row, day] of days.entries()) {
    const span = spanOf.get(day) as number
    let current = filling.get(span)
    if (current === undefined || current.rows === rowsMax) filling.set(span, (current = { part: count++, rows: 0 }))
    current.rows++
    of[row] = current.part
  }
  return { of, count }
}

function positionsOf(
  records: readonly LogRecord[],
  epoch: number,
  parts: Uint16Array,
  part: number,
  rows: number,
): BigUint64Array {
  const positions = new BigUint64Array(rows)
  let seen = 0
  let row = 0
  for (const record of records) {
    const { count } = peekHeader(record.value)
    for (let index = 0; index < count; index++)
      if (parts[seen++] === part) positions[row++] = positionOf(record, epoch, index)
  }
  return positions
}
