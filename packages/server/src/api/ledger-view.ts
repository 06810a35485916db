import type { Log } from '../log/log.ts'
import { type LedgerRow, ledgerRows, type LedgerWindow, type StoreCounts, storeCounts } from '../query/ledger.ts'
import type { Store } from '../stores/store.ts'
import { type Counts, tailCounts } from './tail-counts.ts'
import { unloadedTail } from './unloaded.ts'

export interface LedgerView {
  readonly project: string
  readonly from: string
  readonly to: string
  /** The collector's counts, also of what is not in the tables yet. */
  readonly rows: readonly LedgerRow[]
  /** `received` is the collector's; the others are counted from the tables' own rows. */
  readonly sums: { readonly received: number } & StoreCounts
  /** Events of records that are not in the tables yet, read from the log. */
  readonly in_flight: number
  /** received = stored + duplicate + dropped + quarantined + in flight, and each outcome by itself. */
  readonly balanced: boolean
}

type Outcome = keyof StoreCounts

/** Three counts that know nothing of each other, brought together at one moment of the log: the collector's, the tables', the tail's. */
export async function ledgerView(
  log: Log,
  store: Store,
  asked: LedgerWindow,
  signal: AbortSignal,
): Promise<LedgerView> {
  const window = wholeMinutes(asked)
  const tail = await unloadedTail(log)
  const [{ inFlight, collected: unloaded }, loaded, stored] = await Promise.all([
    tailCounts(tail, window, signal),
    ledgerRows(store, window, tail.loaded, signal),
    storeCounts(store, window, tail.loaded, signal),
  ])
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
    balanced: outcomes.every((outcome) => received[outcome] === stored[outcome] + inFlight[outcome]),
  }
}

/** Counts are kept by minute, so a question is about whole minutes: those that it touches. */
function wholeMinutes({ project, from, to }: LedgerWindow): LedgerWindow {
  return { project, from: Math.floor(from / 60_000) * 60_000, to: Math.ceil(to / 60_000) * 60_000 }
}

function add(rows: Map<string, LedgerRow>, row: LedgerRow): void {
  const before = rows.get(key(row))
  rows.set(key(row), before === undefined ? row : { ...row, events: before.events + row.events })
}

function key({ minute, source, outcome, reason }: LedgerRow): string {
  return [minute, source, outcome, reason].join('\u0000')
}
