import { Registry } from 'prom-client'
import type { Accept, RawBatch } from '../core/batch.ts'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/deps.ts'
import type { Receipt } from '../core/outcome.ts'
import type { Authenticate, Credentials } from '../core/principal.ts'
import { collectorConfig } from '../http/config.ts'
import { createCollector } from '../sources/collector.ts'

export interface CollectorSettings {
  readonly limits?: object
  /** What becomes of the event at this index. Default: stored. */
  readonly decide?: (index: number) => Partial<Receipt>
  /** Instead of `decide`. */
  readonly accept?: Accept
  /** Default: everybody is admin of `default`. */
  readonly authenticate?: Authenticate
  readonly basePath?: string
  readonly trustProxy?: boolean
  readonly readiness?: () => string | undefined
}

export interface RunningCollector {
  readonly url: string
  /** What `accept` was given. */
  readonly batches: RawBatch[]
  /** What `authenticate` was shown. */
  readonly credentials: Credentials[]
  /** The value of a sample, by its whole name with labels; 0 when there is none. */
  readonly metric: (sample: string) => Promise<number>
  readonly stop: () => Promise<void>
}

/** A collector on a free port, without a gate: its `accept` notes what comes and answers as it is told. */
export async function startCollector(settings: CollectorSettings = {}): Promise<RunningCollector> {
  const batches: RawBatch[] = []
  const credentials: Credentials[] = []
  const metrics = new Registry()
  const anyone: Authenticate = () => ({ project: 'default', scope: 'admin', keyId: '' })
  const accept: Accept = (batch) =>
    Promise.resolve(
      batch.events.map(({ columns }, index) => ({
        index,
        id: columns.id ?? '',
        outcome: 'stored' as const,
        ...settings.decide?.(index),
      })),
    )
  const collector = createCollector({
    config: collectorConfig.parse({ port: 0, limits: settings.limits ?? {}, trustProxy: settings.trustProxy ?? false }),
    ...(settings.basePath !== undefined && { basePath: settings.basePath }),
    accept: (batch, signal) => {
      batches.push(batch)
      return (settings.accept ?? accept)(batch, signal)
    },
    authenticate: (shown) => {
      credentials.push(shown)
      return (settings.authenticate ?? anyone)(shown)
    },
    readiness: settings.readiness ?? (() => undefined),
    deps: { clock: systemClock, logger: silentLogger, metrics },
  })
  await collector.start(new AbortController().signal)
  return {
    url: collector.url(),
    batches,
    credentials,
    async metric(sample) {
      const line = (await metrics.metrics()).split('\n').find((each) => each.startsWith(`${sample} `))
      return line === undefined ? 0 : Number(line.slice(sample.length + 1))
    },
    stop: () => collector.stop(),
  }
}
