import { Counter, Histogram } from 'prom-client'
import type { Metrics } from '../core/deps.ts'

export interface RequestMetrics {
  /** `seconds` absent: the request was refused before its route was known. */
  count(dialect: string, status: number, seconds?: number): void
}

/** `millrace_requests_total{dialect,status}` and `millrace_request_seconds{dialect}`; several listeners of a process share them. */
export function createRequestMetrics(metrics: Metrics): RequestMetrics {
  const requests =
    (metrics.getSingleMetric('millrace_requests_total') as Counter<'dialect' | 'status'> | undefined) ??
    new Counter({
      name: 'millrace_requests_total',
      help: 'HTTP requests by dialect and answered status (499: the client left before the answer)',
      labelNames: ['dialect', 'status'],
      registers: [metrics],
    })
  const seconds =
    (metrics.getSingleMetric('millrace_request_seconds') as Histogram<'dialect'> | undefined) ??
    new Histogram({
      name: 'millrace_request_seconds',
      help: 'From the request’s head to its answer',
      labelNames: ['dialect'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers: [metrics],
    })
  return {
    count(dialect, status, took) {
      requests.inc({ dialect, status })
      if (took !== undefined) seconds.observe({ dialect }, took)
    },
  }
}
