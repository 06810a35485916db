import { randomBytes } from 'node:crypto'
import { Counter } from 'prom-client'
import type { Deps } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Cache, CacheEntry } from '../../kv/cache.ts'
import type { Breaker } from './shared-breaker.ts'

/*
 * What collectors share in the cache, for each id for some minutes:
 *
 *   dedup/<epoch of the log>/<fingerprint, base64url> → 01: stored | 02 and 8 random bytes: claimed by the collector of that name
 *   dedup/<epoch of the log>/mark                     → check (16) name (8) made (f64 BE, Unix ms)
 *
 * The mark tells a cache that has lost its memory (a restart, a fail-over to an empty one): then it is gone or another one. Its check
 * is the fingerprint of a known id: collectors with different secrets would never meet.
 */
const storedValue = Uint8Array.of(1)
const checkBytes = 16
const markBytes = checkBytes + 16

/** What the cache says of an id that we want to claim. */
export const OURS = 0
/** Another collector has stored it. */
export const STORED_ELSEWHERE = 1
/** Another collector is about to store it, or just was. */
export const CLAIMED_ELSEWHERE = 2

export interface SharedKeysOptions {
  readonly cache: Cache
  readonly breaker: Breaker
  readonly epoch: number
  /** The fingerprint of a known id. */
  readonly check: Uint8Array
  /** How long a claim lives without being renewed. */
  readonly pendingMs: number
  /** How long a stored id is kept: much longer than collectors need to learn it from the log. */
  readonly storedMs: number
  /** The cache has lost its memory: open claims must be put again. */
  onLoss(): void
  readonly deps: Deps
}

export type FailOpen = 'cache' | 'forgotten' | 'behind' | 'late'

/** Events let through although nobody could say whether another collector was storing them at the same time. */
export function failOpenCounter({ metrics }: Deps): (reason: FailOpen, events: number) => void {
  const counter = new Counter({
    name: 'millrace_dedup_fail_open_total',
    help: 'Events stored without knowing whether another collector stores them too',
    labelNames: ['reason'],
    registers: [metrics],
  })
  for (const reason of ['cache', 'forgotten', 'behind', 'late'] as const) counter.inc({ reason }, 0)
  return (reason, events) => {
    if (events > 0) counter.inc({ reason }, events)
  }
}

export interface Asked {
  /** OURS, STORED_ELSEWHERE or CLAIMED_ELSEWHERE, per key. Undefined: the cache does not answer. */
  readonly fates: Uint8Array | undefined
  /** The cache is not to be trusted yet: it lost its memory a moment ago. */
  readonly isForgetful: boolean
}

export type SharedKeys = ReturnType<typeof createSharedKeys>

export function createSharedKeys(options: SharedKeysOptions) {
  const { cache, breaker, pendingMs, storedMs, deps } = options
  const prefix = `dedup/${options.epoch}/`
  const markKey = `${prefix}mark`
  const pendingValue = Buffer.concat([Uint8Array.of(2), randomBytes(8)])
  let mark: Buffer | undefined
  let toStore: string[] | undefined
  let toClaim: { readonly keys: string[]; readonly answer: Promise<readonly boolean[] | undefined> } | undefined
  const underWay = new Set<Promise<unknown>>()

  function entries(keys: readonly string[], value: Uint8Array, ttlMs: number): CacheEntry[] {
    return keys.map((key) => ({ key, value, ttlMs }))
  }

  function track(work: Promise<unknown>): void {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
  }

  const isYoung = () => mark !== undefined && deps.clock.now() < mark.readDoubleBE(markBytes - 8) + pendingMs

  /** A cache that never held anything has nothing to forget. */
  function newMark(isFresh: boolean): Buffer {
    const made = Buffer.alloc(8)
    made.writeDoubleBE(isFresh ? 0 : deps.clock.now())
    return Buffer.concat([options.check, randomBytes(8), made])
  }

  async function adopt(isFresh: boolean): Promise<void> {
    const own = newMark(isFresh)
    const found = (await cache.add(markKey, own, storedMs)) ? own : await cache.get(markKey)
    if (found === undefined) throw new PipelineError('unavailable', 'the cache forgets what it was just told')
    const theirs = Buffer.from(found)
    if (theirs.length !== markBytes || !theirs.subarray(0, checkBytes).equals(options.check))
      throw new PipelineError(
        'config',
        'another collector with this cache has another state, so they could not tell each other which ids are stored: give all of them the same state (state.driver: postgres), or each Millrace a cache.prefix of its own',
      )
    mark = theirs
  }

  /** `seen`: the mark as the cache has it now. */
  async function compare(seen: Uint8Array | undefined): Promise<void> {
    if (mark !== undefined && seen !== undefined && mark.equals(seen)) return
    const isFirst = mark === undefined
    await adopt(false)
    if (isFirst) return
    deps.logger.warn({}, 'the cache that collectors share has lost its memory; what is under way is claimed again')
    options.onLoss()
  }

  /** Claims of one turn of the event loop go together: a command costs as much as some thirty keys. */
  async function add(keys: readonly string[]): Promise<readonly boolean[] | undefined> {
    if (toClaim === undefined) {
      const all: string[] = []
      const turn = new Promise((resolve) => setImmediate(resolve))
      toClaim = {
        keys: all,
        answer: turn.then(() => {
          toClaim = undefined
          return addNow(all)
        }),
      }
    }
    const { keys: all, answer } = toClaim
    const from = all.length
    for (const key of keys) all.push(key)
    return (await answer)?.slice(from, from + keys.length)
  }

  function addNow(keys: readonly string[]): Promise<readonly boolean[] | undefined> {
    return breaker.run(async () => {
      // In this order: the mark that comes back is that of a cache which has the claims.
      const [added, seen] = await Promise.all([
        cache.addMany(entries(keys, pendingValue, pendingMs)),
        cache.get(markKey),
      ])
      await compare(seen)
      return added
    })
  }

  return {
    keyOf: (fingerprints: Uint8Array, index: number): string =>
      prefix + Buffer.from(fingerprints.buffer, fingerprints.byteOffset + index * 16, 16).toString('base64url'),

    /** `isFresh`: nothing was ever stored. A cache that is away is no reason not to start; one of others is. */
    async start(isFresh: boolean): Promise<void> {
      let refusal: PipelineError | undefined
      await breaker.run(async () => {
        try {
          await adopt(isFresh)
        } catch (error) {
          if (!(error instanceof PipelineError) || error.code !== 'config') throw error
          refusal = error
        }
      })
      if (refusal !== undefined) throw refusal
    },

    async claim(keys: readonly string[]): Promise<Asked> {
      const answer = await add(keys)
      if (answer === undefined) return { fates: undefined, isForgetful: false }
      const fates = new Uint8Array(keys.length)
      const refused: number[] = []
      for (let i = 0; i < keys.length; i++) if (answer[i] !== true) refused.push(i)
      if (refused.length > 0) {
        const values = await breaker.run(() => cache.getMany(refused.map((index) => keys[index] as string)))
        const leftovers: string[] = []
        for (let i = 0; i < refused.length; i++) {
          const index = refused[i] as number
          const value = values?.[i]
          if (value?.length === 1) fates[index] = STORED_ELSEWHERE
          // Of an earlier claim of ours, whose end did not reach the cache.
          else if (value !== undefined && pendingValue.equals(value)) leftovers.push(keys[index] as string)
          else fates[index] = CLAIMED_ELSEWHERE
        }
        if (leftovers.length > 0) await breaker.run(() => cache.setMany(entries(leftovers, pendingValue, pendingMs)))
      }
      return { fates, isForgetful: isYoung() }
    },

    /** False: they could not be put. */
    async renew(keys: readonly string[]): Promise<boolean> {
      return (
        (await breaker.run(async () => (await cache.setMany(entries(keys, pendingValue, pendingMs)), true))) === true
      )
    },

    /** Their events are durable. Those of one commit go together. */
    stored(keys: readonly string[]): void {
      if (toStore === undefined) {
        toStore = []
        queueMicrotask(() => {
          const all = toStore as string[]
          toStore = undefined
          track(breaker.run(() => cache.setMany(entries(all, storedValue, storedMs))))
        })
      }
      for (const key of keys) toStore.push(key)
    },

    /** Only for claims that are surely still ours. */
    released(keys: readonly string[]): void {
      track(breaker.run(() => cache.delete(keys)))
    },

    /** Whether none of them is claimed any more; also when the cache cannot say. */
    async areSettled(keys: readonly string[]): Promise<boolean> {
      const values = await breaker.run(() => cache.getMany(keys))
      return values === undefined || values.every((value) => value === undefined || value.length === 1)
    },

    /** Sees whether the cache still has its memory, and keeps the mark alive. */
    async look(): Promise<void> {
      await breaker.run(async () => {
        await compare(await cache.get(markKey))
        await cache.set(markKey, mark as Buffer, storedMs)
      })
    },

    async settled(): Promise<void> {
      // Those that were just confirmed are put in the next microtask.
      await Promise.resolve()
      await Promise.all(underWay)
    },
  }
}
