import type { Store } from '../stores/store.ts'

export interface QuarantineQuestion {
  readonly project: string
  readonly from: number
  readonly to: number
  readonly reason?: string
  readonly source?: string
  readonly eventType?: string
  /** Log position of the last item of the page before; '' for the first page. */
  readonly after: string
  readonly limit: number
}

export interface QuarantineItem {
  readonly id: string
  readonly received_at: string
  readonly source: string
  readonly event_type: string
  readonly reason: string
  readonly issues: readonly string[]
  /** The event with every string replaced by its length. */
  readonly redacted: unknown
  readonly batch_id: string
  readonly index: number
  readonly log_position: string
}

/** Newest first; one page. */
export async function quarantineList(
  store: Store,
  question: QuarantineQuestion,
  signal: AbortSignal,
): Promise<QuarantineItem[]> {
  const conditions = [
    'project = {project:String}',
    'received_at >= fromUnixTimestamp64Milli({from:Int64})',
    'received_at < fromUnixTimestamp64Milli({to:Int64})',
    ...(question.after === '' ? [] : ['log_position < {after:UInt64}']),
    ...(question.reason === undefined ? [] : ['reason = {reason:String}']),
    ...(question.source === undefined ? [] : ['source = {source:String}']),
    ...(question.eventType === undefined ? [] : ['event_type = {eventType:String}']),
  ]
  const rows = await store.query(
    `SELECT id, received_at, source, event_type, reason, issues, redacted, batch_id, index, toString(log_position) AS position
     FROM quarantine WHERE ${conditions.join(' AND ')} ORDER BY quarantine.log_position DESC LIMIT {limit:UInt32}`,
    { ...question },
    { seconds: 10, rows: question.limit },
    signal,
  )
  return rows.map((row) => ({
    id: String(row['id']),
    received_at: String(row['received_at']),
    source: String(row['source']),
    event_type: String(row['event_type']),
    reason: String(row['reason']),
    issues: row['issues'] as readonly string[],
    redacted: parsed(String(row['redacted'])),
    batch_id: String(row['batch_id']),
    index: Number(row['index']),
    log_position: String(row['position']),
  }))
}

/** Large events are redacted to a text that was cut. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
