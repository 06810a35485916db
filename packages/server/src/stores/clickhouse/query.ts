import type { QueryLimits, Rows } from '../store.ts'
import { readCompactRows } from './compact-rows.ts'
import type { Connection } from './connection.ts'
import type { Login } from './engine/run-file.ts'
import { queryError } from './errors.ts'
import { createPatience } from './patience.ts'

const format = 'JSONCompactEachRowWithNamesAndTypes'

/** Beyond a question's own time: the server says so itself, if it still can. */
const patienceSeconds = 2

/** Our own questions, as our own user unless another is named. `readonly: 2` and the cancel setting together make the server end the query when we leave. */
export async function queryRows(
  connection: Connection,
  sql: string,
  params: Readonly<Record<string, unknown>>,
  limits: QueryLimits,
  signal: AbortSignal,
  login?: Login,
): Promise<Rows> {
  const parameters = { wait_end_of_query: 1, database: connection.database, default_format: format }
  // A read-only user could not send any of these; it has them from its profile.
  const settings: Record<string, string | number> = {
    readonly: '2',
    cancel_http_readonly_queries_on_client_close: 1,
    date_time_output_format: 'iso',
    output_format_json_quote_64bit_integers: 0,
    // dotted-keys.ts does this, and tells a %2E that was sent from one that we wrote.
    json_type_escape_dots_in_keys: 0,
    max_recursive_cte_evaluation_depth: 1000,
    memory_usage_overcommit_max_wait_microseconds: 0,
    ...(limits.seconds === undefined ? {} : { max_execution_time: limits.seconds }),
    ...(limits.memoryBytes === undefined ? {} : { max_memory_usage: String(Math.round(limits.memoryBytes)) }),
    ...(limits.rows === undefined ? {} : { max_result_rows: String(limits.rows), result_overflow_mode: 'throw' }),
  }
  const rows: Record<string, unknown>[] = []
  const patience = createPatience(signal)
  if (limits.seconds !== undefined) patience.wait(limits.seconds + patienceSeconds)
  try {
    const { stream } = await connection.client.exec({
      query: sql,
      query_params: { ...params },
      clickhouse_settings: (login === undefined ? { ...parameters, ...settings } : parameters) as Record<
        string,
        string | number
      >,
      ...(login === undefined ? {} : { auth: { username: login.user, password: login.password } }),
      abort_signal: patience.signal,
    })
    const answer = await readCompactRows(stream)
    const names = answer.columns.map(({ name }) => name)
    for await (const values of answer.rows) {
      patience.signal.throwIfAborted()
      const row: Record<string, unknown> = {}
      for (let index = 0; index < names.length; index++) row[names[index]!] = values[index]
      rows.push(row)
    }
  } catch (error) {
    throw queryError(patience.explain(error), signal)
  } finally {
    patience.close()
  }
  return rows
}

/** Statements of ours that answer nothing: DDL, KILL. */
export async function execute(
  connection: Connection,
  sql: string,
  signal: AbortSignal,
  params: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  try {
    await connection.client.command({
      query: sql,
      query_params: { ...params },
      abort_signal: signal,
      // Ours may not be there yet; statements name it.
      clickhouse_settings: {
        wait_end_of_query: 1,
        database: 'system',
        ...(connection.cluster === undefined ? {} : { distributed_foreground_insert: 1 }),
      } as Record<string, string | number>,
    })
  } catch (error) {
    throw queryError(error, signal)
  }
}
