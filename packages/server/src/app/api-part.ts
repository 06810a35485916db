import { createApi } from '../api/server.ts'
import type { Deps } from '../core/deps.ts'
import type { Service } from '../core/service.ts'
import { describeCollector } from '../sources/describe.ts'
import { createClickHouseAsk } from '../stores/clickhouse/ask.ts'
import type { BehindLog } from './behind-log.ts'
import type { Config } from './config.ts'
import { type Check, createWatch } from './readiness.ts'
import { readRunFile } from './run-file.ts'
import { createStatus, type JobsStatus } from './status.ts'
import { version } from './version.ts'

export interface ApiPartOptions {
  readonly config: Config
  readonly opened: BehindLog
  /** Of this process, or of workers elsewhere. */
  readonly jobs: JobsStatus
  /** What else must be well for the API to be ready. */
  readonly checks?: Readonly<Record<string, Check>>
  readonly role: 'worker' | 'api'
  readonly deps: Deps
}

/** Everything that answers questions, in the order in which it starts. */
export function createApiPart({ config, opened, jobs, checks = {}, role, deps }: ApiPartOptions): {
  readonly parts: readonly Service[]
  url(): string
} {
  const { log, store, address, authenticate, projects } = opened
  const ask = createClickHouseAsk({ address, seconds: config.query.seconds, rows: config.query.rows })
  const status = createStatus({ config, log, store, jobs, role, deps })
  const watch = createWatch(
    {
      async tables(signal) {
        await store.query('SELECT 1 FROM events LIMIT 0', {}, { seconds: 2 }, signal)
        return undefined
      },
      ...checks,
    },
    deps,
  )
  const api = createApi({
    config: config.api,
    mode: config.auth,
    authenticate,
    projects: Object.keys(projects()),
    log,
    store,
    ask,
    status: status.read,
    readiness: () => watch.problem(),
    collectorUrl: () => config.api.collectorUrl ?? readRunFile<{ url: string }>(config.dataDir, 'collector.json')?.url,
    collectorRoutes: describeCollector(config.basePath),
    version,
    deps,
  })
  return { parts: [ask, watch, api], url: () => api.url() }
}
