import type { Metrics } from '../core/deps.ts'
import { jsonAnswer } from './answer.ts'
import { type DescribedRoute, healthAnswer, type RouteDescription } from './describe.ts'
import type { Http } from './server.ts'

const json = (example: object) => ({ 'application/json': { schema: healthAnswer, example } })

const live: RouteDescription = {
  group: 'Operation',
  summary: 'Does the process answer?',
  answers: { 200: { description: 'It does.', content: json({ status: 'ok' }) } },
}

const ready: RouteDescription = {
  group: 'Operation',
  summary: 'Can it do its work?',
  answers: {
    200: { description: 'It can.', content: json({ status: 'ok' }) },
    503: {
      description: 'Not now: it starts, stops or is stuck.',
      content: json({ status: 'unavailable', reason: 'stopping' }),
    },
  },
}

const sample = 'millrace_events_total{project="default",source="segment",outcome="stored",reason=""} 98\n'

const metricsOf: RouteDescription = {
  group: 'Operation',
  summary: 'Metrics of this process for Prometheus',
  scope: 'admin',
  answers: {
    200: {
      description: 'Prometheus text. On the API, to who accepts JSON and no plain text: what its live streams do.',
      content: { 'text/plain': { example: sample } },
    },
  },
  problems: ['unauthorized', 'forbidden'],
}

/** What `mountHealth` and `mountMetrics` mount. */
export function probes(path = ''): readonly DescribedRoute[] {
  return [
    { method: 'GET', path: `${path}/health/live`, describes: at(path, '/health/live', live) },
    { method: 'GET', path: `${path}/health/ready`, describes: at(path, '/health/ready', ready) },
    { method: 'GET', path: `${path}/metrics`, describes: at(path, '/metrics', metricsOf) },
  ]
}

/** `path` before the usual one: another name for it. */
function at(path: string, usual: string, describes: RouteDescription): RouteDescription {
  return path === '' ? describes : { ...describes, sameAs: usual }
}

/** Why this process cannot serve now, or undefined when it can. Cheap: probes come every few seconds, from several sides. */
export type Readiness = () => string | undefined

/** `/health/live`: the process answers. `/health/ready`: it can do its work; 503 with the reason while it starts, stops or is stuck. */
export function mountHealth(http: Pick<Http, 'route' | 'isOpen'>, readiness: Readiness, path = ''): void {
  http.route({
    method: 'GET',
    path: `${path}/health/live`,
    describes: at(path, '/health/live', live),
    dialect: 'health',
    isProbe: true,
    respond: () => Promise.resolve(jsonAnswer({ status: 'ok' })),
  })
  http.route({
    method: 'GET',
    path: `${path}/health/ready`,
    describes: at(path, '/health/ready', ready),
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

/**
 * Prometheus text; to who accepts JSON and no plain text, what `json` says, where there is something. `allow` throws PipelineError when
 * the request may not see it.
 */
export function mountMetrics(
  http: Pick<Http, 'route'>,
  metrics: Metrics,
  allow: (headers: Readonly<Record<string, unknown>>) => void,
  path = '',
  json?: () => unknown,
): void {
  http.route({
    method: 'GET',
    path: `${path}/metrics`,
    describes: at(path, '/metrics', metricsOf),
    dialect: 'metrics',
    isProbe: true,
    async respond({ request }) {
      allow(request.headers)
      const accept = request.headers.accept ?? ''
      if (json !== undefined && accept.includes('application/json') && !accept.includes('text/plain'))
        return jsonAnswer(json())
      return { status: 200, type: metrics.contentType, body: await metrics.metrics() }
    },
  })
}
