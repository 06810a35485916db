import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import { killQueries, runningQueries } from '../schema/cluster.ts'
import { migrate, type SchemaConnection } from '../schema/migrate.ts'
import { tables } from '../schema/tables.ts'
import type { Store } from '../store.ts'
import { type ClickHouseAddress, type Connections, createConnections } from './connection.ts'
import { insertBlock } from './insert.ts'
import { createOpening } from './opening.ts'
import { readPositions } from './positions.ts'
import { execute, queryRows } from './query.ts'
import { assertUsable } from './requirements.ts'

export interface ClickHouseStoreOptions {
  readonly address: ClickHouseAddress
  /** Bring the schema up to date at start; only one process of a deployment needs to. Default: yes. */
  readonly migrates?: boolean
  readonly logger?: Logger
}

const retryEveryMs = 50

/** The store on ClickHouse by HTTP: our own engine or a server by URL, the same code. */
export function createClickHouseStore({ address, migrates = true, logger }: ClickHouseStoreOptions): Store {
  const connections = createConnections(address)
  const opening = createOpening({
    waits: 'embedded' in address,
    current: () => connections.current(),
    async open(signal) {
      if ('server' in address) await assertUsable(connections.current(), signal)
      else await execute(connections.current(), 'SELECT 1', signal)
      if (migrates) await migrate(schemaConnection(connections), signal)
    },
    logger,
  })

  /** Tables that were there and are not: somebody put another server in its place, or dropped them. They are made again. */
  async function noticeLoss<T>(table: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      if (!(error instanceof PipelineError) || 'embedded' in address || !migrates) throw error
      const code = error.details['clickhouse']
      if ((code !== unknownTable && code !== unknownDatabase) || !tables.some(({ name }) => name === table)) throw error
      const lost = new PipelineError('unavailable', `table ${table} is gone: ${error.message}`, { cause: error })
      opening.reopen(lost)
      throw lost
    }
  }

  return {
    start: (signal) => opening.start(signal),
    async stop() {
      await opening.stop()
      await connections.close()
    },
    insert: async (block, token, signal) =>
      noticeLoss(block.table, () => insertBlock(opening.connection(), block, token, signal)),
    positions: async (table, ranges, signal) =>
      noticeLoss(table, () => readPositions(opening.connection(), table, ranges, signal)),
    query: async (sql, params, limits, signal) => queryRows(opening.connection(), sql, params, limits, signal),
    async stopQuery(queryId, signal) {
      const connection = opening.connection()
      const params = { id: queryId, below: `${queryId}/` }
      for (;;) {
        await execute(connection, killQueries(connection.cluster), signal, params)
        const left = await queryRows(connection, runningQueries(connection.cluster), params, {}, signal)
        if (left.length === 0) return
        await sleep(retryEveryMs, undefined, { signal })
      }
    },
  }
}

const unknownTable = 60
const unknownDatabase = 81

function schemaConnection(connections: Connections): SchemaConnection {
  const { database, cluster } = connections.current()
  return {
    database,
    cluster,
    execute: (sql, signal) => execute(connections.current(), sql, signal),
    ask: (sql, params, signal) => queryRows({ ...connections.current(), database: 'system' }, sql, params, {}, signal),
  }
}
