import { PipelineError } from '../../../core/errors.ts'
import { tablesToFilter } from '../../schema/access.ts'
import type { Connection } from '../connection.ts'
import { quoteSql } from '../engine/users-xml.ts'
import { queryRows } from '../query.ts'
import { excessGrants } from './grants.ts'
import type { KnownFunctions } from './judge.ts'

/** Settings that a project's user must have from its own profile, since nobody can send them for it. */
const neededSettings: Readonly<Record<string, (value: string) => boolean>> = {
  readonly: (value) => value === '1',
  max_execution_time: (value) => Number(value) > 0,
  max_memory_usage: (value) => Number(value) > 0,
  max_result_rows: (value) => Number(value) > 0,
  cancel_http_readonly_queries_on_client_close: (value) => value === '1',
  output_format_json_quote_64bit_integers: (value) => value === '0',
}

/**
 * Is a project's user confined as the cage expects? Asked of the server itself before the first query of a project. Our own engine's
 * always is, being made so at its start; on a server by URL somebody else made the users. Throws `unavailable` with what is missing.
 */
export async function probeCage(connection: Connection, project: string, signal: AbortSignal): Promise<void> {
  const login = connection.asking[project]
  if (login === undefined)
    throw new PipelineError(
      'unavailable',
      `SQL is not open for project ${project}: the store has no read-only user of its own for it; name one as store.asking.${project}`,
      { retry: 'never' },
    )
  const missing: string[] = []
  const settings = await queryRows(
    connection,
    `SELECT name, value FROM system.settings WHERE name IN ({names:Array(String)})`,
    { names: Object.keys(neededSettings) },
    {},
    signal,
    login,
  )
  const values = new Map(settings.map((row) => [String(row['name']), String(row['value'])]))
  for (const [name, isRight] of Object.entries(neededSettings))
    if (!isRight(values.get(name) ?? '')) missing.push(`setting ${name} is ${values.get(name) ?? 'unknown'}`)

  const policies = await queryRows(
    connection,
    `SELECT table, select_filter FROM system.row_policies WHERE database = {database:String} AND has(apply_to_list, {user:String}) AND NOT apply_to_all`,
    { database: connection.database, user: login.user },
    {},
    signal,
  )
  const needed = `project = ${quoteSql(project)}`
  for (const table of tablesToFilter(connection.cluster)) {
    const filters = policies
      .filter((policy) => policy['table'] === table)
      .map((policy) => String(policy['select_filter']))
    if (!filters.includes(needed)) missing.push(`no row policy on ${table} with ${needed}`)
  }
  const grants = await queryRows(connection, 'SHOW GRANTS', {}, {}, signal, login)
  for (const grant of excessGrants(
    grants.flatMap((row) => Object.values(row).map(String)),
    connection.database,
    connection.cluster,
  ))
    missing.push(`it may more than read its tables: ${grant}`)
  if (missing.length > 0)
    throw new PipelineError(
      'unavailable',
      `SQL is not open for project ${project}: its user ${login.user} is not confined (${missing.join('; ')})`,
      { retry: 'never' },
    )
}

export async function knownFunctions(connection: Connection, signal: AbortSignal): Promise<KnownFunctions> {
  const names = async (table: string) => {
    const rows = await queryRows(connection, `SELECT lower(name) AS name FROM system.${table}`, {}, {}, signal)
    return rows.map((row) => String(row['name']))
  }
  const [functions, tableFunctions, combinators] = await Promise.all([
    names('functions'),
    names('table_functions'),
    names('aggregate_function_combinators'),
  ])
  return {
    functions: new Set(functions),
    tableFunctions: new Set(tableFunctions),
    combinators: combinators.toSorted((a, b) => b.length - a.length),
  }
}
