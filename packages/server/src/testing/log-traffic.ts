import {
  encodeEventsRecord,
  encodeOutcomesRecord,
  encodeQuarantineRecord,
  type EventColumns,
  type LedgerCount,
} from '@millrace/protocol'
import type { NewRecord } from '../log/log.ts'

const day = 86_400_000
/** 2026-11-01T00:00:00Z */
export const trafficStart = 1_793_491_200_000

export interface TrafficOptions {
  /** Number of the group commit: ids follow from it. */
  readonly batch: number
  readonly events?: number
  readonly quarantined?: number
  readonly duplicates?: number
  readonly partition?: number
  readonly columns?: (index: number) => EventColumns
}

/** What the collector appends in one group commit: events, quarantined ones, and the outcomes that count them all. */
export function groupCommit(options: TrafficOptions): NewRecord[] {
  const { batch, events = 3, quarantined = 0, duplicates = 0, partition = 0 } = options
  const project = 'default'
  const source = 'test'
  const ingestedAt = trafficStart + batch * 1000
  const minute = Math.floor(ingestedAt / 60_000) * 60_000
  const batchId = `batch-${batch}`
  const records: NewRecord[] = []
  const counts: LedgerCount[] = []
  const count = (outcome: LedgerCount['outcome'], reason: string, number: number) => {
    if (number > 0) counts.push({ project, minute, source, outcome, reason, events: number })
  }
  if (events > 0) {
    const envelope = { project, batchId, source, ingestedAt, schemaVersion: 1, planVersion: 0 }
    const made = Array.from(
      { length: events },
      (_, index): EventColumns => ({
        id: `event-${batch}-${index}`,
        event_type: 'track',
        event_name: 'clicked',
        timestamp: ingestedAt,
        expires_at: ingestedAt + 400 * day,
        ...options.columns?.(index),
      }),
    )
    records.push({ topic: 'events', partition, value: encodeEventsRecord(envelope, made) })
  }
  const rows = Array.from({ length: quarantined }, (_, index) => ({
    id: `bad-${batch}-${index}`,
    project,
    source,
    receivedAt: ingestedAt,
    batchId,
    index,
    reason: 'schema',
    issues: ['/timestamp: 40 days old, at most 30'],
  }))
  if (rows.length > 0) {
    const sealed = { redacted: '{}', eventType: 'track', sealed: Uint8Array.of(1, 2, 3), sealKey: 'k' }
    records.push({
      topic: 'quarantine',
      partition: 0,
      value: encodeQuarantineRecord(rows.map((row) => ({ ...row, ...sealed }))),
    })
  }
  count('stored', '', events)
  count('quarantined', 'schema', quarantined)
  count('duplicate', '', duplicates)
  records.push({
    topic: 'outcomes',
    partition: 0,
    value: encodeOutcomesRecord({
      counts,
      rows: [
        ...rows.map((row) => ({ ...row, outcome: 'quarantined' as const, count: 1 })),
        ...Array.from({ length: duplicates }, (_, index) => ({
          id: `event-${batch - 1}-${index}`,
          project,
          source,
          receivedAt: ingestedAt,
          outcome: 'duplicate' as const,
          reason: '',
          issues: [],
          batchId,
          count: 1,
        })),
      ],
    }),
  })
  return records
}
