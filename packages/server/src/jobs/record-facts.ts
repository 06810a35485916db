import { peekHeader, readEnvelope } from '@millrace/protocol'
import type { LogRecord } from '../log/log.ts'

/** Events of a record by its header; a record whose header cannot be read counts as one. */
export function eventsOf(record: LogRecord): number {
  try {
    return Math.max(1, peekHeader(record.value).count)
  } catch {
    return 1
  }
}

/** Unix ms when the events of a record were received; undefined for records that do not say. */
export function timeOf(record: LogRecord): number | undefined {
  if (record.topic !== 'events') return undefined
  try {
    return readEnvelope(record.value).ingestedAt || undefined
  } catch {
    return undefined
  }
}
