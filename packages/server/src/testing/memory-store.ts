import { PipelineError } from '../core/errors.ts'
import type { Block, Store } from '../stores/store.ts'

/**
 * What becomes of an insert:
 * - `store`       the rows are there
 * - `refuse`      they are not, and never will be: `query_failed`
 * - `away`        they are not, the store is away: `unavailable`
 * - `lose-answer` they are there, but the answer is lost: `unknown_result`
 * - `lose-rows`   killed between token and rows: `unknown_result`, the token is known and the rows are not there
 * - `unknown`     nothing is there: `unknown_result`
 * - `too-big`     nothing is there, and will not be in one block of this size at this moment: `limit_exceeded`
 */
export type InsertFate = 'too-big' | 'store' | 'refuse' | 'away' | 'lose-answer' | 'lose-rows' | 'unknown'

export interface MemoryStoreOptions {
  /** Called before each insert with its number, from 1. */
  readonly onInsert?: (call: number, block: Block, token: string) => InsertFate
}

export interface MemoryStore extends Store {
  /** Values of a column over all rows of a table, in the order of insertion; of String, UInt64 and Int64 columns. */
  column(table: string, name: string): (string | bigint)[]
  /** Inserts that stored something. */
  readonly inserts: { readonly table: string; readonly token: string; readonly rows: number }[]
}

/** Tables in memory that keep the contract of `Store` but for SQL; for tests of what writes to them. */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const blocks: Block[] = []
  const inserts: { table: string; token: string; rows: number }[] = []
  const tokens = new Set<string>()
  let calls = 0
  const column = (table: string, name: string) =>
    blocks.filter((block) => block.table === table).flatMap((block) => values(block, name))

  return {
    inserts,
    column,
    async start() {},
    async stop() {},
    async insert(block, token, signal) {
      signal.throwIfAborted()
      const fate = options.onInsert?.(++calls, block, token) ?? 'store'
      await new Promise((resolve) => setImmediate(resolve))
      if (fate === 'refuse') throw new PipelineError('query_failed', 'the store refuses the block')
      if (fate === 'away') throw new PipelineError('unavailable', 'the store is away')
      if (fate === 'too-big')
        throw new PipelineError('limit_exceeded', 'the store lacks the memory for this block', { retry: 'later' })
      if (fate !== 'unknown' && !tokens.has(token)) {
        tokens.add(token)
        if (fate !== 'lose-rows') {
          blocks.push(snapshot(block))
          inserts.push({ table: block.table, token, rows: block.rows })
        }
      }
      if (fate !== 'store') throw new PipelineError('unknown_result', 'the store did not answer')
    },
    async stopQuery() {},
    async positions(table, ranges) {
      const all = column(table, 'log_position') as bigint[]
      const found = all.filter((position) => ranges.some(({ first, last }) => position >= first && position <= last))
      return BigUint64Array.from(found).toSorted()
    },
    async query() {
      throw new PipelineError('internal', 'a store in memory speaks no SQL')
    },
  }
}

function snapshot(block: Block): Block {
  return {
    ...block,
    columns: block.columns.map((each) => ({ ...each, data: each.data.map((piece) => new Uint8Array(piece)) })),
  }
}

function values(block: Block, name: string): (string | bigint)[] {
  const column = block.columns.find((each) => each.name === name)
  if (column === undefined) return Array.from({ length: block.rows }, () => '')
  const data = Buffer.concat(column.data)
  const found: (string | bigint)[] = []
  let at = 0
  for (let row = 0; row < block.rows; row++) {
    if (column.type === 'UInt64' || column.type === 'Int64') {
      found.push(column.type === 'UInt64' ? data.readBigUInt64LE(row * 8) : data.readBigInt64LE(row * 8))
      continue
    }
    if (column.type !== 'String') throw new PipelineError('internal', `cannot read a column of type ${column.type}`)
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = data[at++] as number
      length += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    found.push(data.toString('utf8', at, (at += length)))
  }
  return found
}
