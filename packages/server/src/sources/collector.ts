import type { Accept } from '../core/batch.ts'
import type { Deps } from '../core/deps.ts'
import type { Authenticate } from '../core/principal.ts'
import type { CollectorConfig } from '../http/config.ts'
import type { InFlight } from '../http/in-flight.ts'
import { mountHealth, mountMetrics, type Readiness } from '../http/health.ts'
import { createHttpServer, type HttpServer } from '../http/server.ts'
import { keyOf } from './credentials.ts'
import { registerSources } from './register.ts'
import { sources as allSources } from './sources.ts'
import type { Source } from './source.ts'

export interface CollectorOptions {
  readonly config: CollectorConfig
  /** Path before all routes, '' for none. Probes and metrics answer with and without it. */
  readonly basePath?: string
  readonly accept: Accept
  readonly authenticate: Authenticate
  /** Why events cannot be taken now (log full, not started), or undefined. */
  readonly readiness: Readiness
  /** Default: every dialect. */
  readonly sources?: readonly Source[]
  /** Another listener beside it: one dialect at its bare paths, and probes. */
  readonly only?: { readonly name: string; readonly port: number; readonly portKey: string; readonly source: Source }
  /** What all listeners of the process bear together. Default: its own. */
  readonly inFlight?: InFlight
  readonly deps: Deps
}

/** The collector's HTTP listener: every dialect's routes, probes and metrics. Start it after the gate, stop it before. */
export function createCollector(options: CollectorOptions): HttpServer {
  const { config, deps, authenticate, only } = options
  const basePath = only === undefined ? (options.basePath ?? '') : ''
  // `/metrics` shows projects' names and rates, so it takes an admin key wherever keys are asked for.
  const allowMetrics = (headers: Readonly<Record<string, unknown>>) => {
    const key = keyOf(headers as Record<string, string>, undefined)
    authenticate({ scope: 'admin', ...(key !== undefined && { key }) })
  }
  return createHttpServer({
    name: only?.name ?? 'collector',
    host: config.host,
    port: only?.port ?? config.port,
    ...(only && { portKey: only.portKey }),
    ...(options.inFlight && { inFlight: options.inFlight }),
    ...(config.tls && { tls: config.tls }),
    trustProxy: config.trustProxy,
    limits: config.limits,
    cors: {
      allows(origin, request) {
        const key = keyOf(request.headers, request.query)
        // A preflight carries no key, but a key in the query says already whose origins count.
        if (key === undefined) return true
        try {
          authenticate({ key, origin, scope: 'write' })
          return true
        } catch {
          return false
        }
      },
    },
    deps,
    mount(http) {
      registerSources(http, {
        sources: only === undefined ? (options.sources ?? allSources) : [only.source],
        accept: options.accept,
        authenticate,
        basePath,
        deps,
      })
      for (const path of basePath === '' ? [''] : ['', basePath]) {
        mountHealth(http, options.readiness, path)
        if (only === undefined) mountMetrics(http, deps.metrics, allowMetrics, path)
      }
    },
  })
}
