import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PipelineError } from '../core/errors.ts'
import { blockBody } from '../stores/block-body.ts'
import { engineArguments, engineReady } from '../stores/clickhouse/engine/engine.ts'
import { type EngineRun, engineRunFile } from '../stores/clickhouse/engine/run-file.ts'
import { migrate } from '../stores/schema/migrate.ts'
import type { Store } from '../stores/store.ts'

/** A real engine in a directory of its own, with this release's tables, that can be killed and started again. */
export interface EngineUnderTest {
  readonly store: Store
  /** Where a real client finds it. */
  readonly runFile: string
  pid(): number
  /** SQL as the owner of the database; the answer as text. */
  sql(query: string, body?: readonly Uint8Array[], settings?: Readonly<Record<string, string>>): Promise<string>
  /** 64-bit integers as strings, unless the settings say otherwise. */
  rows(query: string, settings?: Readonly<Record<string, string>>): Promise<Record<string, unknown>[]>
  kill(): Promise<void>
  restart(): Promise<void>
  close(): Promise<void>
}

const loadSettings = {
  input_format_try_infer_dates: '0',
  input_format_try_infer_datetimes: '0',
  type_json_skip_duplicated_paths: '1',
  insert_allow_materialized_columns: '1',
}

/** No more of the engine than these tests need: HTTP straight to it, so that they test blocks and jobs, not a client. */
export async function startEngine(): Promise<EngineUnderTest> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-engine-'))
  const options = {
    dataDir,
    projects: ['default'],
    ask: { seconds: 10, memoryBytes: 512e6, rows: 100_000 },
    memoryBytes: 2e9,
  }
  const agent = new Agent({ keepAlive: true })
  const live = new AbortController().signal
  let child: ChildProcess
  let run: EngineRun

  const start = async () => {
    child = spawn(process.execPath, engineArguments(options), { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
    run = await engineReady(dataDir, child.pid as number, AbortSignal.timeout(20_000))
  }
  const post = (
    query: string,
    settings: Readonly<Record<string, string>>,
    body: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<string> =>
    new Promise((resolve, reject) => {
      const params = new URLSearchParams({ ...settings, database: run.database, query })
      const { user, password } = run.service
      const lost = (cause: unknown) => {
        reject(new PipelineError('unknown_result', 'the engine did not answer', { cause }))
      }
      const sent = request(
        `${run.url}/?${params.toString()}`,
        { agent, method: 'POST', auth: `${user}:${password}`, signal },
        (answer) => {
          let text = ''
          answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
          answer.on('error', lost)
          answer.on('end', () => {
            if (answer.statusCode === 200) resolve(text)
            else reject(new PipelineError('query_failed', text.slice(0, 500)))
          })
        },
      )
      sent.on('error', lost)
      for (const piece of body) sent.write(piece)
      sent.end()
    })

  const sql: EngineUnderTest['sql'] = (query, body = [], settings = {}) => post(query, settings, body, live)
  const rows: EngineUnderTest['rows'] = async (query, settings) => {
    const quoted = { output_format_json_quote_64bit_integers: '1' }
    const text = await sql(`${query} FORMAT JSONEachRow`, [], { ...quoted, ...settings })
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  await start()
  await migrate(
    {
      database: run!.database,
      execute: async (query) => void (await sql(query)),
      ask: async (query, params) => rows(inline(query, params)),
    },
    live,
  )

  const store: Store = {
    async start() {},
    async stop() {},
    async insert(block, token, signal) {
      const names = block.columns.map((column) => `\`${column.name}\``).join(', ')
      const settings = { ...loadSettings, query_id: token, insert_deduplication_token: token }
      await post(`INSERT INTO ${block.table} (${names}) FORMAT Native`, settings, blockBody(block), signal)
    },
    async stopQuery(id) {
      await sql(`KILL QUERY WHERE query_id = '${id}' OR startsWith(query_id, '${id}/') SYNC`)
    },
    async positions(table, ranges) {
      const where = ranges.map(({ first, last }) => `log_position BETWEEN ${first} AND ${last}`).join(' OR ')
      const found = await rows(`SELECT log_position FROM ${table} WHERE ${where} ORDER BY log_position`)
      return BigUint64Array.from(found, (row) => BigInt(row['log_position'] as string))
    },
    query: (query) => rows(query),
  }

  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  return {
    store,
    runFile: engineRunFile(dataDir),
    sql,
    rows,
    kill,
    pid: () => child.pid as number,
    async restart() {
      await kill()
      await start()
    },
    async close() {
      agent.destroy()
      await kill()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

function inline(query: string, params: Readonly<Record<string, unknown>>): string {
  return query.replace(/\{(\w+):\w+\}/g, (_all, name: string) => `'${String(params[name])}'`)
}
