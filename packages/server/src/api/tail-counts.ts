import {
  decodeDeadLetter,
  decodeOutcomesRecord,
  decodeQuarantineRecord,
  peekHeader,
  readEnvelope,
} from '@millrace/protocol'
import type { LogRecord } from '../log/log.ts'
import type { LedgerRow, LedgerWindow, StoreCounts } from '../query/ledger.ts'
import type { Unloaded } from './unloaded.ts'

export type Counts = Record<keyof StoreCounts, number>

/** What the unloaded part of the log says about a window. */
export interface TailCounts {
  /** Events by outcome, counted from their own records. */
  readonly inFlight: Readonly<Counts>
  /** The collector's counts, as they stand beside them. */
  readonly collected: readonly LedgerRow[]
}

export async function tailCounts(
  tail: Pick<Unloaded, 'forEach'>,
  window: LedgerWindow,
  signal: AbortSignal,
): Promise<TailCounts> {
  const inFlight: Counts = { stored: 0, duplicate: 0, dropped: 0, quarantined: 0 }
  const collected: LedgerRow[] = []
  await tail.forEach((record) => count(record, window, inFlight, collected), signal)
  return { inFlight, collected }
}

function count({ topic, value }: LogRecord, window: LedgerWindow, inFlight: Counts, collected: LedgerRow[]): void {
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
        collected.push({ minute: new Date(minute).toISOString(), source, outcome, reason, events })
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
