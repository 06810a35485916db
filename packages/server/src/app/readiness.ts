import type { Deps } from '../core/deps.ts'
import { toPipelineError } from '../core/errors.ts'
import type { Service } from '../core/service.ts'

/** Why something is not as it should be, or undefined when it is; rejecting is a reason too. */
export type Check = (signal: AbortSignal) => Promise<string | undefined>

export interface Watch extends Service {
  /** Of the last look; a probe itself asks nobody. */
  problem(): string | undefined
}

/** Often enough that a load balancer's next probe sees it, seldom enough to cost nothing. */
const everyMs = 2000
const patienceMs = 3000

/** Looks again and again whether this process can do its work; for `/health/ready`. */
export function createWatch(checks: Readonly<Record<string, Check>>, deps: Pick<Deps, 'clock' | 'logger'>): Watch {
  const stopping = new AbortController()
  let loop = Promise.resolve()
  let problem: string | undefined

  async function look(): Promise<string | undefined> {
    for (const [what, check] of Object.entries(checks)) {
      const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(patienceMs)])
      const found = await check(signal).catch((error: unknown) => toPipelineError(error).message)
      if (found !== undefined) return `${what}: ${found}`
    }
    return undefined
  }

  async function keepLooking(): Promise<void> {
    while (!stopping.signal.aborted) {
      const found = await look()
      if (stopping.signal.aborted) return
      if (found !== undefined && problem === undefined) deps.logger.warn({ problem: found }, 'not ready')
      if (found === undefined && problem !== undefined) deps.logger.info({}, 'ready again')
      problem = found
      await deps.clock.sleep(everyMs, stopping.signal).catch(() => {})
    }
  }

  return {
    async start(signal) {
      signal.throwIfAborted()
      loop = keepLooking()
    },
    async stop() {
      stopping.abort(new Error('stopping'))
      await loop
    },
    problem: () => problem,
  }
}
