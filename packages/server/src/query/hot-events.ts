import type { Rows, Store } from '../stores/store.ts'
import { populated } from './event-by-id.ts'
import { wholeEvent } from './whole-event.ts'

/** Columns by which S3's hot tier filters. */
export const hotColumns = [
  'event_type',
  'trace_id',
  'session_id',
  'correlation_id',
  'ns',
  'service_name',
  'log_level',
] as const

export interface HotQuestion {
  readonly project: string
  readonly equal: Readonly<Partial<Record<(typeof hotColumns)[number], string>>>
  /** Unix ms; events after it. */
  readonly after?: number
  readonly before?: number
  readonly limit: number
  readonly order: 'newest' | 'oldest'
}

/** Whole events by a few equal columns, populated columns only. */
export async function hotEvents(
  store: Store,
  { project, equal, after, before, limit, order }: HotQuestion,
  signal: AbortSignal,
): Promise<Rows> {
  const where = ['project = {project:String}']
  const params: Record<string, unknown> = { project, limit }
  for (const [column, value] of Object.entries(equal)) {
    where.push(`${column} = {${column}:String}`)
    params[column] = value
  }
  if (after !== undefined) where.push('timestamp > fromUnixTimestamp64Milli({after:Int64})')
  if (before !== undefined) where.push('timestamp < fromUnixTimestamp64Milli({before:Int64})')
  const rows = await store.query(
    `SELECT ${wholeEvent} FROM events WHERE ${where.join(' AND ')} ORDER BY timestamp ${order === 'newest' ? 'DESC' : 'ASC'}, log_position ${order === 'newest' ? 'DESC' : 'ASC'} LIMIT {limit:UInt32}`,
    { ...params, ...(after !== undefined && { after }), ...(before !== undefined && { before }) },
    { seconds: 10, rows: limit },
    signal,
  )
  return rows.map(populated)
}
