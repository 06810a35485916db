import { Readable } from 'node:stream'
import { blockBody } from '../block-body.ts'
import type { Block } from '../store.ts'
import type { Connection } from './connection.ts'
import { insertError } from './errors.ts'

/** Pieces below this are joined: each piece of the body becomes a chunk of its own on the wire. */
const smallPiece = 64 * 1024
const joinedPiece = 1024 * 1024

/** `input_format…` and `type_json…`: how JSON that travels as text is read, so that it becomes what the encoded form is. */
const settings = {
  async_insert: 0,
  insert_deduplicate: 1,
  wait_end_of_query: 1,
  insert_allow_materialized_columns: 1,
  input_format_try_infer_dates: 0,
  input_format_try_infer_datetimes: 0,
  type_json_skip_duplicated_paths: 1,
  // One block is one part per partition: nothing but the plan decides its limits.
  max_insert_block_size: '10000000',
  min_insert_block_size_rows: '0',
  min_insert_block_size_bytes: '0',
} as const

/** Streams one block; resolves when its parts are synced. Query id and deduplication token are the token. */
export async function insertBlock(
  connection: Connection,
  block: Block,
  token: string,
  signal: AbortSignal,
): Promise<void> {
  if (block.rows === 0) return
  const names = block.columns.map(({ name }) => `\`${name}\``).join(', ')
  try {
    const { stream } = await connection.client.exec({
      query: `INSERT INTO ${connection.database}.${block.table} (${names}) FORMAT Native`,
      values: Readable.from(joinSmall(blockBody(block)), { objectMode: false }),
      query_id: token,
      clickhouse_settings: {
        ...settings,
        insert_deduplication_token: token,
        // Else the answer would come before the rows are where they belong.
        ...(connection.cluster === undefined ? {} : { distributed_foreground_insert: 1 }),
      },
      abort_signal: signal,
    })
    // The answer of an insert is empty; reading it gives the connection back.
    for await (const _ of stream);
  } catch (error) {
    throw insertError(error, signal)
  }
}

function* joinSmall(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let held: Uint8Array[] = []
  let size = 0
  for (const piece of pieces) {
    if (piece.length >= smallPiece && size === 0) {
      yield piece
      continue
    }
    held.push(piece)
    size += piece.length
    if (size < joinedPiece && piece.length < smallPiece) continue
    yield Buffer.concat(held, size)
    held = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(held, size)
}
