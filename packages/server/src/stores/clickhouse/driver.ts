import { setTimeout as sleep } from 'node:timers/promises'
import { PipelineError } from '../../core/errors.ts'
import { migrate } from '../schema/migrate.ts'
import type { Store } from '../store.ts'
import { type ClickHouseAddress, type Connections, createConnections } from './connection.ts'
import { insertBlock } from './insert.ts'
import { readPositions } from './positions.ts'
import { execute, queryRows } from './query.ts'

export interface ClickHouseStoreOptions {
  readonly address: ClickHouseAddress
  /** Bring the schema up to date at start; only one process of a deployment needs to. Default: yes. */
  readonly migrates?: boolean
}

const startWithinMs = 60_000
const retryEveryMs = 50

/** The store on ClickHouse by HTTP: our own engine or a server by URL, the same code. */
export function createClickHouseStore({ address, migrates = true }: ClickHouseStoreOptions): Store {
  const connections = createConnections(address)
  return {
    async start(signal) {
      await reach(connections, signal)
      if (migrates) await migrate(schemaConnection(connections), signal)
    },
    stop: () => connections.close(),
    insert: async (block, token, signal) => insertBlock(connections.current(), block, token, signal),
    positions: async (table, ranges, signal) => readPositions(connections.current(), table, ranges, signal),
    query: async (sql, params, limits, signal) => queryRows(connections.current(), sql, params, limits, signal),
    async stopQuery(queryId, signal) {
      const connection = connections.current()
      const params = { id: queryId, below: `${queryId}/` }
      const matches = '(query_id = {id:String} OR startsWith(query_id, {below:String}))'
      for (;;) {
        await execute(connection, `KILL QUERY WHERE ${matches} SYNC`, signal, params)
        const left = await queryRows(
          connection,
          `SELECT query_id FROM system.processes WHERE ${matches}`,
          params,
          {},
          signal,
        )
        if (left.length === 0) return
        await sleep(retryEveryMs, undefined, { signal })
      }
    },
  }
}

/** An engine that is just starting is waited for; everything else is said at once. */
async function reach(connections: Connections, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + startWithinMs
  for (;;) {
    try {
      await execute(connections.current(), 'SELECT 1', signal)
      return
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof PipelineError) || error.code !== 'unavailable' || Date.now() > deadline) throw error
      await sleep(retryEveryMs, undefined, { signal })
    }
  }
}

function schemaConnection(connections: Connections): Parameters<typeof migrate>[0] {
  const { database } = connections.current()
  return {
    database,
    execute: (sql, signal) => execute(connections.current(), sql, signal),
    ask: (sql, params, signal) => queryRows({ ...connections.current(), database: 'system' }, sql, params, {}, signal),
  }
}
