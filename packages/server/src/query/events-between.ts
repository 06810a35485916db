import type { PositionRange, Store } from '../stores/store.ts'

/** How many events of a project stand within ranges of log positions; `since`: of those that arrived then or later (Unix ms). */
export async function eventsBetween(
  store: Store,
  project: string,
  ranges: readonly PositionRange[],
  signal: AbortSignal,
  since = 0,
): Promise<number> {
  if (ranges.length === 0) return 0
  const within = ranges.map(({ first, last }) => `log_position BETWEEN ${first} AND ${last}`).join(' OR ')
  const [row] = await store.query(
    `SELECT count() AS events FROM events WHERE project = {project:String} AND ingested_at >= fromUnixTimestamp64Milli({since:Int64}) AND (${within})`,
    { project, since },
    { seconds: 10, rows: 1 },
    signal,
  )
  return Number(row?.['events'] ?? 0)
}
