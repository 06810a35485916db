import type { IncomingHttpHeaders } from 'node:http'
import type { Deps } from '../core/deps.ts'
import type { Authenticate } from '../core/principal.ts'
import { mountHealth, mountMetrics, type Readiness } from '../http/health.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import type { Log } from '../log/log.ts'
import type { Ask } from '../stores/ask.ts'
import type { Store } from '../stores/store.ts'
import type { DescribedRoute } from '../http/describe.ts'
import { createApiAuth } from './auth.ts'
import type { ApiConfig } from './config.ts'
import { createLive } from './live/live.ts'
import { mountOpenApi } from './openapi/mount.ts'
import { mountAsk } from './routes/ask.ts'
import { mountHot } from './routes/hot.ts'
import { mountSql } from './routes/sql.ts'
import { mountStatus, type ReadStatus } from './routes/status.ts'

export interface ApiParts {
  readonly config: ApiConfig
  readonly mode: 'open' | 'keys'
  readonly authenticate: Authenticate
  readonly projects: readonly string[]
  readonly log: Log
  readonly store: Store
  readonly ask: Ask
  readonly status: ReadStatus
  readonly readiness: Readiness
  /** Where the collector of this deployment listens; undefined while nobody knows. */
  readonly collectorUrl: () => string | undefined
  /** What it takes there, for the document. */
  readonly collectorRoutes: readonly DescribedRoute[]
  /** Of this release. */
  readonly version: string
  readonly deps: Deps
}

/** The API's listener with all its routes (docs/guide/asking.md). */
export function createApi({
  config,
  mode,
  authenticate,
  projects,
  log,
  store,
  ask,
  status,
  readiness,
  collectorUrl,
  collectorRoutes,
  version,
  deps,
}: ApiParts): HttpServer {
  const auth = createApiAuth({ mode, authenticate, projects })
  const live = createLive({ config: config.live, auth, log, store, ask, deps })
  const http = createHttpServer({
    name: 'api',
    host: config.host,
    port: config.port,
    ...(config.tls !== undefined && { tls: config.tls }),
    limits: config.limits,
    deps,
    mount(http) {
      mountHealth(http, readiness)
      mountHealth(http, readiness, '/api/v1')
      const mayMeasure = (headers: Readonly<Record<string, unknown>>) =>
        void auth({ headers: headers as IncomingHttpHeaders, query: {} }, 'admin')
      for (const path of ['', '/api/v1']) mountMetrics(http, deps.metrics, mayMeasure, path, () => live.measures())
      mountStatus(http, { auth, status })
      mountAsk(http, { auth, log, store, now: () => deps.clock.now() })
      mountSql(http, { auth, ask })
      live.mount(http)
      mountHot(http, { auth, ask, store, live, collectorUrl })
      mountOpenApi(http, { version, collector: { url: collectorUrl, routes: collectorRoutes } })
    },
  })
  return {
    async start(signal) {
      await live.start(signal)
      await http.start(signal)
    },
    // Streams first: a listener does not close while connections of theirs are open.
    async stop() {
      await live.stop()
      await http.stop()
    },
    url: () => http.url(),
  }
}
