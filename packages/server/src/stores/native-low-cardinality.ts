import { type ColumnBuilder, refuseRepeat, StringColumn } from './native-column.ts'
import { NativeWriter } from './native-writer.ts'
import type { BlockColumn } from './store.ts'

/** ClickHouse's own bound on a shared dictionary (`low_cardinality_max_dictionary_size`). */
const distinctMax = 8_192
const dictionaryBytesMax = 1 << 20

/**
 * LowCardinality(String), one dictionary per block:
 *
 *   u64 1                     version: shared dictionaries with additional keys
 *   u64 flags                 0x600 (has keys, fresh dictionary) | index width: 0 = u8, 1 = u16, 2 = u32
 *   u64 keys, keys × String   the first is '' (the default)
 *   u64 rows, rows × index
 *
 * A block without rows is empty, without even the version.
 *
 * A sender may put ids into such a column. Beyond the bounds the block's column goes as plain `String`, which the server
 * casts; the dictionary never grows with the traffic.
 */
export class LowCardinalityColumn implements ColumnBuilder {
  readonly name: string
  readonly #keys = new NativeWriter()
  /** Start of key n in `#keys` behind its length, and its end. */
  #starts = new Uint32Array(64)
  #ends = new Uint32Array(64)
  #hashes = new Uint32Array(64)
  #count = 1
  #slots = new Int32Array(128)
  #indexes = new Uint32Array(256)
  #rows = 0
  #last = 0
  #plain: StringColumn | undefined

  constructor(name: string) {
    this.name = name
    this.#keys.byte(0)
  }

  append(row: number, source: Uint8Array, start: number, end: number): void {
    if (this.#plain) return this.#plain.append(row, source, start, end)
    let index = this.#last
    if (!this.#equals(index, source, start, end)) index = this.#find(source, start, end)
    if (index < 0) {
      this.#giveUpDictionary()
      return (this.#plain as unknown as StringColumn).append(row, source, start, end)
    }
    this.#last = index
    if (row >= this.#indexes.length) this.#growIndexes(row)
    if (row < this.#rows) refuseRepeat(this.name, row)
    const values = this.#indexes
    for (let gap = this.#rows; gap < row; gap++) values[gap] = 0
    values[row] = index
    this.#rows = row + 1
  }

  appendText(row: number, value: string): void {
    const bytes = Buffer.from(value)
    this.append(row, bytes, 0, bytes.length)
  }

  /** The same value for `count` rows from `row` on. */
  appendRun(row: number, count: number, value: string): void {
    if (count === 0) return
    const bytes = Buffer.from(value)
    this.append(row, bytes, 0, bytes.length)
    if (this.#plain) return this.#plain.appendRun(row + 1, count - 1, value)
    if (row + count > this.#indexes.length) this.#growIndexes(row + count)
    this.#indexes.fill(this.#last, row, row + count)
    this.#rows = row + count
  }

  size(): number {
    return this.#plain ? this.#plain.size() : this.#keys.length + this.#rows * 2
  }

  finish(rows: number): BlockColumn {
    if (this.#plain) return this.#plain.finish(rows)
    const type = 'LowCardinality(String)'
    if (rows === 0) return { name: this.name, type, data: [] }
    const width = this.#count <= 0x100 ? 0 : this.#count <= 0x1_0000 ? 1 : 2
    const out = new NativeWriter(40 + this.#keys.length + (rows << width))
    out.i64(1)
    out.i64(0x600 | width)
    out.i64(this.#count)
    out.copy(this.#keys.bytes, 0, this.#keys.length)
    out.i64(rows)
    const values = this.#indexes
    const { bytes, view } = out
    let at = out.length
    const filled = Math.min(rows, this.#rows)
    if (width === 0) for (let row = 0; row < filled; row++) bytes[at++] = values[row] as number
    else if (width === 1)
      for (let row = 0; row < filled; row++, at += 2) view.setUint16(at, values[row] as number, true)
    else for (let row = 0; row < filled; row++, at += 4) view.setUint32(at, values[row] as number, true)
    out.length = at
    out.zeros((rows - filled) << width)
    return { name: this.name, type, data: [out.done()] }
  }

  #equals(index: number, source: Uint8Array, start: number, end: number): boolean {
    let at = this.#starts[index] as number
    if ((this.#ends[index] as number) - at !== end - start) return false
    const { bytes } = this.#keys
    for (let i = start; i < end; i++) if (bytes[at++] !== source[i]) return false
    return true
  }

  /** Index of the key, adding it; -1 when that would break a bound. */
  #find(source: Uint8Array, start: number, end: number): number {
    if (start === end) return 0
    let hash = 0x811c9dc5
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (source[i] as number), 0x01000193)
    hash ^= hash >>> 15
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (let index = this.#slots[slot] as number; index !== 0; index = this.#slots[slot] as number) {
      if (this.#hashes[index] === hash >>> 0 && this.#equals(index, source, start, end)) return index
      slot = (slot + 1) & mask
    }
    if (this.#count === distinctMax || this.#keys.length + end - start > dictionaryBytesMax) return -1
    const index = this.#count++
    if (index === this.#starts.length) this.#growKeys()
    this.#keys.string(source, start, end)
    this.#ends[index] = this.#keys.length
    this.#starts[index] = this.#keys.length - (end - start)
    this.#hashes[index] = hash
    this.#slots[slot] = index
    if (this.#count * 2 > this.#slots.length) this.#rehash()
    return index
  }

  #growKeys(): void {
    const size = this.#starts.length * 2
    const grow = (old: Uint32Array) => {
      const grown = new Uint32Array(size)
      grown.set(old)
      return grown
    }
    this.#starts = grow(this.#starts)
    this.#ends = grow(this.#ends)
    this.#hashes = grow(this.#hashes)
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let index = 1; index < this.#count; index++) {
      let slot = (this.#hashes[index] as number) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = index
    }
    this.#slots = slots
  }

  #growIndexes(row: number): void {
    const grown = new Uint32Array(Math.max(row + 1, this.#indexes.length * 2))
    grown.set(this.#indexes)
    this.#indexes = grown
  }

  #giveUpDictionary(): void {
    const plain = new StringColumn(this.name)
    for (let row = 0; row < this.#rows; row++) {
      const index = this.#indexes[row] as number
      if (index !== 0) plain.append(row, this.#keys.bytes, this.#starts[index] as number, this.#ends[index] as number)
    }
    this.#plain = plain
  }
}
