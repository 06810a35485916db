import { createApi } from '../api/server.ts'
import type { Deps } from '../core/deps.ts'
import { startInOrder } from '../core/start-in-order.ts'
import { createAuthenticate } from '../gate/authenticate.ts'
import { createLoad } from '../jobs/load.ts'
import { createRunner } from '../jobs/runner.ts'
import { createKeyRing } from '../kv/key-ring.ts'
import { createClickHouseAsk } from '../stores/clickhouse/ask.ts'
import { createClickHouseStore } from '../stores/clickhouse/driver.ts'
import type { Config } from './config.ts'
import { openLog, openState, storeAddress } from './drivers.ts'
import { createWatch } from './readiness.ts'
import { createStatus } from './status.ts'
import { projectsOf } from './projects.ts'
import { readRunFile, writeRunFile } from './run-file.ts'
import type { Role } from './role-main.ts'

/** Jobs and the API: everything behind the log. The store is opened (and its tables migrated) before anything asks or loads. */
export function createWorkerRole(config: Config, deps: Deps): Role {
  const { dataDir } = config
  const projects = () => projectsOf(config)
  const state = openState(config, deps)
  const log = openLog(config, deps)
  const keys = createKeyRing({ state, projects, deps })
  const address = storeAddress(config)
  const store = createClickHouseStore({ address })
  const ask = createClickHouseAsk({ address })
  const load = createRunner({ job: createLoad(store, deps), log }, deps)
  const status = createStatus({ config, log, store, runners: [load], deps })
  const watch = createWatch(
    {
      async tables(signal) {
        await store.query('SELECT 1', {}, { seconds: 2 }, signal)
        return undefined
      },
      async load() {
        const { state: now, reason } = await load.status()
        return now === 'failed' ? reason : undefined
      },
    },
    deps,
  )
  const api = createApi({
    config: config.api,
    mode: config.auth,
    authenticate: createAuthenticate({ auth: config.auth, projects, keys }),
    projects: Object.keys(projects()),
    log,
    store,
    ask,
    status: status.read,
    readiness: () => watch.problem(),
    collectorUrl: () => readRunFile<{ url: string }>(dataDir, 'collector.json')?.url,
    deps,
  })
  const all = startInOrder([state, log, keys, store, ask, load, watch, api])
  return {
    async start(signal) {
      await all.start(signal)
      writeRunFile(dataDir, 'worker', { url: api.url() })
    },
    stop: () => all.stop(),
    ready: () => ({ url: api.url() }),
  }
}
