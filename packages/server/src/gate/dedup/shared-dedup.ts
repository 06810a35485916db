import type { Deps } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Cache } from '../../kv/cache.ts'
import type { Log, Position } from '../../log/log.ts'
import type { FollowingIndex } from './create-dedup-index.ts'
import {
  CLAIMED,
  type Claim,
  type Dedup,
  type DedupIndex,
  DUPLICATE,
  FINGERPRINT_BYTES,
  PENDING,
} from './dedup-index.ts'
import { createBreaker } from './shared-breaker.ts'
import {
  CLAIMED_ELSEWHERE,
  createSharedKeys,
  failOpenCounter,
  OURS,
  type SharedKeys,
  STORED_ELSEWHERE,
} from './shared-keys.ts'

export interface SharedDedupOptions {
  /** This collector's own index, which follows the log; started and stopped here. */
  readonly local: DedupIndex & Partial<Pick<FollowingIndex, 'behindMs'>>
  /** Reached by all collectors; started before. */
  readonly cache: Cache
  readonly log: Log
  readonly deps: Deps
  readonly pendingMs?: number
  readonly storedMs?: number
  readonly breaker?: { readonly failures: number; readonly openMs: number; readonly timeoutMs: number }
}

/** A collector that was killed keeps its ids from others for so long; one that lives renews its claims at a third of it. */
const defaultPendingMs = 30_000
/** Collectors learn from the log within a second or two what others have stored. */
const defaultStoredMs = 600_000
const defaultBreaker = { failures: 5, openMs: 30_000, timeoutMs: 2000 }
/** Of a claim's time; the rest is left for what is on its way to the cache. */
const heldPart = 0.9
/** Half of what keeps a killed collector's ids from the others. */
const behindAtMostMs = defaultPendingMs / 2
const longestWaitMs = 10_000
const firstLookMs = 20
const slowestLookMs = 500

/**
 * One index for several collectors: claim → append → confirm. What is stored, each knows by itself: it reads the log, where all of them
 * write. The cache settles who may store an id at this moment, so it holds claims and what was stored in the last minutes, and may
 * lose both: without it events go through and are counted (`millrace_dedup_fail_open_total`), and no event is refused or lost.
 */
export function createSharedDedup(options: SharedDedupOptions): Dedup {
  const { local, cache, log, deps } = options
  const pendingMs = options.pendingMs ?? defaultPendingMs
  const failOpen = failOpenCounter(deps)
  const stopping = new AbortController()
  const open = new Set<SharedClaim>()
  let shared: SharedKeys | undefined
  let renewing = Promise.resolve()

  async function share(fingerprints: Uint8Array, own: Claim, now: number): Promise<Claim> {
    const keys = shared
    if (keys === undefined) {
      own.release()
      throw new PipelineError('unavailable', 'the dedup index is not running')
    }
    const asked = indexesOf(own.states, CLAIMED)
    const names = asked.map((index) => keys.keyOf(fingerprints, index))
    const askedAt = performance.now()
    const { fates, isForgetful } = await keys.claim(names)
    if (fates === undefined) {
      failOpen('cache', asked.length)
      // Confirmed it is put all the same: the cache may be back by then.
      return add(new SharedClaim(own.states, own.others, own, names, undefined))
    }
    const { states, mine, kept, elsewhere } = divide(fingerprints, own, asked, names, fates, now)
    if (isForgetful) failOpen('forgotten', kept.length)
    else if ((local.behindMs?.() ?? 0) > behindAtMostMs) failOpen('behind', kept.length)
    const waits = [own.others, elsewhere.length === 0 ? undefined : settledElsewhere(keys, elsewhere)]
    return add(new SharedClaim(states, all(waits), mine, kept, askedAt))
  }

  /** Keeps of the local claim what the cache gave us too. `kept` and `elsewhere`: keys in the cache. */
  function divide(
    fingerprints: Uint8Array,
    own: Claim,
    asked: readonly number[],
    names: readonly string[],
    fates: Uint8Array,
    now: number,
  ) {
    const ours = indexesOf(fates, OURS)
    const elsewhere = indexesOf(fates, CLAIMED_ELSEWHERE).map((i) => names[i] as string)
    if (ours.length === asked.length) return { states: own.states, mine: own, kept: names, elsewhere }
    const states = own.states.slice()
    for (let i = 0; i < asked.length; i++)
      if (fates[i] !== OURS) states[asked[i] as number] = fates[i] === STORED_ELSEWHERE ? DUPLICATE : PENDING
    // In one turn, so nobody takes one of them in between.
    own.release()
    const mine = local.claim(
      chosen(
        fingerprints,
        ours.map((i) => asked[i] as number),
      ),
      now,
    )
    const kept: string[] = []
    const lost: string[] = []
    for (let i = 0; i < ours.length; i++) {
      const name = names[ours[i] as number] as string
      const state = mine.states[i] as number
      states[asked[ours[i] as number] as number] = state
      ;(state === CLAIMED ? kept : lost).push(name)
    }
    if (lost.length > 0) shared?.released(lost)
    return { states, mine, kept, elsewhere }
  }

  function add(claim: SharedClaim): SharedClaim {
    open.add(claim)
    return claim
  }

  async function settledElsewhere(keys: SharedKeys, names: readonly string[]): Promise<void> {
    const deadline = performance.now() + longestWaitMs
    for (let waitMs = firstLookMs; performance.now() < deadline; waitMs = Math.min(waitMs * 1.5, slowestLookMs)) {
      await deps.clock.sleep(waitMs, stopping.signal).catch(() => undefined)
      if (stopping.signal.aborted || (await keys.areSettled(names))) return
    }
  }

  async function renew(olderThanMs: number): Promise<void> {
    const startedAt = performance.now()
    const isDue = ({ putAt }: SharedClaim) => putAt !== undefined && startedAt - putAt >= olderThanMs
    // One that is over may be another's by now; it is not taken back.
    const due = [...open].filter((claim) => isDue(claim) && claim.isHeld())
    if (due.length === 0 || (await shared?.renew(due.flatMap((claim) => claim.keys))) !== true) return
    for (const claim of due) if (claim.isHeld()) claim.putAt = startedAt
  }

  async function keepRenewing(): Promise<void> {
    while (!stopping.signal.aborted) {
      await deps.clock.sleep(pendingMs / 6, stopping.signal).catch(() => undefined)
      if (stopping.signal.aborted) return
      await shared?.look()
      await renew(pendingMs / 3)
    }
  }

  class SharedClaim implements Claim {
    readonly states: Uint8Array
    readonly others: Promise<void> | undefined
    readonly keys: readonly string[]
    /** When the cache was last asked to keep our claim. Undefined: it was away, and holds nothing of us. */
    putAt: number | undefined
    readonly #mine: Claim

    constructor(
      states: Uint8Array,
      others: Promise<void> | undefined,
      mine: Claim,
      keys: readonly string[],
      putAt?: number,
    ) {
      this.states = states
      this.others = others
      this.#mine = mine
      this.keys = keys
      this.putAt = putAt
    }

    isHeld(): boolean {
      return this.putAt === undefined || performance.now() - this.putAt < pendingMs * heldPart
    }

    confirm(records: readonly Position[]): void {
      this.#mine.confirm(records)
      open.delete(this)
      if (!this.isHeld()) failOpen('late', this.keys.length)
      if (this.keys.length > 0) shared?.stored(this.keys)
    }

    release(): void {
      this.#mine.release()
      open.delete(this)
      // When it is not held any more, it ended by itself and may be another's now.
      if (this.keys.length > 0 && this.putAt !== undefined && this.isHeld()) shared?.released(this.keys)
    }
  }

  return {
    async start(signal) {
      await local.start(signal)
      const check = new Uint8Array(FINGERPRINT_BYTES)
      local.fingerprint('millrace', 'key check', check, 0)
      const made = createSharedKeys({
        cache,
        breaker: createBreaker(options.breaker ?? defaultBreaker, deps.logger),
        epoch: log.epoch(),
        check,
        pendingMs,
        storedMs: options.storedMs ?? defaultStoredMs,
        onLoss: () => void renew(0),
        deps,
      })
      const isFresh = (await log.bounds('events')).every(({ next }) => next === 0)
      await made.start(isFresh)
      shared = made
      renewing = keepRenewing()
    },
    async stop() {
      stopping.abort()
      await renewing
      await shared?.settled()
      shared = undefined
      await local.stop()
    },
    fingerprint: (project, id, out, at) => local.fingerprint(project, id, out, at),
    claim(fingerprints, now) {
      const own = local.claim(fingerprints, now)
      // All known already, or held by ourselves: nobody else need be asked.
      return own.states.includes(CLAIMED) ? share(fingerprints, own, now) : own
    },
    sealedBefore: () => local.sealedBefore(),
  }
}

function indexesOf(values: Uint8Array, wanted: number): number[] {
  const found: number[] = []
  for (let i = 0; i < values.length; i++) if (values[i] === wanted) found.push(i)
  return found
}

function chosen(fingerprints: Uint8Array, indexes: readonly number[]): Uint8Array {
  const some = Buffer.allocUnsafe(indexes.length * FINGERPRINT_BYTES)
  for (let i = 0; i < indexes.length; i++) {
    const from = (indexes[i] as number) * FINGERPRINT_BYTES
    some.set(fingerprints.subarray(from, from + FINGERPRINT_BYTES), i * FINGERPRINT_BYTES)
  }
  return some
}

function all(waits: readonly (Promise<void> | undefined)[]): Promise<void> | undefined {
  const real = waits.filter((wait) => wait !== undefined)
  return real.length === 0 ? undefined : Promise.all(real).then(() => undefined)
}
