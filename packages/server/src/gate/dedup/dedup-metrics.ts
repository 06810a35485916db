import { Counter, Gauge } from 'prom-client'
import type { Metrics } from '../../core/deps.ts'

/** What the index is asked for when metrics are scraped. */
export interface DedupFigures {
  readonly ids: number
  readonly diskBytes: number
  readonly memoryBytes: number
  readonly files: number
  readonly windowSeconds: number
}

export interface DedupMetrics {
  failed(op: string): void
  dropped(why: 'window' | 'size'): void
}

export function registerDedupMetrics(metrics: Metrics, figures: () => DedupFigures): DedupMetrics {
  const registers = [metrics]
  const gauge = (name: string, help: string, value: (figures: DedupFigures) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(figures()))
      },
    })
  gauge('millrace_dedup_ids', 'Ids known to be stored', (f) => f.ids)
  gauge('millrace_dedup_files', 'Sealed files of the dedup index', (f) => f.files)
  gauge(
    'millrace_dedup_window_seconds',
    'Time for which ids are remembered, shortened when they outgrow dedup.maxBytes',
    (f) => f.windowSeconds,
  )
  const bytes: Gauge<'where'> = new Gauge({
    name: 'millrace_dedup_bytes',
    help: 'Bytes of the dedup index',
    labelNames: ['where'],
    registers,
    collect() {
      const { diskBytes, memoryBytes } = figures()
      bytes.set({ where: 'disk' }, diskBytes)
      bytes.set({ where: 'memory' }, memoryBytes)
    },
  })
  const failures = new Counter({
    name: 'millrace_dedup_failures_total',
    help: 'Failed attempts to seal, merge or drop files of the dedup index',
    labelNames: ['op'],
    registers,
  })
  const drops = new Counter({
    name: 'millrace_dedup_dropped_files_total',
    help: 'Files of the dedup index that were dropped: out of the window, or for want of room',
    labelNames: ['why'],
    registers,
  })
  return {
    failed: (op) => failures.inc({ op }),
    dropped: (why) => drops.inc({ why }),
  }
}
