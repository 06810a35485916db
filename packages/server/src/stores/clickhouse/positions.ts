import type { PositionRange } from '../store.ts'
import type { Connection } from './connection.ts'
import { syncReplica } from '../schema/cluster.ts'
import { queryError } from './errors.ts'
import { execute } from './query.ts'

/** The minmax index on `log_position` lets ClickHouse skip nearly all of the table. */
export async function readPositions(
  connection: Connection,
  table: string,
  ranges: readonly PositionRange[],
  signal: AbortSignal,
): Promise<BigUint64Array> {
  if (ranges.length === 0) return new BigUint64Array(0)
  await syncReplicas(connection, table, signal)
  const within = ranges.map(({ first, last }) => `log_position BETWEEN ${first} AND ${last}`).join(' OR ')
  const pieces: Uint8Array[] = []
  try {
    const { stream } = await connection.client.exec({
      query: `SELECT log_position FROM ${connection.database}.${table} WHERE ${within} ORDER BY log_position FORMAT RowBinary`,
      clickhouse_settings: { wait_end_of_query: 1, readonly: '2', cancel_http_readonly_queries_on_client_close: 1 },
      abort_signal: signal,
    })
    for await (const piece of stream) pieces.push(piece as Uint8Array)
  } catch (error) {
    throw queryError(error, signal)
  }
  // A copy of its own, so that it begins at a multiple of eight; RowBinary is little-endian, as are the platforms we run on.
  const bytes = new Uint8Array(Buffer.concat(pieces))
  return new BigUint64Array(bytes.buffer, 0, bytes.length / 8)
}

/** Of several replicas any may answer: each must first have what the others took. One that cannot be asked makes us wait. */
async function syncReplicas(connection: Connection, table: string, signal: AbortSignal): Promise<void> {
  const { cluster, database } = connection
  if (cluster?.replicated !== true) return
  await execute(connection, syncReplica(database, table, cluster), signal)
}
