/*
 * The newest ids, in memory: a table with open addressing over one typed array.
 *
 *   slot = owner w0 w1 w2 w3                   five words; w0..w3 are the fingerprint
 *   owner = 0 empty | 1 given back | 2 stored | 3 + number of the open claim that holds it
 *
 * A fingerprint's home is w0 scaled to the table, and it stands there or in the next free slot behind; the table does not wrap
 * around, it has spare slots at its end. So each run of taken slots holds greater fingerprints than all runs before it, and
 * the whole table is written out in order by sorting run by run.
 */

export const EMPTY = 0
const GIVEN_BACK = 1
export const STORED = 2
/** Owners from here on are open claims. */
export const FIRST_CLAIM = 3

const slotWords = 5
/** Slots per id: at 0.6 filled a new id looks at two slots on average. */
const slotsPerId = 1 / 0.6
/** Runs of taken slots are far shorter than this with a keyed fingerprint. */
const spareSlots = 4096

export class Generation {
  /** Ids that it is made for. */
  readonly capacity: number
  /** Slots that are not empty: stored, claimed or given back. */
  filled = 0
  stored = 0
  claimed = 0
  /** Our clock at its first and last id. */
  fromMs = Number.POSITIVE_INFINITY
  toMs = 0
  readonly #table: Int32Array
  readonly #scale: number
  readonly #lastSlot: number

  constructor(capacity: number) {
    const slots = Math.ceil(capacity * slotsPerId)
    this.capacity = capacity
    this.#table = new Int32Array((slots + spareSlots) * slotWords)
    this.#scale = slots / 2 ** 32
    this.#lastSlot = (slots + spareSlots - 1) * slotWords
  }

  get bytes(): number {
    return this.#table.byteLength
  }

  /** The slot of a fingerprint, or `~slot` of where it would go. */
  seek(w0: number, w1: number, w2: number, w3: number): number {
    const table = this.#table
    let slot = (((w0 >>> 0) * this.#scale) | 0) * slotWords
    let free = -1
    for (;;) {
      const owner = table[slot] as number
      if (owner === EMPTY) return ~(free === -1 ? slot : free)
      if (owner === GIVEN_BACK) {
        if (free === -1) free = slot
      } else if (table[slot + 1] === w0 && table[slot + 2] === w1 && table[slot + 3] === w2 && table[slot + 4] === w3) {
        return slot
      }
      slot += slotWords
    }
  }

  /**
   * Reads the homes of many fingerprints one after the other: reads that do not wait for each other, so that the searches
   * that follow find them in the processor's cache. The sum is there to be used, else nothing would be read.
   */
  warm(fingerprints: Int32Array): number {
    const table = this.#table
    const scale = this.#scale
    let sum = 0
    for (let at = 0; at < fingerprints.length; at += 4) {
      sum ^= table[(((fingerprints[at]! >>> 0) * scale) | 0) * slotWords]!
    }
    return sum
  }

  owner(slot: number): number {
    return this.#table[slot] as number
  }

  /** Puts a fingerprint where `seek` said. False when the table is at its end: the very last slot stays empty. */
  take(slot: number, owner: number, w0: number, w1: number, w2: number, w3: number): boolean {
    if (slot >= this.#lastSlot) return false
    const table = this.#table
    if (table[slot] === EMPTY) this.filled++
    table[slot] = owner
    table[slot + 1] = w0
    table[slot + 2] = w1
    table[slot + 3] = w2
    table[slot + 4] = w3
    if (owner === STORED) this.stored++
    else this.claimed++
    return true
  }

  /** A claimed slot's event is stored. */
  confirm(slot: number): void {
    this.#table[slot] = STORED
    this.stored++
    this.claimed--
  }

  /** A claimed slot's event is not stored. The slot stays in the way of searches unless nothing stands behind it. */
  release(slot: number): void {
    const table = this.#table
    this.claimed--
    if (table[slot + slotWords] !== EMPTY) {
      table[slot] = GIVEN_BACK
      return
    }
    let last = slot
    table[last] = GIVEN_BACK
    while (last >= 0 && table[last] === GIVEN_BACK) {
      table[last] = EMPTY
      this.filled--
      last -= slotWords
    }
  }

  touch(nowMs: number): void {
    if (nowMs < this.fromMs) this.fromMs = nowMs
    if (nowMs > this.toMs) this.toMs = nowMs
  }

  /**
   * Its stored fingerprints in ascending order, in batches of about `batch`; the array is used again for the next batch.
   * MUST NOT be changed while this is under way: no claim of it is open any more.
   */
  *sorted(batch: number): Generator<Int32Array> {
    const table = this.#table
    let out = new Int32Array((batch + 256) * 4)
    let count = 0
    let runStart = 0
    for (let slot = 0; slot <= this.#lastSlot; slot += slotWords) {
      const owner = table[slot] as number
      if (owner === EMPTY) {
        runStart = count
        if (count >= batch) {
          yield out.subarray(0, count * 4)
          count = 0
          runStart = 0
        }
      } else if (owner === STORED) {
        if ((count + 1) * 4 > out.length) {
          const wider = new Int32Array(out.length * 2)
          wider.set(out)
          out = wider
        }
        let at = count * 4
        while (at > runStart * 4 && isLess(table, slot + 1, out, at - 4)) {
          for (let word = 0; word < 4; word++) out[at + word] = out[at + word - 4]!
          at -= 4
        }
        out[at] = table[slot + 1] as number
        out[at + 1] = table[slot + 2] as number
        out[at + 2] = table[slot + 3] as number
        out[at + 3] = table[slot + 4] as number
        count++
      }
    }
    if (count > 0) yield out.subarray(0, count * 4)
  }
}

/** Is the fingerprint at `i` of `a` less than that at `j` of `b`, as four unsigned words? */
export function isLess(a: Int32Array, i: number, b: Int32Array, j: number): boolean {
  const first = (a[i] as number) >>> 0
  const other = (b[j] as number) >>> 0
  if (first !== other) return first < other
  for (let word = 1; word < 4; word++) {
    const x = (a[i + word] as number) >>> 0
    const y = (b[j + word] as number) >>> 0
    if (x !== y) return x < y
  }
  return false
}
