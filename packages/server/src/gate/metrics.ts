import { Counter, Gauge, Histogram } from 'prom-client'
import type { Metrics } from '../core/deps.ts'

/** Names and labels are in docs/guide/operating.md; the log's driver may have registered a shared one before. */
export function gaugeOf(metrics: Metrics, name: string, help: string): Gauge {
  return (metrics.getSingleMetric(name) as Gauge | undefined) ?? new Gauge({ name, help, registers: [metrics] })
}

export interface AppendMetrics {
  readonly events: Counter<'project' | 'source' | 'outcome' | 'reason'>
  readonly appendSeconds: Histogram
}

/** Labels are few: projects are in the configuration, sources, outcomes and reasons in the code. */
export function appendMetrics(metrics: Metrics): AppendMetrics {
  return {
    events: new Counter({
      name: 'millrace_events_total',
      help: 'events with a durable outcome',
      labelNames: ['project', 'source', 'outcome', 'reason'],
      registers: [metrics],
    }),
    appendSeconds: new Histogram({
      name: 'millrace_log_append_seconds',
      help: 'time of one group commit, sync included',
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [metrics],
    }),
  }
}
