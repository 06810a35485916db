import type { ColumnName } from '@millrace/protocol'

/** The ten event types, each with the columns without which such an event says nothing. Binds Millrace's own JSON only. */
export const requiredColumns: ReadonlyMap<string, readonly ColumnName[]> = new Map<string, readonly ColumnName[]>([
  ['trace', ['trace_id', 'span_id']],
  ['metric', ['metric_name', 'metric_type']],
  ['log', ['log_level', 'log_message']],
  ['cdc', ['db_operation', 'db_table', 'db_system']],
  ['track', []],
  ['page', ['http_url']],
  ['vital', ['vital_name', 'vital_value']],
  ['replay', ['session_id', 'replay_type']],
  ['tail', ['service_name']],
  ['snippet', ['snippet_request_id']],
])

export const eventTypes: readonly string[] = [...requiredColumns.keys()]
