import type { Pool } from 'pg'
import type { Deps } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'

/** Of the table; kept as its comment. */
const format = 1
const comment = 'millrace state, format '

/** Others of our processes make the table at the same moment: then look again. */
const madeByAnother = new Set(['23505', '42P07', '42710', 'XX000'])
/** SQLSTATEs that waiting does not cure: name, password, rights, database, TLS. */
const refusals = /^(28|3D|3F|42501|0A000)/
const retryEveryMs = 250
const patienceMs = 10_000

export interface PrepareOptions {
  readonly table: string
  /** The address without user and password. */
  readonly shown: string
}

/**
 * Waits for PostgreSQL, some seconds, makes the table if it is not there, and refuses a server that could not keep the promise of State.
 * Who starts us tries again after that; a refusal is final.
 */
export async function prepare(
  pool: Pool,
  options: PrepareOptions,
  { clock, logger }: Pick<Deps, 'clock' | 'logger'>,
  signal: AbortSignal,
): Promise<void> {
  const deadline = clock.now() + patienceMs
  for (let attempt = 1; ; attempt++) {
    try {
      await checkServer(pool, options)
      await makeTable(pool, options)
      return
    } catch (error) {
      if (error instanceof PipelineError) throw error
      const { code, message } = error as Error & { code?: string }
      if ((code !== undefined && refusals.test(code)) || isTlsRefusal(message))
        throw new PipelineError('config', `PostgreSQL at ${options.shown} refuses us: ${message}; correct state.url`, {
          cause: error,
        })
      const given = new PipelineError('unavailable', `PostgreSQL at ${options.shown} cannot be used: ${message}`, {
        cause: error,
      })
      if (clock.now() > deadline) throw given
      if (attempt === 1)
        logger.warn({ postgres: options.shown, why: message }, 'PostgreSQL is not there yet; waiting for it')
      const pauseMs = code !== undefined && madeByAnother.has(code) ? 20 : retryEveryMs
      await clock.sleep(pauseMs, signal).catch(() => undefined)
      // Who waits no longer is told what it waited for.
      if (signal.aborted) throw given
    }
  }
}

async function checkServer(pool: Pool, { shown }: PrepareOptions): Promise<void> {
  const { rows } = await pool.query<{ replica: boolean; commit: string }>(
    `SELECT pg_is_in_recovery() AS replica, current_setting('synchronous_commit') AS commit`,
  )
  const server = rows[0]
  // A replica may become the primary by a fail-over: worth another try.
  if (server?.replica === true) throw new Error(`it is a replica, which cannot be written to`)
  if (server?.commit === 'off')
    throw new PipelineError(
      'config',
      `PostgreSQL at ${shown} has synchronous_commit = off for us: what it acknowledged could be lost; ALTER ROLE … SET synchronous_commit = on`,
    )
}

async function makeTable(pool: Pool, { table, shown }: PrepareOptions): Promise<void> {
  const { rows } = await pool.query<{ comment: string | null }>(
    `SELECT obj_description(oid, 'pg_class') AS comment FROM pg_class WHERE oid = to_regclass($1)`,
    [table],
  )
  const found = rows[0]
  if (found === undefined) {
    // One message is one transaction: the table is never there without its comment.
    await pool.query(
      `CREATE TABLE ${table} (key bytea PRIMARY KEY, version bigint NOT NULL, value bytea);
       COMMENT ON TABLE ${table} IS '${comment}${format}'`,
    )
    return
  }
  const version = found.comment?.startsWith(comment) === true ? Number(found.comment.slice(comment.length)) : Number.NaN
  if (version === format) return
  if (version > format)
    throw new PipelineError(
      'newer_version',
      `table ${table} of PostgreSQL at ${shown} has format ${version}, this release knows ${format}: start the newer release`,
    )
  throw new PipelineError(
    'config',
    `PostgreSQL at ${shown} has a table ${table} that is not ours; name another one in state.table`,
  )
}

function isTlsRefusal(message: string): boolean {
  return /certificate|does not support SSL|no encryption|wrong version number/i.test(message)
}
