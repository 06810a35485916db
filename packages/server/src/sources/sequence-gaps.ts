import { Counter } from 'prom-client'
import type { Metrics } from '../core/deps.ts'

/** Devices remembered: 100,000 × about 200 bytes; beyond, the one heard of longest ago is forgotten, and its next gap is not seen. */
const maxDevices = 100_000
/** Longer device ids are no device ids; they would make the bound above meaningless. */
const maxDeviceLength = 256

const name = 'millrace_sequence_gaps_total'

/** Notices lost batches by their numbers: each device counts its batches up by one. */
export interface SequenceGaps {
  /** Call when the batch is durable: a refused one comes again under its number. */
  note(project: string, source: string, sequence: { readonly device: string; readonly number: number }): void
}

/**
 * `millrace_sequence_gaps_total{project,source}`: one per gap, whatever its width. A number at or below the last one is a repeat, a late
 * batch or a new installation, never a gap; the first number of a device proves nothing.
 */
export function createSequenceGaps(metrics: Metrics, limit = maxDevices): SequenceGaps {
  const gaps =
    (metrics.getSingleMetric(name) as Counter<'project' | 'source'> | undefined) ??
    new Counter({
      name,
      help: 'Gaps in the batch numbers of a device: batches that were lost before they came here',
      labelNames: ['project', 'source'],
      registers: [metrics],
    })
  // A Map keeps its order of insertion: the first key is the one heard of longest ago.
  const last = new Map<string, number>()
  return {
    note(project, source, { device, number }) {
      if (device === '' || device.length > maxDeviceLength || !Number.isSafeInteger(number)) return
      const key = `${project}\n${source}\n${device}`
      const before = last.get(key)
      if (before !== undefined) {
        if (number > before + 1) gaps.inc({ project, source })
        last.delete(key)
      } else if (last.size >= limit) {
        const [oldest] = last.keys()
        if (oldest !== undefined) last.delete(oldest)
      }
      last.set(key, number)
    },
  }
}
