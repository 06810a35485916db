import type { Metrics } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import { showQueue } from '../core/queue-metrics.ts'

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
  /** From now on everybody new is refused: the listener is stopping. */
  refuse(): void
  /** Of all who share the bounds. */
  readonly requests: number
  readonly bytes: number
  /** Resolves when nobody is in who entered here. */
  empty(): Promise<void>
  /** For another listener of this process: the bounds and what is in count together, each refuses and empties for itself. */
  share(): InFlight
}

export interface InFlightLimits {
  readonly maxRequestsInFlight: number
  readonly maxBytesInFlight: number
}

export function createInFlight(limits: InFlightLimits): InFlight {
  return shareOf(limits, { requests: 0, bytes: 0 })
}

/** As `millrace_queue_size{queue="<name>_requests"}` and `_bytes`. */
export function showInFlight(metrics: Metrics, name: string, inFlight: InFlight, limits: InFlightLimits): void {
  showQueue(metrics, `${name}_requests`, { size: () => inFlight.requests, limit: () => limits.maxRequestsInFlight })
  showQueue(metrics, `${name}_bytes`, { size: () => inFlight.bytes, limit: () => limits.maxBytesInFlight })
}

/** `all` is what every listener of the process holds. */
function shareOf(limits: InFlightLimits, all: { requests: number; bytes: number }): InFlight {
  let requests = 0
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
      if (all.requests >= limits.maxRequestsInFlight) throw busy('requests', all.requests, limits.maxRequestsInFlight)
      all.requests++
      requests++
      let mine = 0
      let isIn = true
      return {
        grow(more) {
          if (all.bytes + more > limits.maxBytesInFlight)
            throw busy('body bytes', all.bytes + more, limits.maxBytesInFlight)
          all.bytes += more
          mine += more
        },
        shrink(less) {
          all.bytes -= less
          mine -= less
        },
        leave() {
          if (!isIn) return
          isIn = false
          requests--
          all.requests--
          all.bytes -= mine
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
      return all.requests
    },
    get bytes() {
      return all.bytes
    },
    empty() {
      return requests === 0 ? Promise.resolve() : new Promise((resolve) => onEmpty.push(resolve))
    },
    share: () => shareOf(limits, all),
  }
}
