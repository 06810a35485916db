import type { IncomingHttpHeaders } from 'node:http'
import type { Deps } from '../core/deps.ts'
import type { Authenticate } from '../core/principal.ts'
import type { HttpLimits } from '../http/config.ts'
import { mountHealth, mountMetrics, type Readiness } from '../http/health.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import { createApiAuth } from './auth.ts'
import { mountStatus, type ReadStatus } from './routes/status.ts'

export interface ProbesOptions {
  readonly host: string
  readonly port: number
  readonly limits: HttpLimits
  readonly mode: 'open' | 'keys'
  readonly authenticate: Authenticate
  readonly projects: readonly string[]
  readonly status: ReadStatus
  readonly readiness: Readiness
  readonly deps: Deps
}

/** The listener of a worker that has no API: probes, metrics, status. */
export function createProbes({
  host,
  port,
  limits,
  mode,
  authenticate,
  projects,
  status,
  readiness,
  deps,
}: ProbesOptions): HttpServer {
  const auth = createApiAuth({ mode, authenticate, projects })
  return createHttpServer({
    name: 'worker',
    host,
    port,
    limits,
    deps,
    mount(http) {
      mountHealth(http, readiness)
      mountMetrics(
        http,
        deps.metrics,
        (headers) => void auth({ headers: headers as IncomingHttpHeaders, query: {} }, 'admin'),
      )
      mountStatus(http, { auth, status })
    },
  })
}
