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
 * Rows that the table holds twice cannot be mended here; they are counted, so that somebody hears of it.
 */
export async function insertOnce(store: Store, portion: Portion, cx: JobContext): Promise<Inserted> {
  if (portion.rows === 0) return { rows: 0, twice: 0 }
  if (!cx.verify) {
    try {
      await store.insert(portion.block(), portion.token, cx.signal)
      return { rows: portion.rows, twice: 0 }
    } catch (error) {
      if (toPipelineError(error).code !== 'unknown_result') throw error
      await asOurs(() => store.stopQuery(portion.token, cx.signal))
    }
  }
  let missing = await findMissing(store, portion, cx)
  if (missing.count === 0) return { rows: 0, twice: missing.twice }
  const inserted = missing.count
  await insertMissing(store, portion, missing.which, portion.token, cx)
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

async function insertMissing(
  store: Store,
  portion: Portion,
  which: Uint8Array,
  token: string,
  cx: JobContext,
): Promise<void> {
  const all = which.every((each) => each === 1)
  try {
    await store.insert(all ? portion.block() : portion.missing(which), token, cx.signal)
  } catch (error) {
    // The next question tells; but first nothing of this insert may come later.
    if (toPipelineError(error).code !== 'unknown_result') throw error
    await asOurs(() => store.stopQuery(token, cx.signal))
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
