import { Counter } from 'prom-client'
import type { Metrics } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'

/** Failed operations, of all drivers in one counter. `op`: `cache_add`, `state_put`. */
export function kvErrors(metrics: Metrics): Counter<'op'> {
  const name = 'millrace_kv_errors_total'
  const existing = metrics.getSingleMetric(name) as Counter<'op'> | undefined
  return (
    existing ??
    new Counter({
      name,
      help: 'Failed operations of the key-value stores',
      labelNames: ['op'],
      registers: [metrics],
    })
  )
}

/** `what` as people call the store: `the embedded cache`, `Redis`. Its failure is worth another try. */
export function storeFailed(what: string, op: string, cause: unknown): PipelineError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new PipelineError('unavailable', `${what} failed to ${op}: ${why}`, { cause })
}

export function notRunning(what: string): PipelineError {
  return new PipelineError('unavailable', `${what} is not running`)
}
