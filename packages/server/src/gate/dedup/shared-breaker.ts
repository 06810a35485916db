import type { Logger } from '../../core/deps.ts'

export interface BreakerOptions {
  /** Failures in a row after which nothing is asked any more. */
  readonly failures: number
  /** For so long; then one question tries whether it goes again. */
  readonly openMs: number
  /** What takes longer has failed. */
  readonly timeoutMs: number
}

export interface Breaker {
  /** Calls `action` at once. Undefined: it failed, took too long, or was not asked at all. */
  run<T>(action: () => Promise<T>): Promise<T | undefined>
}

/** Keeps a store that is away from holding up every request: after some failures it is left alone for a while. */
export function createBreaker({ failures, openMs, timeoutMs }: BreakerOptions, logger: Logger): Breaker {
  let failed = 0
  let isOpen = false
  let openUntil = 0
  let isTrying = false

  function fail(error: unknown): void {
    failed++
    if (failed < failures) return
    openUntil = performance.now() + openMs
    if (isOpen) return
    isOpen = true
    logger.error(
      { err: error },
      `the cache that collectors share failed ${failures} times in a row: going on without it, so that ids sent to two collectors at once may be stored twice; asking it again every ${openMs / 1000} s`,
    )
  }

  function succeed(): void {
    failed = 0
    if (!isOpen) return
    isOpen = false
    logger.info({}, 'the cache that collectors share answers again')
  }

  return {
    async run(action) {
      const isTrial = isOpen
      if (isTrial) {
        if (isTrying || performance.now() < openUntil) return undefined
        isTrying = true
      }
      let timer: NodeJS.Timeout | undefined
      try {
        const late = new Promise<never>((_, reject) => {
          const expire = () => reject(new Error(`no answer within ${timeoutMs} ms`))
          // After a pause of this process the time is over before anybody has looked at what came meanwhile.
          timer = setTimeout(() => setImmediate(expire), timeoutMs)
        })
        const result = await Promise.race([action(), late])
        succeed()
        return result
      } catch (error) {
        fail(error)
        return undefined
      } finally {
        clearTimeout(timer)
        if (isTrial) isTrying = false
      }
    },
  }
}
