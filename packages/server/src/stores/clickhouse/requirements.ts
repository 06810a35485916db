import { PipelineError } from '../../core/errors.ts'
import { tables } from '../schema/tables.ts'
import type { Connection } from './connection.ts'
import { queryRows } from './query.ts'

/** The long-term release before the one we are tested with; flattened JSON in Native came with 25.6, sparse Nullable columns after it. */
const oldestVersion = [26, 3] as const

/** What our tables and inserts name. A server that lacks one would refuse the table, or worse, take the block for something else. */
const neededSettings = [
  'output_format_native_use_flattened_dynamic_and_json_serialization',
  'insert_deduplication_token',
]
const neededTableSettings = [
  ...new Set(
    tables.flatMap(({ engine }) =>
      [...engine.slice(engine.lastIndexOf('SETTINGS')).matchAll(/(\w+) = /g)].map(([, name]) => name!),
    ),
  ),
]

/** Throws `unavailable` when this ClickHouse cannot hold our tables: it may be another tomorrow. */
export async function assertUsable(connection: Connection, signal: AbortSignal): Promise<void> {
  const system = { ...connection, database: 'system' }
  const [about] = await queryRows(
    system,
    `SELECT version() AS version,
       arrayFilter(name -> name NOT IN (SELECT name FROM system.settings), {settings:Array(String)}) AS settings,
       arrayFilter(name -> name NOT IN (SELECT name FROM system.merge_tree_settings), {tables:Array(String)}) AS tables`,
    { settings: neededSettings, tables: neededTableSettings },
    { seconds: 10 },
    signal,
  )
  const version = String(about?.['version'])
  const lacks = [about?.['settings'], about?.['tables']].flat().map(String)
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isOld = major < oldestVersion[0] || (major === oldestVersion[0] && minor < oldestVersion[1])
  if (!isOld && lacks.length === 0) return
  const why = isOld ? '' : `, which has no ${lacks.join(', ')}`
  throw new PipelineError(
    'unavailable',
    `the store is ClickHouse ${version}${why}; Millrace needs ${oldestVersion.join('.')} or newer`,
  )
}
