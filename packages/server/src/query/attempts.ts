import type { Store } from '../stores/store.ts'

/** One arrival of an id at the gate, wherever it ended. */
export interface Attempt {
  readonly id: string
  readonly project: string
  readonly source: string
  /** RFC 3339. */
  readonly receivedAt: string
  readonly outcome: 'stored' | 'duplicate' | 'dropped' | 'quarantined'
  readonly reason: string
  readonly issues: readonly string[]
  readonly batchId: string
  /** Arrivals that this one stands for: duplicates of one id within a minute are one. */
  readonly count: number
  /** Decimal; undefined when not yet in the tables. */
  readonly logPosition: string
  /** What the gate changed, by step: `context.millrace`. */
  readonly notes: Readonly<Record<string, unknown>>
}

/** The latest `limit` attempts with this id that the tables know, newest first; the one that was stored is never left out. */
export async function attemptsOf(
  store: Store,
  project: string,
  id: string,
  limit: number,
  signal: AbortSignal,
): Promise<Attempt[]> {
  const params = { project, id, limit }
  const [stored, others] = await Promise.all([
    store.query(
      `SELECT id, project, event_source AS source, ingested_at AS received_at, 'stored' AS outcome, '' AS reason, [] AS issues,
              batch_id, 1 AS count, toString(log_position) AS position, context
       FROM events WHERE project = {project:String} AND id = {id:String} ORDER BY log_position DESC LIMIT {limit:UInt32}`,
      params,
      { seconds: 10 },
      signal,
    ),
    store.query(
      `SELECT id, project, source, received_at, outcome, reason, issues, batch_id, count, toString(log_position) AS position
       FROM outcomes WHERE project = {project:String} AND id = {id:String} ORDER BY log_position DESC LIMIT {limit:UInt32}`,
      params,
      { seconds: 10 },
      signal,
    ),
  ])
  const room = Math.max(0, limit - stored.length)
  const latest = others.map((row) => attempt(row)).sort(newestFirst)
  return [...stored.map((row) => attempt(row)), ...latest.slice(0, room)].sort(newestFirst)
}

function newestFirst(a: Attempt, b: Attempt): number {
  return b.receivedAt.localeCompare(a.receivedAt)
}

function attempt(row: Readonly<Record<string, unknown>>): Attempt {
  const context = row['context'] as { millrace?: Readonly<Record<string, unknown>> } | undefined
  return {
    id: String(row['id']),
    project: String(row['project']),
    source: String(row['source']),
    receivedAt: String(row['received_at']),
    outcome: row['outcome'] as Attempt['outcome'],
    reason: String(row['reason']),
    issues: row['issues'] as readonly string[],
    batchId: String(row['batch_id']),
    count: Number(row['count']),
    logPosition: String(row['position']),
    notes: context?.millrace ?? {},
  }
}
