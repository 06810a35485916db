import { PipelineError, toPipelineError } from '../core/errors.ts'
import type { Block, PositionRange, Store } from '../stores/store.ts'
import type { JobContext } from './job.ts'

/** Rows of a plan for one table: one insert. */
export interface Portion {
  readonly table: string
  /** `<plan>/<table>/<part>`: the same in every run of the plan. */
  readonly token: string
  readonly rows: number
  /** All rows. MAY be called more than once. */
  block(): Block
  /** Log position of each row, in the order of the rows, and which of them the store may already have let expire. */
  positions(): { readonly of: BigUint64Array; readonly expired: (row: number) => boolean }
  /** Only the rows whose entry is 1. */
  missing(which: Uint8Array): Block
  /** Where the positions lie. */
  ranges(): readonly PositionRange[]
}

export interface Inserted {
  /** Rows that had to be inserted. */
  readonly rows: number
  /** Rows found twice in the table. */
  readonly twice: number
}

/**
 * Insert rows exactly once, whatever happened to earlier attempts.
 *
 * The usual way is one insert under the portion's token. When an earlier attempt may have written something, or when the answer to
 * this one was lost, a token alone proves nothing: the engine notes it before the rows are safe. Then:
 *
 *   1. end what still runs of this plan (the caller does it once per plan; here after a lost answer)
 *   2. ask which positions the table has
 *   3. insert the missing under the portion's own token: should a late attempt still come, one of the two is dropped
 *   4. ask again; what is missing still had its token noted but not its rows: insert it under a new token
 *   5. ask again, and only then say that it is done
 *
 * A block for which the store lacks memory goes in halves, and halves of those: what one moment or one strange block cannot take whole
 * must not stop the job for ever. A single row that does not fit is the store's fault, not the row's.
 *
 * Rows that the table holds twice cannot be mended here; they are counted, so that somebody hears of it.
 */
export async function insertOnce(store: Store, portion: Portion, cx: JobContext): Promise<Inserted> {
  if (portion.rows === 0) return { rows: 0, twice: 0 }
  let isTooBig = false
  if (!cx.verify) {
    const all = new Uint8Array(portion.rows).fill(1)
    const result = await tryInsert(store, portion, all, portion.token, cx)
    if (result === 'stored') return { rows: portion.rows, twice: 0 }
    isTooBig = result === 'too big'
  }
  let missing = await findMissing(store, portion, cx)
  if (missing.count === 0) return { rows: 0, twice: missing.twice }
  const inserted = missing.count
  if (isTooBig) await insertHalves(store, portion, missing.which, cx)
  else await insertMissing(store, portion, missing.which, portion.token, cx)
  missing = await findMissing(store, portion, cx)
  if (missing.count > 0) {
    await insertMissing(store, portion, missing.which, `${portion.token}/again-${crypto.randomUUID()}`, cx)
    missing = await findMissing(store, portion, cx)
  }
  if (missing.count > 0) {
    throw new PipelineError(
      'unavailable',
      `${missing.count} of ${portion.rows} rows are not in table ${portion.table} after their insert`,
      { retry: 'later' },
    )
  }
  return { rows: inserted, twice: missing.twice }
}

/** The next question tells what is stored. */
async function insertMissing(
  store: Store,
  portion: Portion,
  which: Uint8Array,
  token: string,
  cx: JobContext,
): Promise<void> {
  const result = await tryInsert(store, portion, which, token, cx)
  if (result === 'too big') await insertHalves(store, portion, which, cx)
}

async function tryInsert(
  store: Store,
  portion: Portion,
  which: Uint8Array,
  token: string,
  cx: JobContext,
): Promise<'stored' | 'unknown' | 'too big'> {
  try {
    await store.insert(which.includes(0) ? portion.missing(which) : portion.block(), token, cx.signal)
    return 'stored'
  } catch (error) {
    const { code } = toPipelineError(error)
    if (code === 'limit_exceeded') return 'too big'
    if (code !== 'unknown_result') throw error
    // Nothing of this insert may come later than the next question.
    await asOurs(() => store.stopQuery(token, cx.signal))
    return 'unknown'
  }
}

async function insertHalves(store: Store, portion: Portion, which: Uint8Array, cx: JobContext): Promise<void> {
  const rows: number[] = []
  for (const [row, isMissing] of which.entries()) if (isMissing === 1) rows.push(row)
  if (rows.length === 1) {
    throw new PipelineError('unavailable', `the store lacks the memory for one row of table ${portion.table}`, {
      retry: 'later',
    })
  }
  const middle = Math.ceil(rows.length / 2)
  for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
    // Of a block of several days some may be stored although the whole was refused.
    const { which: missing } = await findMissing(store, portion, cx)
    const own = new Uint8Array(which.length)
    for (const row of half) own[row] = missing[row] as number
    if (own.includes(1)) await insertMissing(store, portion, own, `${portion.token}/half-${crypto.randomUUID()}`, cx)
  }
}

async function findMissing(
  store: Store,
  portion: Portion,
  cx: JobContext,
): Promise<{ which: Uint8Array; count: number; twice: number }> {
  const stored = await asOurs(() => store.positions(portion.table, portion.ranges(), cx.signal))
  const has = new Set(stored)
  const { of, expired } = portion.positions()
  const which = new Uint8Array(of.length)
  let count = 0
  for (const [row, position] of of.entries()) {
    if (has.has(position) || expired(row)) continue
    which[row] = 1
    count++
  }
  return { which, count, twice: stored.length - has.size }
}

/** Questions about what is stored say nothing about the records: their failure is ours, to be tried again without end. */
export async function asOurs<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const failure = toPipelineError(error)
    if (failure.retry === 'later') throw failure
    throw new PipelineError(failure.code, failure.message, { retry: 'later', details: failure.details, cause: error })
  }
}
