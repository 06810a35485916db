import { PipelineError } from '../../core/errors.ts'
import type { Position } from '../../log/log.ts'
import { CLAIMED, type Claim, DUPLICATE, FINGERPRINT_BYTES, PENDING, REPEATED } from './dedup-index.ts'
import { EMPTY, FIRST_CLAIM, type Generation, STORED } from './generation.ts'
import type { Lookups } from './lookups.ts'
import type { SealedFile } from './sealed-file.ts'

/** Where ids are looked for, newest first. */
export interface Tiers {
  /** Takes new ids. */
  active: Generation
  /** Full, being written to files: still read, and claims in them may still be open. Oldest first. */
  retired: readonly { readonly generation: Generation }[]
  /** Oldest first. */
  files: readonly SealedFile[]
}

export interface ClaimsOptions {
  readonly tiers: Tiers
  readonly lookups: Lookups
  /** Reads of files within one call, beside those that false alarms of the filters take. */
  readonly readsAtOnce: number
  /** Sees to it that the active generation has room for so many more ids, or throws. */
  makeRoom(ids: number): void
  onConfirm(records: readonly Position[]): void
  /** A claim of this generation is settled. */
  onSettled(generation: Generation): void
}

/** Of each file: what its filter takes for present that is not, twice over. */
const falseAlarms = 0.01

/** The hot path: which of these ids are new. Everything in it is synchronous, so no two calls interleave. */
export function createClaims(options: ClaimsOptions): (fingerprints: Uint8Array, now: number) => Claim {
  const { tiers, lookups } = options
  /** By number. Numbers are small and used again, so that they fit a slot's owner. */
  const open: (OpenClaim | undefined)[] = []
  const freeNumbers: number[] = []
  let warmth = 0
  let readsLeft = 0

  function ownerInRetired(w0: number, w1: number, w2: number, w3: number): number {
    for (const { generation } of tiers.retired) {
      const slot = generation.seek(w0, w1, w2, w3)
      if (slot >= 0) return generation.owner(slot)
    }
    return EMPTY
  }

  /** Undefined: not looked up, `readsLeft` is used up. */
  function isInFiles(w0: number, w1: number, w2: number, w3: number): boolean | undefined {
    if (lookups.knows(w0, w1, w2, w3)) return true
    for (let i = tiers.files.length - 1; i >= 0; i--) {
      const file = tiers.files[i]!
      if (!file.filter.has(w0, w1, w2)) continue
      if (readsLeft-- <= 0) return undefined
      if (file.has(w0, w1, w2, w3)) return true
    }
    return false
  }

  return function claim(fingerprints, now) {
    const words = wordsOf(fingerprints)
    const count = words.length >>> 2
    const states = new Uint8Array(count)
    for (const file of tiers.files) file.filter.mark(words, states)
    options.makeRoom(count)
    const generation = tiers.active
    generation.touch(now)

    const slots = new Int32Array(count)
    warmth ^= generation.warm(words)
    let claimed = 0
    let met: Set<OpenClaim> | undefined
    let unknown: number[] | undefined
    let inFiles: boolean | undefined
    readsLeft = options.readsAtOnce + Math.ceil(count * falseAlarms * tiers.files.length)
    const number = freeNumbers.pop() ?? open.length
    const own = number + FIRST_CLAIM
    try {
      for (let i = 0, at = 0; i < count; i++, at += 4) {
        const w0 = words[at]!
        const w1 = words[at + 1]!
        const w2 = words[at + 2]!
        const w3 = words[at + 3]!
        const slot = generation.seek(w0, w1, w2, w3)
        const owner = slot >= 0 ? generation.owner(slot) : ownerInRetired(w0, w1, w2, w3)
        if (owner === STORED) {
          states[i] = DUPLICATE
        } else if (owner === own) {
          states[i] = REPEATED
        } else if (owner !== EMPTY) {
          states[i] = PENDING
          met ??= new Set()
          met.add(open[owner - FIRST_CLAIM]!)
        } else if (states[i] === 1 && (inFiles = isInFiles(w0, w1, w2, w3)) !== false) {
          if (inFiles === true) states[i] = DUPLICATE
          else {
            states[i] = PENDING
            unknown ??= []
            unknown.push(w0, w1, w2, w3)
          }
        } else {
          if (!generation.take(~slot, own, w0, w1, w2, w3)) {
            throw new PipelineError('unavailable', 'a generation of the dedup index is full before its time')
          }
          slots[claimed++] = ~slot
          states[i] = CLAIMED
        }
      }
    } catch (error) {
      // An unreadable file: nothing of this call is claimed.
      for (let i = 0; i < claimed; i++) generation.release(slots[i]!)
      freeNumbers.push(number)
      throw error
    }

    const waits = met === undefined ? [] : Array.from(met, (claim) => claim.settled())
    if (unknown !== undefined) waits.push(lookups.lookUp(Int32Array.from(unknown)))
    const others = waits.length === 0 ? undefined : Promise.all(waits).then(nothing)
    const made = new OpenClaim(states, others, generation, slots.subarray(0, claimed), (isStored, records) => {
      if (isStored) options.onConfirm(records)
      if (claimed === 0) return
      open[number] = undefined
      freeNumbers.push(number)
      options.onSettled(generation)
    })
    // Nobody can meet a claim that holds nothing.
    if (claimed === 0) freeNumbers.push(number)
    else open[number] = made
    if (open.length <= number) open.length = number + 1
    return made
  }
}

class OpenClaim implements Claim {
  readonly states: Uint8Array
  readonly others: Promise<void> | undefined
  readonly #generation: Generation
  readonly #slots: Int32Array
  readonly #onSettled: (isStored: boolean, records: readonly Position[]) => void
  #isOpen = true
  #waiters: PromiseWithResolvers<void> | undefined

  constructor(
    states: Uint8Array,
    others: Promise<void> | undefined,
    generation: Generation,
    slots: Int32Array,
    onSettled: (isStored: boolean, records: readonly Position[]) => void,
  ) {
    this.states = states
    this.others = others
    this.#generation = generation
    this.#slots = slots
    this.#onSettled = onSettled
  }

  confirm(records: readonly Position[]): void {
    this.#settle()
    for (const slot of this.#slots) this.#generation.confirm(slot)
    this.#onSettled(true, records)
    this.#waiters?.resolve()
  }

  release(): void {
    this.#settle()
    for (const slot of this.#slots) this.#generation.release(slot)
    this.#onSettled(false, [])
    this.#waiters?.resolve()
  }

  settled(): Promise<void> {
    this.#waiters ??= Promise.withResolvers()
    return this.#waiters.promise
  }

  #settle(): void {
    if (!this.#isOpen) throw new PipelineError('internal', 'a dedup claim was confirmed or released twice')
    this.#isOpen = false
  }
}

function nothing(): void {}

/** The fingerprints as words of this machine: little-endian on every platform that Millrace runs on. */
export function wordsOf(fingerprints: Uint8Array): Int32Array {
  if (fingerprints.length % FINGERPRINT_BYTES !== 0) {
    throw new PipelineError('internal', `${fingerprints.length} bytes are not a number of whole fingerprints`)
  }
  const aligned = fingerprints.byteOffset % 4 === 0 ? fingerprints : fingerprints.slice()
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
}
