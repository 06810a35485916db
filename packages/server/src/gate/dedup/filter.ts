/*
 * A Bloom filter in blocks of 512 bits, one cache line each. A fingerprint w0 w1 w2 w3 sets six bits of one block:
 *
 *   block = w0 scaled to the number of blocks      files are sorted by w0, so a filter is built from front to back
 *   bits  = three times nine bits of w1, three times nine bits of w2
 *
 * With 12 bits per id about 6 of 1,000 absent ids are taken for present, and are settled in the file.
 */

const blockWords = 16
const bitsPerId = 12

export function blocksFor(ids: number): number {
  return Math.max(1, Math.ceil((ids * bitsPerId) / (blockWords * 32)))
}

export class Filter {
  readonly words: Int32Array
  readonly #scale: number

  constructor(words: Int32Array) {
    this.words = words
    this.#scale = words.length / blockWords / 2 ** 32
  }

  static words(blocks: number): number {
    return blocks * blockWords
  }

  add(w0: number, w1: number, w2: number): void {
    const words = this.words
    const block = (((w0 >>> 0) * this.#scale) | 0) * blockWords
    for (let half = 0, bits = w1; half < 2; half++, bits = w2) {
      words[block + ((bits >>> 5) & 15)]! |= 1 << bits
      words[block + ((bits >>> 14) & 15)]! |= 1 << (bits >>> 9)
      words[block + ((bits >>> 23) & 15)]! |= 1 << (bits >>> 18)
    }
  }

  has(w0: number, w1: number, w2: number): boolean {
    const words = this.words
    const block = (((w0 >>> 0) * this.#scale) | 0) * blockWords
    // A shift takes the lowest five bits of its count.
    return (
      ((words[block + ((w1 >>> 5) & 15)]! >>> w1) &
        (words[block + ((w1 >>> 14) & 15)]! >>> (w1 >>> 9)) &
        (words[block + ((w1 >>> 23) & 15)]! >>> (w1 >>> 18)) &
        (words[block + ((w2 >>> 5) & 15)]! >>> w2) &
        (words[block + ((w2 >>> 14) & 15)]! >>> (w2 >>> 9)) &
        (words[block + ((w2 >>> 23) & 15)]! >>> (w2 >>> 18)) &
        1) ===
      1
    )
  }

  /** Sets `marks[i]` for each of the fingerprints that may be here. One loop over all lets their cache misses overlap. */
  mark(fingerprints: Int32Array, marks: Uint8Array): void {
    const words = this.words
    const scale = this.#scale
    for (let i = 0, at = 0; at < fingerprints.length; i++, at += 4) {
      const block = (((fingerprints[at]! >>> 0) * scale) | 0) * blockWords
      const w1 = fingerprints[at + 1]!
      // Most ids that are not here end at the first three bits.
      if (
        ((words[block + ((w1 >>> 5) & 15)]! >>> w1) &
          (words[block + ((w1 >>> 14) & 15)]! >>> (w1 >>> 9)) &
          (words[block + ((w1 >>> 23) & 15)]! >>> (w1 >>> 18)) &
          1) ===
          1 &&
        this.has(fingerprints[at]!, w1, fingerprints[at + 2]!)
      ) {
        marks[i] = 1
      }
    }
  }
}
