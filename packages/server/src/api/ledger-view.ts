import type { Log } from '../log/log.ts'
import {
  type LedgerRow,
  ledgerRows,
  type LedgerWindow,
  type Promised,
  promisedAt,
  type StoreCounts,
  storeCounts,
} from '../query/ledger.ts'
import type { Store } from '../stores/store.ts'
import { type Counts, tailCounts } from './tail-counts.ts'
import { unloadedTail } from './unloaded.ts'

export interface LedgerView {
  readonly project: string
  readonly from: string
  readonly to: string
  /** The collector's counts, also of what is not in the tables yet. */
  readonly rows: readonly LedgerRow[]
  /** `received` is the collector's; the others are counted from the tables' own rows, but for those of `expired`. */
  readonly sums: { readonly received: number } & StoreCounts
  /** Events of records that are not in the tables yet, read from the log. */
  readonly in_flight: number
  /**
   * How many of the sums are of rows whose retention has ended, or does within a day: they may be gone. Stored events among them were
   * counted when they were stored, quarantined, duplicate and dropped ones by the collector alone.
   */
  readonly expired: number
  /** received = stored + duplicate + dropped + quarantined + in flight, and each outcome by itself. */
  readonly balanced: boolean
}

type Outcome = keyof StoreCounts

/** Three counts that know nothing of each other, brought together at one moment of the log: the collector's, the tables', the tail's. */
export async function ledgerView(
  log: Log,
  store: Store,
  asked: LedgerWindow,
  now: number,
  signal: AbortSignal,
): Promise<LedgerView> {
  const promised = promisedAt(now)
  const window = wholeMinutes(asked, promised.ledgerFrom)
  const tail = await unloadedTail(log, signal)
  const [{ inFlight, collected: unloaded }, loaded, { held, expired }] = await Promise.all([
    tailCounts(tail, window, signal),
    ledgerRows(store, window, tail.loaded, signal),
    storeCounts(store, window, tail.loaded, promised, signal),
  ])
  const gone = goneCounts(loaded, promised)
  const stored = { ...gone, stored: expired }
  for (const outcome of Object.keys(held) as Outcome[]) stored[outcome] += held[outcome]
  const collected = new Map<string, LedgerRow>()
  for (const row of [...unloaded, ...loaded]) add(collected, row)
  const rows = [...collected.values()].sort((a, b) => key(a).localeCompare(key(b)))
  const received: Counts = { stored: 0, duplicate: 0, dropped: 0, quarantined: 0 }
  for (const { outcome, events } of rows) received[outcome as Outcome] += events
  const outcomes = Object.keys(received) as Outcome[]
  const sum = (counts: Counts) => outcomes.reduce((total, outcome) => total + counts[outcome], 0)
  return {
    project: window.project,
    from: new Date(window.from).toISOString(),
    to: new Date(window.to).toISOString(),
    rows: rows.filter(({ events }) => events !== 0),
    sums: { received: sum(received), ...stored },
    in_flight: sum(inFlight),
    expired: expired + sum(gone),
    balanced: outcomes.every((outcome) => received[outcome] === stored[outcome] + inFlight[outcome]),
  }
}

/** What the collector counted in minutes of which the tables need not have rows any more. */
function goneCounts(loaded: readonly LedgerRow[], { outcomesFrom, quarantineFrom }: Promised): Counts {
  const gone: Counts = { stored: 0, duplicate: 0, dropped: 0, quarantined: 0 }
  for (const { minute, outcome, events } of loaded) {
    if (outcome === 'stored') continue
    const from = outcome === 'quarantined' ? quarantineFrom : outcomesFrom
    if (Date.parse(minute) < from) gone[outcome as Outcome] += events
  }
  return gone
}

/** Counts are kept by minute, so a question is about whole minutes: those that it touches, of which there are counts. */
function wholeMinutes({ project, from, to }: LedgerWindow, ledgerFrom: number): LedgerWindow {
  const end = Math.ceil(to / 60_000) * 60_000
  return { project, from: Math.min(end, Math.max(ledgerFrom, Math.floor(from / 60_000) * 60_000)), to: end }
}

function add(rows: Map<string, LedgerRow>, row: LedgerRow): void {
  const before = rows.get(key(row))
  rows.set(key(row), before === undefined ? row : { ...row, events: before.events + row.events })
}

function key({ minute, source, outcome, reason }: LedgerRow): string {
  return [minute, source, outcome, reason].join('\u0000')
}
