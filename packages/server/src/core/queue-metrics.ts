import { Gauge } from 'prom-client'
import type { Metrics } from './deps.ts'

export interface QueueGauge {
  size(): number
  limit(): number
}

/** Show a bounded queue as `millrace_queue_size{queue}` and `millrace_queue_limit{queue}`; read only when Prometheus asks. */
export function showQueue(metrics: Metrics, queue: string, gauge: QueueGauge): void {
  watch(metrics, 'millrace_queue_size', 'What is in a bounded queue now', queue, () => gauge.size())
  watch(metrics, 'millrace_queue_limit', 'What a bounded queue holds at most; beyond, work is refused', queue, () =>
    gauge.limit(),
  )
}

/** Several queues share one metric, and prom-client has one `collect` per metric: each queue is chained onto the ones before. */
function watch(metrics: Metrics, name: string, help: string, queue: string, read: () => number): void {
  const known = metrics.getSingleMetric(name) as (Gauge<'queue'> & { collect?: () => void }) | undefined
  const gauge: Gauge<'queue'> & { collect?: () => void } =
    known ?? new Gauge({ name, help, labelNames: ['queue'], registers: [metrics] })
  const before = gauge.collect
  gauge.collect = () => {
    before?.call(gauge)
    gauge.set({ queue }, read())
  }
}
