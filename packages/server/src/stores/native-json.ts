import type { ColumnBuilder } from './native-column.ts'
import { refuseRepeat } from './native-column.ts'
import { JsonCursor, TooWide } from './native-json-cursor.ts'
import { ObjectValues } from './native-json-node.ts'
import { SharedObjects } from './native-json-shared.ts'
import { NativeWriter } from './native-writer.ts'
import type { BlockColumn } from './store.ts'

/** As many as ClickHouse keeps apart in one JSON column (`max_dynamic_paths`); more would end in its shared data anyway. */
const pathsMax = 1_024
/** Keys, whether or not they lead to a value. */
const keysMax = 4_096
/** The flattened form costs a byte per path and row; this keeps it in bounds. */
const cellsMax = 20_000_000

/**
 * A JSON column, from JSON text to Native without making objects, in one of two forms:
 *
 *   flattened   per path a column: native-json-node.ts
 *   shared      per row a list of its paths and values: native-json-shared.ts
 *
 * A sender may put ids into keys. Beyond the bounds the block's column goes in the shared form: the same rows, and neither memory
 * nor time here grows with the number of different keys. So does a block with a row that names one path twice.
 */
export class JsonColumn implements ColumnBuilder {
  readonly name: string
  readonly #cursor = new JsonCursor()
  #values: ObjectValues | undefined
  #shared: SharedObjects | undefined
  /** Where each row's text lies, should the form have to change. */
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
    this.#bytes += end - start
    this.#pad(row)
    this.#rows = row + 1
    if (this.#values === undefined) return this.#share(source, start, end)
    this.#remember(row, source, start, end)
    this.#cursor.open(source, start, end)
    try {
      this.#values.append(this.#cursor)
      if ((row & 0xfff) === 0 && this.#tooManyCells(row)) throw new TooWide()
    } catch (error) {
      if (!(error instanceof TooWide)) throw error
      this.#startSharing()
    }
  }

  size(): number {
    return this.#bytes + (this.#values ? (pathsMax - this.#budget.paths) * this.#rows : 0)
  }

  finish(rows: number): BlockColumn {
    this.#pad(rows)
    if (this.#values && this.#tooManyCells(rows)) this.#startSharing()
    const column = { name: this.name, type: 'JSON' }
    if (rows === 0) return { ...column, data: [] }
    if (this.#values === undefined) return { ...column, data: (this.#shared as SharedObjects).data() }
    const prefix = new NativeWriter()
    this.#values.prefix(prefix)
    const data: Uint8Array[] = [prefix.done()]
    this.#values.data(data)
    return { ...column, data }
  }

  #pad(row: number): void {
    for (; this.#rows < row; this.#rows++) (this.#values ?? this.#shared)?.appendEmpty()
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

  /** Encode what came so far again, in the shared form. */
  #startSharing(): void {
    this.#values = undefined
    this.#shared = new SharedObjects()
    for (let row = 0; row < this.#rows; row++) {
      const at = row * 3
      const source = at < this.#places.length ? (this.#places[at] as number) : 0
      if (source === 0) this.#shared.appendEmpty()
      else
        this.#share(
          this.#sources[source - 1] as Uint8Array,
          this.#places[at + 1] as number,
          this.#places[at + 2] as number,
        )
    }
    this.#sources.length = 0
    this.#places = new Uint32Array(0)
  }

  #share(source: Uint8Array, start: number, end: number): void {
    this.#cursor.open(source, start, end)
    this.#shared?.append(this.#cursor)
  }
}
