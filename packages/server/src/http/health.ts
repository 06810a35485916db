import type { Metrics } from '../core/deps.ts'
import { jsonAnswer } from './answer.ts'
import type { Http } from './server.ts'

/** Why this process cannot serve now, or undefined when it can. Cheap: probes come every few seconds, from several sides. */
export type Readiness = () => string | undefined

/** `/health/live`: the process answers. `/health/ready`: it can do its work; 503 with the reason while it starts, stops or is stuck. */
export function mountHealth(http: Http, readiness: Readiness, path = ''): void {
  http.route({
    method: 'GET',
    path: `${path}/health/live`,
    dialect: 'health',
    isProbe: true,
    respond: () => Promise.resolve(jsonAnswer({ status: 'ok' })),
  })
  http.route({
    method: 'GET',
    path: `${path}/health/ready`,
    dialect: 'health',
    isProbe: true,
    respond() {
      const reason = http.isOpen() ? readiness() : 'stopping'
      const answer =
        reason === undefined ? jsonAnswer({ status: 'ok' }) : jsonAnswer({ status: 'unavailable', reason }, 503)
      return Promise.resolve(reason === undefined ? answer : { ...answer, headers: { 'retry-after': '1' } })
    },
  })
}

/** Prometheus text. `allow` throws PipelineError when the request may not see it. */
export function mountMetrics(
  http: Http,
  metrics: Metrics,
  allow: (headers: Readonly<Record<string, unknown>>) => void,
  path = '',
): void {
  http.route({
    method: 'GET',
    path: `${path}/metrics`,
    dialect: 'metrics',
    isProbe: true,
    async respond({ request }) {
      allow(request.headers)
      return { status: 200, type: metrics.contentType, body: await metrics.metrics() }
    },
  })
}
