import { PipelineError } from '../core/errors.ts'

/** One request's share of what the process bears at once. */
export interface Slot {
  /** Throws `unavailable` when the process would hold more body bytes than it may; nothing is added then. */
  grow(bytes: number): void
  shrink(bytes: number): void
  /** Gives everything back; a second call does nothing. */
  leave(): void
}

export interface InFlight {
  /** Throws `unavailable` when there are too many, or after `refuse`. */
  enter(): Slot
  /** From now on everybody new is refused: the process is stopping. */
  refuse(): void
  readonly requests: number
  readonly bytes: number
  /** Resolves when nobody is in. */
  empty(): Promise<void>
}

export interface InFlightLimits {
  readonly maxRequestsInFlight: number
  readonly maxBytesInFlight: number
}

export function createInFlight(limits: InFlightLimits): InFlight {
  let requests = 0
  let bytes = 0
  let refusing = false
  let onEmpty: (() => void)[] = []

  const busy = (what: string, now: number, limit: number) =>
    new PipelineError('unavailable', `too many ${what} at once, at most ${limit}: try again in a second`, {
      retryAfterSeconds: 1,
      details: { now, limit },
    })

  return {
    enter() {
      if (refusing)
        throw new PipelineError('unavailable', 'the server is stopping: try again', { retryAfterSeconds: 1 })
      if (requests >= limits.maxRequestsInFlight) throw busy('requests', requests, limits.maxRequestsInFlight)
      requests++
      let mine = 0
      let isIn = true
      return {
        grow(more) {
          if (bytes + more > limits.maxBytesInFlight) throw busy('body bytes', bytes + more, limits.maxBytesInFlight)
          bytes += more
          mine += more
        },
        shrink(less) {
          bytes -= less
          mine -= less
        },
        leave() {
          if (!isIn) return
          isIn = false
          requests--
          bytes -= mine
          if (requests > 0 || onEmpty.length === 0) return
          for (const resolve of onEmpty) resolve()
          onEmpty = []
        },
      }
    },
    refuse() {
      refusing = true
    },
    get requests() {
      return requests
    },
    get bytes() {
      return bytes
    },
    empty() {
      return requests === 0 ? Promise.resolve() : new Promise((resolve) => onEmpty.push(resolve))
    },
  }
}
