import { retentionDays } from '../stores/retention.ts'
import type { PositionRange, Rows, Store } from '../stores/store.ts'

export interface LedgerWindow {
  readonly project: string
  /** Unix ms, inclusive. */
  readonly from: number
  /** Unix ms, exclusive. */
  readonly to: number
}

export interface LedgerRow {
  /** RFC 3339, the UTC minute of `ingested_at`. */
  readonly minute: string
  readonly source: string
  readonly outcome: string
  readonly reason: string
  readonly events: number
}

/** What of the log is in the tables, per topic: positions name no topic, and tables take rows of several. */
export type LoadedRanges = Readonly<
  Record<'events' | 'outcomes' | 'quarantine' | 'deadletters', readonly PositionRange[]>
>

/** The collector's counts that the tables hold so far, of records before the given ends. */
export async function ledgerRows(
  store: Store,
  window: LedgerWindow,
  loaded: LoadedRanges,
  signal: AbortSignal,
): Promise<LedgerRow[]> {
  const rows = await store.query(
    `SELECT toDateTime64(minute, 3, 'UTC') AS minute, source, outcome, reason, sum(events) AS events FROM ledger
     WHERE project = {project:String} AND minute >= toDateTime({from:Int64}) AND minute < toDateTime({to:Int64}) AND ${within(loaded.outcomes, loaded.deadletters)}
     GROUP BY minute, source, outcome, reason ORDER BY minute, source, outcome, reason`,
    seconds(window),
    { seconds: 10 },
    signal,
  )
  return rows.map((row) => ledgerRow(row))
}

export interface StoreCounts {
  readonly stored: number
  readonly duplicate: number
  readonly dropped: number
  readonly quarantined: number
}

/** What the tables hold of a window, and what they held of it and need not hold any more. */
export interface HeldCounts {
  /** Counted from the rows themselves, and not from the ledger. */
  readonly held: StoreCounts
  /** Events stored that expire on a day that has come, or comes at once: their rows go at any moment. Counted when they were stored. */
  readonly expired: number
}

/** Moments from which on rows are sure to be there; Unix ms. */
export interface Promised {
  /** Rows of `events` with this or a later `expires_at`; the start of a UTC day. */
  readonly expiresFrom: number
  /** Rows of `outcomes` and `quarantine` received at this minute or later. */
  readonly outcomesFrom: number
  readonly quarantineFrom: number
  /** Counts of this minute and later ones. */
  readonly ledgerFrom: number
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** With an hour to spare: the store has a clock of its own, and a question takes its time. */
export function promisedAt(now: number): Promised {
  const from = (days: number) => Math.ceil((now - days * dayMs + hourMs) / minuteMs) * minuteMs
  return {
    expiresFrom: Math.ceil((now + hourMs) / dayMs) * dayMs,
    outcomesFrom: from(retentionDays.outcomes),
    quarantineFrom: from(retentionDays.quarantine),
    ledgerFrom: from(retentionDays.ledger),
  }
}

/** What the tables themselves say of the same window and the same records. */
export async function storeCounts(
  store: Store,
  window: LedgerWindow,
  loaded: LoadedRanges,
  promised: Promised,
  signal: AbortSignal,
): Promise<HeldCounts> {
  const where = (column: string, condition: string) =>
    `project = {project:String} AND ${column} >= fromUnixTimestamp64Milli({from_ms:Int64}) AND ${column} < fromUnixTimestamp64Milli({to_ms:Int64}) AND ${condition}`
  const ask = (sql: string, from: number, more: Record<string, unknown> = {}) => {
    const params = { project: window.project, from_ms: Math.max(window.from, from), to_ms: window.to, ...more }
    return store.query(sql, params, { seconds: 10 }, signal)
  }
  const cut = { cut: promised.expiresFrom / 1000 }
  const [events, expiries, quarantine, outcomes] = await Promise.all([
    ask(
      `SELECT countIf(NOT is_duplicate) AS stored, countIf(is_duplicate) AS swept FROM events
       WHERE expires_at >= toDateTime({cut:Int64}, 'UTC') AND ${where('ingested_at', within(loaded.events))}`,
      0,
      cut,
    ),
    ask(
      `SELECT sum(events) AS expired FROM expiries
       WHERE expires_on < toDate32(toDateTime({cut:Int64}, 'UTC')) AND ${where('minute', within(loaded.events))}`,
      0,
      cut,
    ),
    ask(
      `SELECT count() AS quarantined FROM quarantine WHERE ${where('received_at', within(loaded.quarantine, loaded.deadletters))}`,
      promised.quarantineFrom,
    ),
    ask(
      `SELECT sumIf(count, outcome = 'duplicate') AS duplicate, sumIf(count, outcome = 'dropped') AS dropped FROM outcomes WHERE ${where('received_at', within(loaded.outcomes))}`,
      promised.outcomesFrom,
    ),
  ])
  return {
    held: {
      stored: number(events, 'stored'),
      duplicate: number(outcomes, 'duplicate') + number(events, 'swept'),
      dropped: number(outcomes, 'dropped'),
      quarantined: number(quarantine, 'quarantined'),
    },
    expired: number(expiries, 'expired'),
  }
}

function number(rows: Rows, name: string): number {
  return Number(rows[0]?.[name] ?? 0)
}

function seconds({ project, from, to }: LedgerWindow): Record<string, unknown> {
  return { project, from: Math.floor(from / 1000), to: Math.floor(to / 1000) }
}

/**
 * Rows of dead letters have the upper half of a position's index (jobs/load.ts): their ranges are those of another topic.
 * The ranges come from the log's own positions, never from a request.
 */
function within(ranges: readonly PositionRange[], letters?: readonly PositionRange[]): string {
  if (letters === undefined) return anyOf(ranges)
  return `if(bitAnd(log_position, 0x8000) = 0, ${anyOf(ranges)}, ${anyOf(letters)})`
}

function anyOf(ranges: readonly PositionRange[]): string {
  if (ranges.length === 0) return 'false'
  return `(${ranges.map(({ first, last }) => `log_position BETWEEN ${first} AND ${last}`).join(' OR ')})`
}

function ledgerRow(row: Rows[number]): LedgerRow {
  return {
    minute: String(row['minute']),
    source: String(row['source']),
    outcome: String(row['outcome']),
    reason: String(row['reason']),
    events: Number(row['events']),
  }
}
