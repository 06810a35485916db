import type { Rows, Store } from '../stores/store.ts'
import { wholeEvent } from './whole-event.ts'

/**
 * The stored event with this id, populated columns only: absent strings, NULLs and empty JSON columns are left out, and so is
 * what the engine keeps for itself. Undefined when there is none. With several (a repeated import, say) the first one stored.
 */
export async function eventById(
  store: Store,
  project: string,
  id: string,
  signal: AbortSignal,
): Promise<StoredEvent | undefined> {
  const rows = await store.query(
    `SELECT ${wholeEvent} FROM events WHERE project = {project:String} AND id = {id:String} ORDER BY log_position LIMIT 1`,
    { project, id },
    { seconds: 10, rows: 1 },
    signal,
  )
  return rows[0] === undefined ? undefined : populated(rows[0])
}

export type StoredEvent = Readonly<Record<string, unknown>>

/** A row without what is absent in it. */
export function populated(row: Rows[number]): StoredEvent {
  return Object.fromEntries(
    Object.entries(row).filter(([name, value]) => !isAbsent(value) && !(name === 'is_duplicate' && !value)),
  )
}

function isAbsent(value: unknown): boolean {
  if (value === null || value === '') return true
  return typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0
}
