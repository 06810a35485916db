import type { Pool, QueryResult } from 'pg'
import type { Deps } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import { checkValue, encodeKey, endOfPrefix } from '../entry-keys.ts'
import { kvErrors, notRunning, storeFailed } from '../kv-errors.ts'
import { showUrl } from '../show-url.ts'
import type { State } from '../state.ts'
import { prepare } from './prepare.ts'

/*
 * key bytea (UTF-8)   version bigint   value bytea, NULL: deleted
 *
 * A deleted key keeps its row, so that its versions go on rising. One statement per call, so each is atomic by itself, works
 * behind a pooler of transactions, and two that meet on a key are put in order by its row lock.
 */

export interface PostgresStateOptions {
  readonly url: string
  readonly table: string
}

/** Answers within it, or it has failed; a write that was sent may have been done all the same, which its version tells. */
const operationMs = 5000
/** State is small and seldom asked. */
const maxConnections = 4

/** State in one table of PostgreSQL, shared by all processes that reach it. */
export function createPostgresState({ url, table }: PostgresStateOptions, deps: Deps): State {
  const errors = kvErrors(deps.metrics)
  const shown = showUrl(url)
  let pool: Pool | undefined

  async function query(op: string, sql: string, values: readonly (Buffer | number)[]): Promise<QueryResult<Row>> {
    const current = pool
    if (current === undefined) throw notRunning('the PostgreSQL state')
    try {
      return await current.query<Row>(sql, [...values])
    } catch (error) {
      if (pool === undefined) throw notRunning('the PostgreSQL state')
      errors.inc({ op: `state_${op}` })
      throw storeFailed(`PostgreSQL at ${shown}`, op, error)
    }
  }

  /** A read does no harm when done twice: the first one may only have found that its connection is gone. */
  async function read(op: string, sql: string, values: readonly Buffer[]): Promise<readonly Row[]> {
    try {
      return (await query(op, sql, values)).rows
    } catch (error) {
      if (pool === undefined) throw error
      return (await query(op, sql, values)).rows
    }
  }

  async function write(op: string, sql: string, values: readonly (Buffer | number)[]): Promise<boolean> {
    return (await query(op, sql, values)).rowCount === 1
  }

  return {
    async start(signal) {
      const library = await import('pg')
      pool = new library.Pool({
        connectionString: url,
        max: maxConnections,
        connectionTimeoutMillis: operationMs,
        query_timeout: operationMs,
        idleTimeoutMillis: 60_000,
        keepAlive: true,
        fallback_application_name: 'millrace',
      })
      // An idle connection that breaks is replaced by the next call.
      pool.on('error', (error) =>
        deps.logger.warn({ postgres: shown, why: error.message }, 'lost a connection to PostgreSQL'),
      )
      try {
        await prepare(pool, { table, shown }, deps, signal)
      } catch (error) {
        const unused = pool
        pool = undefined
        await unused.end()
        throw error
      }
    },
    async stop() {
      const closing = pool
      pool = undefined
      await closing?.end()
    },
    async get(key) {
      const [row] = await read('get', `SELECT version, value FROM ${table} WHERE key = $1 AND value IS NOT NULL`, [
        encodeKey(key),
      ])
      return row === undefined ? undefined : decode(row)
    },
    async list(prefix) {
      const start = Buffer.from(prefix, 'utf8')
      const rows = await read(
        'list',
        `SELECT key, version, value FROM ${table} WHERE key >= $1 AND key < $2 AND value IS NOT NULL ORDER BY key`,
        [start, endOfPrefix(start)],
      )
      return rows.map((row) => ({ key: row.key.toString('utf8'), ...decode(row) }))
    },
    async putIfVersion(key, value, version) {
      const encoded = encodeKey(key)
      checkValue(value)
      const bytes = Buffer.from(value)
      if (version !== 0)
        return await write(
          'put',
          `UPDATE ${table} SET value = $2, version = version + 1 WHERE key = $1 AND version = $3 AND value IS NOT NULL`,
          [encoded, bytes, checkVersion(version)],
        )
      return await write(
        'put',
        `INSERT INTO ${table} AS old (key, version, value) VALUES ($1, 1, $2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = old.version + 1 WHERE old.value IS NULL`,
        [encoded, bytes],
      )
    },
    async deleteIfVersion(key, version) {
      const encoded = encodeKey(key)
      if (version === 0) return false
      return await write(
        'delete',
        `UPDATE ${table} SET value = NULL, version = version + 1 WHERE key = $1 AND version = $2 AND value IS NOT NULL`,
        [encoded, checkVersion(version)],
      )
    },
  }
}

interface Row {
  readonly key: Buffer
  /** A bigint, which comes as text. */
  readonly version: string
  readonly value: Buffer
}

function decode({ version, value }: Row): { value: Uint8Array; version: number } {
  return { value: new Uint8Array(value), version: Number(version) }
}

function checkVersion(version: number): number {
  if (Number.isSafeInteger(version)) return version
  throw new PipelineError('internal', `${version} is not a version of a state entry`)
}
