import type { Readable } from 'node:stream'
import { stringifyJson } from '@millrace/protocol'
import { PipelineError } from '../../core/errors.ts'
import type { Ask, AskAnswer, AskFormat } from '../ask.ts'
import { judge, type KnownFunctions } from './cage/judge.ts'
import { knownFunctions, probeCage } from './cage/probe.ts'
import { readCompactRows } from './compact-rows.ts'
import { type ClickHouseAddress, type Connection, createConnections } from './connection.ts'
import type { Login } from './engine/run-file.ts'
import { queryError } from './errors.ts'
import { createPatience, type Patience } from './patience.ts'
import { withTimes } from './time-params.ts'

const formats: Readonly<Record<AskFormat, { readonly clickhouse: string; readonly contentType: string }>> = {
  json: { clickhouse: 'JSONCompactEachRowWithNamesAndTypes', contentType: 'application/json' },
  ndjson: { clickhouse: 'JSONCompactEachRowWithNamesAndTypes', contentType: 'application/x-ndjson' },
  csv: { clickhouse: 'CSVWithNames', contentType: 'text/csv; charset=utf-8' },
  parquet: { clickhouse: 'Parquet', contentType: 'application/vnd.apache.parquet' },
  arrow: { clickhouse: 'ArrowStream', contentType: 'application/vnd.apache.arrow.stream' },
}

/** ClickHouse's own limit for the text of a query, said before it is sent. */
const maxQueryBytes = 262_144
/** A server by URL may be upgraded, or its users changed, while we run. */
const trustForMs = 60_000
/** Of an answer that is rewritten row by row: one piece of the body. */
const pieceLength = 64 * 1024

/** Beyond the question's own time: what is asked before it, and the way. */
const patienceSeconds = 3

export interface ClickHouseAskOptions {
  readonly address: ClickHouseAddress
  /** `query.seconds`: the engine ends a question by itself; one that is not even answered ends a little later. */
  readonly seconds: number
  /** `query.rows`: the engine does not count those of a SELECT without FROM. */
  readonly rows: number
}

/** What people ask of ClickHouse, in the cage: the engine parses the query as the asker, we judge the tree, the asker's user runs it. */
export function createClickHouseAsk({ address, seconds, rows }: ClickHouseAskOptions): Ask {
  const connections = createConnections(address)
  const trusted = new Map<string, { readonly client: unknown; readonly until: number }>()
  let known: { readonly functions: KnownFunctions; readonly client: unknown; readonly until: number } | undefined

  async function prepare(connection: Connection, project: string, signal: AbortSignal): Promise<KnownFunctions> {
    const { client } = connection
    const now = Date.now()
    const trust = trusted.get(project)
    if (trust === undefined || trust.client !== client || trust.until < now) {
      await probeCage(connection, project, signal)
      trusted.set(project, { client, until: now + trustForMs })
    }
    if (known === undefined || known.client !== client || known.until < now)
      known = { functions: await knownFunctions(connection, signal), client, until: now + trustForMs }
    return known.functions
  }

  return {
    async start() {},
    stop: () => connections.close(),
    async ask(project, sql, given, format, signal) {
      if (sql.trim() === '') throw new PipelineError('query_failed', 'the query is empty')
      const bytes = Buffer.byteLength(sql)
      if (bytes > maxQueryBytes)
        throw new PipelineError('limit_exceeded', `the query has ${bytes} bytes, at most ${maxQueryBytes} are allowed`)
      const params = withTimes(sql, given)
      const connection = connections.current()
      const patience = createPatience(signal)
      patience.wait(seconds + patienceSeconds)
      try {
        const functions = await prepare(connection, project, patience.signal)
        const login = connection.asking[project]!
        const tree = await run(
          connection,
          login,
          `EXPLAIN AST ${sql}`,
          params,
          'JSONCompactEachRowWithNamesAndTypes',
          patience.signal,
        )
        const lines: string[] = []
        for await (const [line] of (await readCompactRows(tree.body)).rows) lines.push(String(line))
        const why = judge(lines, functions)
        if (why !== undefined) throw new PipelineError('query_refused', why)
        const raw = await run(connection, login, sql, params, formats[format].clickhouse, patience.signal)
        if (raw.rows > rows) {
          raw.body.destroy()
          throw new PipelineError(
            'limit_exceeded',
            `the answer has ${raw.rows} rows, at most ${rows} are allowed (query.rows); add a LIMIT or aggregate`,
          )
        }
        patience.rest()
        return await answer({ ...raw, body: patiently(raw.body, patience) }, format)
      } catch (error) {
        patience.close()
        throw queryError(patience.explain(error), signal)
      }
    },
  }
}

interface RawAnswer {
  readonly body: AsyncIterable<Uint8Array>
  readonly rows: number
  readonly statistics: { readonly rows_read: number; readonly bytes_read: number; readonly elapsed_ms: number }
}

/** `wait_end_of_query`: ClickHouse holds the answer (bounded by the user's limits) until it is whole, so an error is never half an answer. */
async function run(
  { client, database }: Connection,
  login: Login,
  query: string,
  params: Readonly<Record<string, unknown>>,
  format: string,
  signal: AbortSignal,
): Promise<RawAnswer & { readonly body: Readable }> {
  try {
    const { stream, summary } = await client.exec({
      query,
      query_params: { ...params },
      auth: { username: login.user, password: login.password },
      // These are parameters of ClickHouse's HTTP interface, not settings, which a read-only user could not send.
      clickhouse_settings: { wait_end_of_query: 1, database, default_format: format } as Record<
        string,
        string | number
      >,
      abort_signal: signal,
    })
    return {
      body: stream,
      rows: Number(summary?.result_rows ?? 0),
      statistics: {
        rows_read: Number(summary?.read_rows ?? 0),
        bytes_read: Number(summary?.read_bytes ?? 0),
        elapsed_ms: Math.round(Number(summary?.elapsed_ns ?? 0) / 1e3) / 1e3,
      },
    }
  } catch (error) {
    // Why it was given up, the asker knows.
    throw signal.aborted ? error : queryError(error, signal)
  }
}

/** Whoever reads may be slow, the store may not: the clock runs only while we wait for it. */
async function* patiently(body: AsyncIterable<Uint8Array>, patience: Patience): AsyncGenerator<Uint8Array> {
  try {
    patience.wait(patienceSeconds)
    for await (const piece of body) {
      patience.rest()
      yield piece
      patience.wait(patienceSeconds)
    }
  } catch (error) {
    throw patience.explain(error)
  } finally {
    patience.close()
  }
}

async function answer(raw: RawAnswer, format: AskFormat): Promise<AskAnswer> {
  const { contentType } = formats[format]
  if (format === 'json') return { contentType, body: joinPieces(await jsonPieces(raw)) }
  if (format === 'ndjson') return { contentType, body: joinPieces(ndjsonPieces(raw)) }
  return { contentType, body: raw.body }
}

async function jsonPieces({ body, statistics }: RawAnswer): Promise<AsyncGenerator<string>> {
  const { columns, rows } = await readCompactRows(body)
  const write = rowWriter(columns.map(({ name }) => name))
  return (async function* () {
    yield `{"columns":${JSON.stringify(columns)},"rows":[`
    let separator = ''
    for await (const values of rows) {
      yield separator + write(values)
      separator = ','
    }
    yield `],"statistics":${JSON.stringify(statistics)}}`
  })()
}

async function* ndjsonPieces({ body }: RawAnswer): AsyncGenerator<string> {
  const { columns, rows } = await readCompactRows(body)
  const write = rowWriter(columns.map(({ name }) => name))
  for await (const values of rows) yield `${write(values)}\n`
}

function rowWriter(names: readonly string[]): (values: readonly unknown[]) => string {
  const keys = names.map((name) => `${JSON.stringify(name)}:`)
  return (values) => {
    let text = '{'
    for (let index = 0; index < keys.length; index++)
      text += (index === 0 ? '' : ',') + keys[index]! + stringifyJson(values[index])
    return `${text}}`
  }
}

async function* joinPieces(pieces: AsyncGenerator<string>): AsyncGenerator<Uint8Array> {
  let text = ''
  for await (const piece of pieces) {
    text += piece
    if (text.length < pieceLength) continue
    yield Buffer.from(text)
    text = ''
  }
  if (text !== '') yield Buffer.from(text)
}
