import type { Service } from '../core/service.ts'

/** One column of a block in ClickHouse's Native encoding: `data` is the column's body (prefix included), cut as it suits. */
export interface BlockColumn {
  readonly name: string
  /** ClickHouse type as it stands in the Native header, e.g. `Nullable(Float64)`. */
  readonly type: string
  readonly data: readonly Uint8Array[]
}

/** Column-wise rows for one table. Columns left out get the table's defaults. Every table has `log_position`. */
export interface Block {
  readonly table: string
  readonly rows: number
  readonly columns: readonly BlockColumn[]
}

/** Inclusive range of log positions (see protocol's log-position.ts). */
export interface PositionRange {
  readonly first: bigint
  readonly last: bigint
}

export type Rows = readonly Readonly<Record<string, unknown>>[]

export interface QueryLimits {
  readonly seconds?: number
  readonly memoryBytes?: number
  readonly rows?: number
}

/**
 * The tables. `insert` resolves only when the rows are synced to disk. The same token inserts once, but a token alone proves
 * nothing after a crash (docs/decisions/0003): then `stop` the query, ask `positions`, insert the missing under a new token.
 *
 * `insert` MUST use the token as the query id too (load's tokens are `<plan>/<table>/<part>`), and MUST let columns be written that
 * the table calls MATERIALIZED (`insert_allow_materialized_columns = 1`: the sealed originals of `quarantine`).
 */
export interface Store extends Service {
  /**
   * Throws `unknown_result` when the answer was lost, `unavailable` when the store surely did not take it, `limit_exceeded` when it lacked
   * the memory for the block (part of which it may have taken; a smaller block may pass), other codes when it refused the block.
   */
  insert(block: Block, token: string, signal: AbortSignal): Promise<void>
  /** End every running insert or query whose id is `queryId` or begins with `queryId` + `/`, and wait until they are gone. */
  stopQuery(queryId: string, signal: AbortSignal): Promise<void>
  /** Which log positions within `ranges` the table holds, ascending, repeated ones repeated. `ranges` MAY be some hundreds. */
  positions(table: string, ranges: readonly PositionRange[], signal: AbortSignal): Promise<BigUint64Array>
  /** Our own questions, as our own user, with ClickHouse parameters `{name:Type}`. 64-bit integers come as strings. */
  query(sql: string, params: Readonly<Record<string, unknown>>, limits: QueryLimits, signal: AbortSignal): Promise<Rows>
}
