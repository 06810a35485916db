import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, silentLogger } from '../../core/deps.ts'
import { PipelineError, toPipelineError } from '../../core/errors.ts'
import type { Connection } from './connection.ts'

/**
 * Whether the store may be used yet: reached, of a version that will do, its tables there.
 *
 *   closed ──open() succeeds──▶ open ──reopen(): its tables are gone──▶ closed
 *
 * Our own engine is waited for. A server by URL is somebody else's and may be away for long: then `start` resolves, whoever needs it
 * is told `unavailable` with the reason, and it is tried again and again. So events are taken, and wait in the log.
 */
export interface Opening {
  start(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
  /** Throws `unavailable` with the reason while it is closed. */
  connection(): Connection
  reopen(why: PipelineError): void
}

export interface OpeningOptions {
  readonly waits: boolean
  readonly current: () => Connection
  /** Makes it ready. MAY be repeated at any point. */
  readonly open: (signal: AbortSignal) => Promise<void>
  readonly logger?: Logger | undefined
}

const startWithinMs = 60_000
/** Of a server by URL: long enough for one that is well, however far away. */
const firstTryMs = 8000
const retryEveryMs = 50
const mostMs = 5000

/** Nothing that time mends: an operator must change the configuration or the release. */
const finalCodes = new Set(['config', 'newer_version', 'corrupt'])

export function createOpening({ waits, current, open, logger = silentLogger }: OpeningOptions): Opening {
  const stopping = new AbortController()
  let loop: Promise<void> = Promise.resolve()
  let isOpen = false
  let problem = new PipelineError('unavailable', 'the store is not open yet', { retryAfterSeconds: 1 })

  async function openOnce(signal: AbortSignal): Promise<void> {
    await open(signal)
    isOpen = true
  }

  async function waitForEngine(signal: AbortSignal): Promise<void> {
    const deadline = Date.now() + startWithinMs
    for (;;) {
      try {
        return await openOnce(signal)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof PipelineError) || error.code !== 'unavailable' || Date.now() > deadline) throw error
        await sleep(retryEveryMs, undefined, { signal })
      }
    }
  }

  function note(error: unknown): void {
    const { code, message } = toPipelineError(error)
    const text = `the store is not ready: ${message}`
    if (problem.message !== text) logger.error({ code, why: message }, 'the store is not ready; events wait in the log')
    problem = new PipelineError('unavailable', text, { cause: error, retryAfterSeconds: 1 })
  }

  async function keepTrying(): Promise<void> {
    for (let waitMs = retryEveryMs; !isOpen; waitMs = Math.min(mostMs, waitMs * 2)) {
      try {
        await openOnce(stopping.signal)
        logger.info({}, 'the store is ready')
      } catch (error) {
        if (stopping.signal.aborted) return
        note(error)
        await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => {})
      }
      if (stopping.signal.aborted) return
    }
  }

  return {
    async start(signal) {
      if (waits) return waitForEngine(signal)
      const first = AbortSignal.any([signal, stopping.signal, AbortSignal.timeout(firstTryMs)])
      try {
        await openOnce(first)
      } catch (error) {
        signal.throwIfAborted()
        if (finalCodes.has(toPipelineError(error).code)) throw error
        note(first.aborted ? new PipelineError('timeout', `no answer within ${firstTryMs / 1000} s`) : error)
        loop = keepTrying()
      }
    },
    async stop() {
      stopping.abort(new PipelineError('cancelled', 'the store is closed'))
      await loop
    },
    connection() {
      if (isOpen || waits) return current()
      throw problem
    },
    reopen(why) {
      if (!isOpen || waits || stopping.signal.aborted) return
      isOpen = false
      note(why)
      loop = keepTrying()
    },
  }
}
