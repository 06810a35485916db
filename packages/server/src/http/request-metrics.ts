import type { Metric, MetricValue, MetricValueWithName } from 'prom-client'
import type { Metrics } from '../core/deps.ts'

export interface RequestMetrics {
  /** `seconds` absent: the request was refused before its route was known. */
  count(dialect: string, status: number, seconds?: number): void
}

const requestsName = 'millrace_requests_total'
const secondsName = 'millrace_request_seconds'
/** Upper bounds in seconds; the last one is +Inf. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

interface Counts {
  readonly byStatus: Map<number, number>
  /** One per bound and one above, not cumulative. */
  readonly buckets: Float64Array
  sum: number
}

/**
 * `millrace_requests_total{dialect,status}` and `millrace_request_seconds{dialect}`; several listeners of a process share them.
 * Counted in plain numbers and put into prom-client's form only when Prometheus asks: its own counting hashes the labels of each call.
 */
export function createRequestMetrics(metrics: Metrics): RequestMetrics {
  const known = metrics.getSingleMetric(requestsName) as unknown as Partial<RequestMetrics> | undefined
  if (known?.count !== undefined) return known as RequestMetrics

  const dialects = new Map<string, Counts>()
  const count: RequestMetrics['count'] = (dialect, status, seconds) => {
    let counts = dialects.get(dialect)
    if (counts === undefined) {
      counts = { byStatus: new Map(), buckets: new Float64Array(bounds.length + 1), sum: 0 }
      dialects.set(dialect, counts)
    }
    counts.byStatus.set(status, (counts.byStatus.get(status) ?? 0) + 1)
    if (seconds === undefined) return
    let at = 0
    while (at < bounds.length && seconds > bounds[at]!) at++
    counts.buckets[at] = counts.buckets[at]! + 1
    counts.sum += seconds
  }

  register(
    metrics,
    requestsName,
    'HTTP requests by dialect and answered status (499: the client left first)',
    'counter',
    {
      values: () => requestValues(dialects),
      reset: () => dialects.clear(),
      extra: { count },
    },
  )
  register(metrics, secondsName, 'From the request’s head to its answer', 'histogram', {
    values: () => secondsValues(dialects),
    reset: () => dialects.clear(),
  })
  return { count }
}

function requestValues(dialects: ReadonlyMap<string, Counts>): MetricValue<string>[] {
  const values: MetricValue<string>[] = []
  for (const [dialect, { byStatus }] of dialects) {
    for (const [status, value] of byStatus) values.push({ value, labels: { dialect, status } })
  }
  return values
}

function secondsValues(dialects: ReadonlyMap<string, Counts>): MetricValueWithName<string>[] {
  const values: MetricValueWithName<string>[] = []
  for (const [dialect, { buckets, sum }] of dialects) {
    let total = 0
    buckets.forEach((inBucket, at) => {
      total += inBucket
      values.push({ metricName: `${secondsName}_bucket`, value: total, labels: { dialect, le: bounds[at] ?? '+Inf' } })
    })
    values.push({ metricName: `${secondsName}_sum`, value: sum, labels: { dialect } })
    values.push({ metricName: `${secondsName}_count`, value: total, labels: { dialect } })
  }
  return values
}

/** prom-client's registry asks a metric for nothing but its name and `get`. */
function register(
  metrics: Metrics,
  name: string,
  help: string,
  type: 'counter' | 'histogram',
  source: { values: () => MetricValue<string>[]; reset: () => void; extra?: object },
): void {
  const get = () => Promise.resolve({ name, help, type, aggregator: 'sum', values: source.values() })
  const metric = { name, help, get, reset: source.reset, ...source.extra }
  metrics.registerMetric(metric as unknown as Metric)
}
