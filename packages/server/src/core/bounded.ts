/** At most `limit` at once; the others wait in order. Who waits is bounded by the caller. */
export interface Turns {
  /** Resolves when it is the caller's turn, or rejects with the signal's reason. Each resolved `take` MUST be followed by one `give`. */
  take(signal?: AbortSignal): Promise<void>
  give(): void
  readonly taken: number
  readonly waiting: number
}

export function createTurns(limit: number): Turns {
  const waiters = new Set<() => void>()
  let taken = 0
  return {
    take(signal) {
      if (signal?.aborted) return Promise.reject(signal.reason as Error)
      if (taken < limit) {
        taken++
        return Promise.resolve()
      }
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          waiters.delete(turn)
          reject(signal!.reason as Error)
        }
        const turn = () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        }
        waiters.add(turn)
        signal?.addEventListener('abort', onAbort, { once: true })
      })
    },
    give() {
      const [next] = waiters
      // The turn passes on without becoming free in between, so nobody jumps the queue.
      if (next === undefined) taken--
      else {
        waiters.delete(next)
        next()
      }
    },
    get taken() {
      return taken
    },
    get waiting() {
      return waiters.size
    },
  }
}
