import {
  decodeDeadLetter,
  decodeOutcomesRecord,
  decodeQuarantineRecord,
  peekHeader,
  readEnvelope,
} from '@millrace/protocol'
import type { Log, LogRecord } from '../log/log.ts'
import { type LedgerRow, ledgerRows, type LedgerWindow, type StoreCounts, storeCounts } from '../query/ledger.ts'
import type { Store } from '../stores/store.ts'
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
type Counts = Record<Outcome, number>

/** Three counts that know nothing of each other, brought together at one moment of the log: the collector's, the tables', the tail's. */
export async function ledgerView(
  log: Log,
  store: Store,
  asked: LedgerWindow,
  signal: AbortSignal,
): Promise<LedgerView> {
  const window = wholeMinutes(asked)
  const tail = await unloadedTail(log)
  const inFlight: Counts = { stored: 0, duplicate: 0, dropped: 0, quarantined: 0 }
  const collected = new Map<string, LedgerRow>()
  await tail.forEach((record) => count(record, window, inFlight, collected), signal)
  const [loaded, stored] = await Promise.all([
    ledgerRows(store, window, tail.loaded, signal),
    storeCounts(store, window, tail.loaded, signal),
  ])
  for (const row of loaded) add(collected, row)
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

function count(
  { topic, value }: LogRecord,
  window: LedgerWindow,
  inFlight: Counts,
  collected: Map<string, LedgerRow>,
): void {
  const inside = (project: string, at: number) => project === window.project && at >= window.from && at < window.to
  if (topic === 'events') {
    const { project, ingestedAt } = readEnvelope(value)
    if (inside(project, ingestedAt)) inFlight.stored += peekHeader(value).count
  } else if (topic === 'quarantine') {
    for (const { project, receivedAt } of decodeQuarantineRecord(value))
      if (inside(project, receivedAt)) inFlight.quarantined++
  } else if (topic === 'outcomes') {
    const { rows, counts } = decodeOutcomesRecord(value)
    for (const row of rows)
      if (row.outcome !== 'quarantined' && inside(row.project, row.receivedAt)) inFlight[row.outcome] += row.count
    for (const { project, minute, source, outcome, reason, events } of counts)
      if (inside(project, minute))
        add(collected, { minute: new Date(minute).toISOString(), source, outcome, reason, events })
  } else deadLetter(decodeDeadLetter(value), inside, inFlight)
}

/** A record that `load` gave up: its events were received as stored, and wait here to become quarantined. */
function deadLetter(
  letter: { topic: string; value: Uint8Array },
  inside: (project: string, at: number) => boolean,
  inFlight: Counts,
): void {
  if (letter.topic !== 'events') return
  try {
    const { project, ingestedAt } = readEnvelope(letter.value)
    if (inside(project, ingestedAt)) inFlight.stored += peekHeader(letter.value).count
  } catch {
    // A record that cannot be read at all belongs to no project; `status` shows it as a dead letter.
  }
}

function add(rows: Map<string, LedgerRow>, row: LedgerRow): void {
  const before = rows.get(key(row))
  rows.set(key(row), before === undefined ? row : { ...row, events: before.events + row.events })
}

function key({ minute, source, outcome, reason }: LedgerRow): string {
  return [minute, source, outcome, reason].join('\u0000')
}
