import type { LedgerCount, OutcomeRow } from '@millrace/protocol'

const minuteMs = 60_000

/** Rows of one record: their place within it has 16 bits. */
export const maxRowsPerRecord = 10_000

/** The batch that an outcome is of. */
interface OutcomeOf {
  readonly project: string
  readonly source: string
  readonly receivedAt: number
}

/** Gathers what one commit did with each event: rows for those not stored, and the counts of all, every event exactly once. */
export interface OutcomeTally {
  stored(of: OutcomeOf, events: number): void
  duplicate(of: OutcomeOf, id: string, batchId: string): void
  rejected(row: OutcomeRow): void
  rows(): readonly OutcomeRow[]
  counts(): readonly LedgerCount[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export function createOutcomeTally(): OutcomeTally {
  const rows: Mutable<OutcomeRow>[] = []
  /** One id may come many times within a commit (a client that loops): one row tells it. */
  const duplicates = new Map<string, Mutable<OutcomeRow>>()
  const counts = new Map<string, Mutable<LedgerCount>>()

  function count(of: OutcomeOf, outcome: LedgerCount['outcome'], reason: string, events: number): void {
    const minute = Math.floor(of.receivedAt / minuteMs) * minuteMs
    const key = `${of.project}\n${of.source}\n${outcome}\n${reason}\n${minute}`
    const known = counts.get(key)
    if (known !== undefined) known.events += events
    else counts.set(key, { project: of.project, minute, source: of.source, outcome, reason, events })
  }

  return {
    stored(of, events) {
      if (events > 0) count(of, 'stored', '', events)
    },
    duplicate(of, id, batchId) {
      count(of, 'duplicate', '', 1)
      const { project, source, receivedAt } = of
      const key = `${project}\n${source}\n${Math.floor(receivedAt / minuteMs)}\n${id}`
      const known = duplicates.get(key)
      if (known !== undefined) {
        known.count++
        return
      }
      const row: Mutable<OutcomeRow> = {
        id,
        project,
        source,
        receivedAt,
        outcome: 'duplicate',
        reason: '',
        issues: [],
        batchId,
        count: 1,
      }
      duplicates.set(key, row)
      rows.push(row)
    },
    rejected(row) {
      count(row, row.outcome, row.reason, row.count)
      rows.push(row)
    },
    rows: () => rows,
    counts: () => [...counts.values()],
  }
}
