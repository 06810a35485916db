import { PipelineError } from '../core/errors.ts'
import { NativeWriter } from './native-writer.ts'
import type { BlockColumn } from './store.ts'

/**
 * Columns in ClickHouse's Native encoding, built row by row in rising order; rows left out become the type's default.
 *
 *   String             rows × (varint length, bytes)
 *   Nullable(T)        rows × u8 (1 = NULL), then rows × T (anything under a NULL)
 *   T of fixed width   rows × width bytes, little-endian (Float64 Int64 UInt64 8, DateTime64 8, DateTime UInt32 4, Bool 1)
 *   Array(T)           rows × u64 end offset, then all elements as T
 *
 * A block leaves out columns that no row fills: the table's defaults stand in.
 */
export interface ColumnBuilder {
  /** Bytes held so far, by which blocks are bounded. */
  size(): number
  /** Pads to `rows` and hands out the column; the builder is used up. */
  finish(rows: number): BlockColumn
}

/** Fields of one event come once; a second value for a row means the record lies about its layout. */
export function refuseRepeat(column: string, row: number): never {
  throw new PipelineError('corrupt', `column ${column}: row ${row} is set twice`)
}

export class StringColumn implements ColumnBuilder {
  readonly name: string
  readonly #out = new NativeWriter()
  #rows = 0

  constructor(name: string) {
    this.name = name
  }

  append(row: number, source: Uint8Array, start: number, end: number): void {
    this.#pad(row)
    this.#out.string(source, start, end)
    this.#rows = row + 1
  }

  appendText(row: number, value: string): void {
    this.#pad(row)
    this.#out.text(value)
    this.#rows = row + 1
  }

  /** The same value for `count` rows from `row` on. */
  appendRun(row: number, count: number, value: string): void {
    const bytes = Buffer.from(value)
    this.#pad(row)
    for (let i = 0; i < count; i++) this.#out.string(bytes, 0, bytes.length)
    this.#rows = row + count
  }

  size(): number {
    return this.#out.length
  }

  finish(rows: number): BlockColumn {
    this.#pad(rows)
    return { name: this.name, type: 'String', data: [this.#out.done()] }
  }

  #pad(row: number): void {
    if (row > this.#rows) this.#out.zeros(row - this.#rows)
    else if (row < this.#rows) refuseRepeat(this.name, row)
  }
}

/** Any type of a fixed width, nullable or not. `nullable`: rows left out are NULL, else zero. */
export class FixedColumn implements ColumnBuilder {
  readonly name: string
  readonly #type: string
  readonly #width: 1 | 4 | 8
  readonly #nulls: NativeWriter | undefined
  readonly #values = new NativeWriter()
  #rows = 0

  constructor(name: string, type: string, width: 1 | 4 | 8, nullable: boolean) {
    this.name = name
    this.#type = nullable ? `Nullable(${type})` : type
    this.#width = width
    this.#nulls = nullable ? new NativeWriter() : undefined
  }

  /** The value's own bytes, as they stand in the record (fixed64: little-endian too). */
  appendRaw(row: number, source: Uint8Array, start: number): void {
    this.#next(row)
    this.#values.copy(source, start, start + this.#width)
  }

  /** A safe integer. */
  appendInteger(row: number, value: number): void {
    this.#next(row)
    if (this.#width === 8) this.#values.i64(value)
    else if (this.#width === 4) this.#values.u32(value)
    else this.#values.byte(value)
  }

  appendU64(row: number, value: bigint): void {
    this.#next(row)
    this.#values.u64(value)
  }

  appendFloat(row: number, value: number): void {
    this.#next(row)
    this.#values.f64(value)
  }

  /** The same whole number for `count` rows from `row` on; of a Float64 column as a float. */
  appendRun(row: number, count: number, value: number): void {
    const isFloat = this.#type.includes('Float64')
    for (let i = 0; i < count; i++) {
      if (isFloat) this.appendFloat(row + i, value)
      else this.appendInteger(row + i, value)
    }
  }

  size(): number {
    return this.#values.length + (this.#nulls?.length ?? 0)
  }

  finish(rows: number): BlockColumn {
    this.#pad(rows)
    const values = this.#values.done()
    return { name: this.name, type: this.#type, data: this.#nulls ? [this.#nulls.done(), values] : [values] }
  }

  #next(row: number): void {
    this.#pad(row)
    this.#nulls?.byte(0)
    this.#rows = row + 1
  }

  #pad(row: number): void {
    const missing = row - this.#rows
    if (missing === 0) return
    if (missing < 0) refuseRepeat(this.name, row)
    this.#nulls?.fill(1, missing)
    this.#values.zeros(missing * this.#width)
  }
}

export class StringArrayColumn implements ColumnBuilder {
  readonly name: string
  readonly #offsets = new NativeWriter()
  readonly #strings = new NativeWriter()
  #rows = 0
  #elements = 0

  constructor(name: string) {
    this.name = name
  }

  append(row: number, values: readonly string[]): void {
    this.#pad(row)
    for (const value of values) this.#strings.text(value)
    this.#elements += values.length
    this.#offsets.i64(this.#elements)
    this.#rows = row + 1
  }

  size(): number {
    return this.#offsets.length + this.#strings.length
  }

  finish(rows: number): BlockColumn {
    this.#pad(rows)
    return { name: this.name, type: 'Array(String)', data: [this.#offsets.done(), this.#strings.done()] }
  }

  #pad(row: number): void {
    if (row < this.#rows) refuseRepeat(this.name, row)
    while (this.#rows < row) {
      this.#offsets.i64(this.#elements)
      this.#rows++
    }
  }
}
