import { createUlid } from '@millrace/protocol'
import type { Accept, RawBatch } from '../core/batch.ts'
import type { Deps } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import { createPace } from '../core/in-steps.ts'
import type { Receipt } from '../core/outcome.ts'
import type { Service } from '../core/service.ts'
import type { State } from '../kv/state.ts'
import type { Log } from '../log/log.ts'
import { createAdmission } from './admission.ts'
import { createAppender } from './append.ts'
import { correctClock } from './clock.ts'
import type { Dedup } from './dedup/dedup-index.ts'
import { derive } from './derive.ts'
import { type GateBatch, openBatch, sliceEvents } from './gate-batch.ts'
import { maxSharedEvents } from './events-records.ts'
import { identify, projectSecretBytes } from './ids.ts'
import { checkLimits } from './limits.ts'
import { createMadeOnce } from './made-once.ts'
import { sealRejected } from './quarantine.ts'
import { createSealer } from './seal.ts'
import { createStoreOnce } from './store-once.ts'
import { createUpkeep } from './upkeep.ts'
import { validate } from './validate.ts'

export interface GateOptions {
  readonly log: Log
  readonly dedup: Dedup
  readonly state: State
  readonly config: GateConfig
  readonly deps: Deps
}

export interface GateConfig {
  readonly dataDir: string
  /** `log.minFreeBytes` */
  readonly minFreeBytes: number
  /** `log.retention` */
  readonly retention: { readonly hours: number; readonly bytes: number }
  /** Bytes free on the disk of a directory; to try out a full one. */
  readonly freeBytes?: (directory: string) => Promise<number>
}

/**
 * What all events pass on their way into the log. `dedup`, `log` and `state` are started before it and stopped after it by whoever
 * made them.
 */
export interface Gate extends Service {
  /**
   * What it is handed, it writes, also when its client leaves: who sends a last beacon does not stay for the answer. Aborting only
   * ends the wait for other requests with the same ids; what waited is then `retry`.
   */
  readonly accept: Accept
  /** Why it takes nothing now, for readiness; undefined while it does. */
  refusal(): string | undefined
}

const batchIdLength = 256

export function createGate({ log, dedup, state, config, deps }: GateOptions): Gate {
  const make = createUlid({ now: () => deps.clock.now() })
  const secrets = createMadeOnce(state, projectSecretBytes)
  const sealer = createSealer(state)
  const admission = createAdmission({
    log,
    dataDir: config.dataDir,
    minFreeBytes: config.minFreeBytes,
    retentionBytes: config.retention.bytes,
    ...(config.freeBytes === undefined ? {} : { freeBytes: config.freeBytes }),
    deps,
  })
  const appender = createAppender({ log, deps })
  const storeOnce = createStoreOnce({ dedup, appender, deps })
  const upkeep = createUpkeep({ log, dedup, state, retention: config.retention, deps })
  const underWay = new Set<Promise<unknown>>()
  let isOpen = false

  async function pass(raw: RawBatch, signal: AbortSignal): Promise<readonly Receipt[]> {
    const batch = openBatch(raw)
    const identified = identify(batch, { secrets, make })
    if (identified !== undefined) await identified
    if (batch.events.length <= sliceEvents) judge(batch)
    else await judgeInSlices(batch)
    const quarantined = batch.rejected > 0 ? await sealRejected(batch, sealer) : []
    return storeOnce(batch, batchIdOf(raw, make), quarantined, signal)
  }

  const accept: Accept = async (raw, signal) => {
    if (!isOpen) throw new PipelineError('unavailable', 'starting or stopping; send it again', { retryAfterSeconds: 2 })
    admission.check()
    if (raw.events.length === 0) return []
    const passing = pass(raw, signal)
    underWay.add(passing)
    try {
      return await passing
    } finally {
      underWay.delete(passing)
    }
  }

  return {
    accept,
    refusal: () => (isOpen ? admission.refusal() : 'starting or stopping'),
    async start(signal) {
      await admission.start(signal)
      await appender.start(signal)
      await upkeep.start(signal)
      isOpen = true
    },
    async stop() {
      isOpen = false
      await upkeep.stop()
      await Promise.allSettled(underWay)
      await appender.stop()
      await admission.stop()
    },
  }
}

/** The steps that need nothing but the batch, in their order. */
const judgements: readonly ((batch: GateBatch, from?: number, to?: number) => void)[] = [
  checkLimits,
  validate,
  correctClock,
  derive,
]

export function judge(batch: GateBatch): void {
  for (const step of judgements) step(batch)
}

/** Each step over all events before the next, as ever, but others have their turn in between. */
export async function judgeInSlices(batch: GateBatch): Promise<void> {
  const pace = createPace()
  for (const step of judgements)
    for (let from = 0; from < batch.events.length; from += sliceEvents) {
      step(batch, from, Math.min(from + sliceEvents, batch.events.length))
      const rest = pace()
      if (rest !== undefined) await rest
    }
}

/** The client's id; '' for a small batch without one, which will share its commit's. */
function batchIdOf({ batchId, events }: RawBatch, make: () => string): string {
  if (batchId !== undefined && batchId !== '') return batchId.slice(0, batchIdLength).toWellFormed()
  return events.length > maxSharedEvents ? make() : ''
}
