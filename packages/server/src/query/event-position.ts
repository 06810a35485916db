import type { Store } from '../stores/store.ts'

/** Where in the log a stored event stands, and when it arrived (Unix ms); undefined when no event has this id. */
export async function eventPosition(
  store: Store,
  project: string,
  id: string,
  signal: AbortSignal,
): Promise<{ readonly position: string; readonly at: number } | undefined> {
  const [row] = await store.query(
    'SELECT toString(log_position) AS position, toUnixTimestamp64Milli(ingested_at) AS at FROM events WHERE project = {project:String} AND id = {id:String} ORDER BY log_position LIMIT 1',
    { project, id },
    { seconds: 10, rows: 1 },
    signal,
  )
  return row && { position: String(row['position']), at: Number(row['at']) }
}
