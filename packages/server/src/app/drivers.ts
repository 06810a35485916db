import { join } from 'node:path'
import type { Deps } from '../core/deps.ts'
import type { Cache } from '../kv/cache.ts'
import { embeddedStateDriver } from '../kv/embedded/driver.ts'
import { postgresStateDriver } from '../kv/postgres/driver.ts'
import { redisCacheDriver } from '../kv/redis/driver.ts'
import type { State } from '../kv/state.ts'
import { embeddedLogDriver } from '../log/embedded/driver.ts'
import { kafkaLogDriver } from '../log/kafka/driver.ts'
import type { Log } from '../log/log.ts'
import type { ClickHouseAddress } from '../stores/clickhouse/connection.ts'
import { engineRunFile } from '../stores/clickhouse/engine/run-file.ts'
import type { Config } from './config.ts'

/**
 * Driver name → implementation: the only table of it; their libraries are loaded when they are started.
 * `only`: this is the only process of that role on the data directory. What its predecessor left in Kafka is then ended at its start.
 */
export function openLog({ log, dataDir }: Config, deps: Deps, only?: 'collector' | 'worker'): Log {
  if (log.driver === 'embedded') return embeddedLogDriver(join(dataDir, 'log')).create(log, deps)
  const user = only === undefined ? undefined : { role: only, nameFile: join(dataDir, 'log-name') }
  return kafkaLogDriver(user).create(log, deps)
}

export function openState({ state, dataDir }: Config, deps: Deps): State {
  if (state.driver === 'embedded') return embeddedStateDriver(join(dataDir, 'state')).create(state, deps)
  return postgresStateDriver.create(state, deps)
}

/** What several collectors share; undefined for a collector that is alone. */
export function openSharedCache({ cache }: Config, deps: Deps): Cache | undefined {
  return cache.driver === 'embedded' ? undefined : redisCacheDriver.create(cache, deps)
}

/** Our own engine (its address and passwords are in `run/engine.json`, made anew at each start) or a server by URL. */
export function storeAddress(config: Config): ClickHouseAddress {
  const { store, dataDir } = config
  if (store.driver === 'embedded') return { embedded: engineRunFile(dataDir) }
  const { driver: _, ...server } = store
  return { server }
}
