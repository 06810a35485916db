import type { ColumnBuilder } from './native-column.ts'
import { refuseRepeat } from './native-column.ts'
import { JsonCursor, TooWide } from './native-json-cursor.ts'
import { ObjectValues } from './native-json-node.ts'
import { appendEngineText } from './native-json-text.ts'
import { NativeWriter } from './native-writer.ts'
import type { BlockColumn } from './store.ts'

/** As many as ClickHouse keeps apart in one JSON column (`max_dynamic_paths`); more would end in its shared data anyway. */
const pathsMax = 1_024
/** Keys, whether or not they lead to a value. */
const keysMax = 4_096
/** The encoded form costs a byte per path and row; beyond this text is cheaper, and memory stays bounded. */
const cellsMax = 20_000_000

/**
 * A JSON column, from JSON text to Native's *flattened* form, per path and without making objects:
 *
 *   encoded: u64 3, then as native-json-node.ts draws it
 *   text:    u64 1, rows × String (JSON text; '{}' where there is none)
 *
 * A sender may put ids into keys. Beyond the bounds the block's column goes as text, read by the server: dearer, but
 * the same rows, and nothing here grows with the number of different keys.
 */
export class JsonColumn implements ColumnBuilder {
  readonly name: string
  readonly #cursor = new JsonCursor()
  #values: ObjectValues | undefined
  /** Where each row's text lies, should the block have to go as text. */
  readonly #sources: Uint8Array[] = []
  #places = new Uint32Array(3 * 256)
  #budget = { paths: pathsMax, keys: keysMax }
  #bytes = 0
  #rows = 0

  constructor(name: string) {
    this.name = name
    this.#values = new ObjectValues('JSON', this.#budget, 0)
  }

  /** `source` MUST stay as it is until `finish`. */
  append(row: number, source: Uint8Array, start: number, end: number): void {
    if (row < this.#rows) refuseRepeat(this.name, row)
    this.#remember(row, source, start, end)
    this.#bytes += end - start
    if (this.#values === undefined) return
    while (this.#rows < row) {
      this.#values.appendEmpty()
      this.#rows++
    }
    this.#rows = row + 1
    const cursor = this.#cursor
    cursor.open(source, start, end)
    try {
      this.#values.append(cursor)
      if ((row & 0xfff) === 0 && this.#tooManyCells(row)) throw new TooWide()
    } catch (error) {
      if (!(error instanceof TooWide)) throw error
      this.#values = undefined
    }
  }

  size(): number {
    return this.#bytes + (this.#values ? (pathsMax - this.#budget.paths) * this.#rows : 0)
  }

  finish(rows: number): BlockColumn {
    if (this.#values && this.#tooManyCells(rows)) this.#values = undefined
    const data: Uint8Array[] = []
    if (this.#values === undefined) data.push(this.#text(rows))
    else {
      for (; this.#rows < rows; this.#rows++) this.#values.appendEmpty()
      const prefix = new NativeWriter()
      this.#values.prefix(prefix)
      data.push(prefix.done())
      this.#values.data(data)
    }
    return { name: this.name, type: 'JSON', data: rows === 0 ? [] : data }
  }

  #tooManyCells(rows: number): boolean {
    return (pathsMax - this.#budget.paths) * rows > cellsMax
  }

  /** place = index of the source (0 = no text for that row), start, end */
  #remember(row: number, source: Uint8Array, start: number, end: number): void {
    const at = row * 3
    if (at + 3 > this.#places.length) {
      const grown = new Uint32Array(Math.max(at + 3, this.#places.length * 2))
      grown.set(this.#places)
      this.#places = grown
    }
    if (this.#sources.at(-1) !== source) this.#sources.push(source)
    this.#places[at] = this.#sources.length
    this.#places[at + 1] = start
    this.#places[at + 2] = end
  }

  #text(rows: number): Uint8Array {
    const out = new NativeWriter(this.#bytes + rows * 4 + 16)
    out.i64(1)
    for (let row = 0; row < rows; row++) {
      const at = row * 3
      const source = at < this.#places.length ? (this.#places[at] as number) : 0
      if (source === 0) out.text('{}')
      else {
        const start = this.#places[at + 1] as number
        appendEngineText(out, this.#sources[source - 1] as Uint8Array, start, this.#places[at + 2] as number)
      }
    }
    return out.done()
  }
}
