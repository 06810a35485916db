import { type ArrayShape, elementKind, sawNull, takeArrayShape } from './native-json-array.ts'
import type { JsonCursor } from './native-json-cursor.ts'
import { NativeWriter } from './native-writer.ts'

/*
 * A JSON column without columns of its own per path: all values in its *shared data*, where ClickHouse itself puts the paths beyond
 * `max_dynamic_paths`. Its cost does not depend on how many different paths there are; merges bring the frequent ones back
 * into columns.
 *
 *   column  = u64 0 (version), varint 1024 (max_dynamic_paths), varint 0 (paths), rows × u64 end offset, values × String path, values × String value
 *             paths of a row ascend and differ
 *   value   = type data
 *   type    = 0x04 UInt64 | 0x0a Int64 | 0x0e Float64 | 0x15 String | 0x2d Bool | 0x00 nothing (null) | 0x1e type (Array)
 *           | 0x23 type (Nullable) | 0x2b u8 types (Dynamic) | 0x30 00 varint paths, u8 types, 00 00 00 (JSON)
 *   data    = UInt64, Int64, Float64: 8 bytes; Bool: u8; String: varint length, bytes; Array: varint count, elements
 *           | Nullable: u8 1, or u8 0 and data; Dynamic: value; JSON: varint count, count × (String path, value)
 */
const maxPaths = 1024
const maxTypes = 32
/** Deeper values are kept as String, as JSON text. */
const depthMax = 60

const typeCodes = {
  UInt64: 0x04,
  Int64: 0x0a,
  Float64: 0x0e,
  String: 0x15,
  Bool: 0x2d,
  Array: 0x1e,
  Dynamic: 0x2b,
  JSON: 0x30,
}
const nullable = 0x23

interface Entry {
  readonly path: string
  readonly start: number
  readonly end: number
}

export class SharedObjects {
  readonly #offsets = new NativeWriter()
  readonly #paths = new NativeWriter()
  readonly #values = new NativeWriter()
  /** Writers for the row at hand, one per level of objects within objects' arrays. */
  readonly #scratch: NativeWriter[] = []
  #count = 0

  append(cursor: JsonCursor): void {
    const entries: Entry[] = []
    const scratch = this.#take()
    this.#object('', cursor, entries, scratch, 0, 0)
    for (const entry of distinct(entries)) {
      this.#paths.text(entry.path)
      this.#values.string(scratch.bytes, entry.start, entry.end)
      this.#count++
    }
    this.#scratch.push(scratch)
    this.appendEmpty()
  }

  appendEmpty(): void {
    this.#offsets.i64(this.#count)
  }

  size(): number {
    return this.#paths.length + this.#values.length
  }

  data(): Uint8Array[] {
    const prefix = new NativeWriter(24)
    prefix.i64(0)
    prefix.varint(maxPaths)
    prefix.varint(0)
    return [prefix.done(), this.#offsets.done(), this.#paths.done(), this.#values.done()]
  }

  #take(): NativeWriter {
    const scratch = this.#scratch.pop() ?? new NativeWriter()
    scratch.length = 0
    return scratch
  }

  /** Take an object: its values, and those of the objects in it, as entries whose bytes are in `out`. */
  #object(prefix: string, cursor: JsonCursor, entries: Entry[], out: NativeWriter, level: number, depth: number): void {
    cursor.take(0x7b)
    if (cursor.peek() === 0x7d) {
      cursor.at++
      return
    }
    for (;;) {
      if (cursor.peek() !== 0x22) cursor.fail()
      const keyStart = cursor.at + 1
      const keyEnd = cursor.skipString()
      const path = prefix + cursor.unescape(keyStart, keyEnd)
      cursor.take(0x3a)
      const byte = cursor.peek()
      if (byte === 0x6e) cursor.skipWord(4)
      else if (byte === 0x7b && depth < depthMax) this.#object(`${path}.`, cursor, entries, out, level, depth + 1)
      else {
        const start = out.length
        this.#value(cursor, out, level, depth)
        entries.push({ path, start, end: out.length })
      }
      const next = cursor.peek()
      cursor.at++
      if (next === 0x7d) return
      if (next !== 0x2c) cursor.fail()
    }
  }

  /** Take a value and write it with its type. `level`: of arrays of objects, by which ClickHouse narrows their JSON type. */
  #value(cursor: JsonCursor, out: NativeWriter, level: number, depth: number): void {
    const byte = cursor.peek()
    if (byte === 0x22) {
      out.byte(typeCodes.String)
      writeString(cursor, out)
    } else if (byte === 0x74 || byte === 0x66) {
      out.byte(typeCodes.Bool)
      out.byte(byte === 0x74 ? 1 : 0)
      cursor.skipWord(byte === 0x74 ? 4 : 5)
    } else if (byte === 0x6e) {
      out.byte(0)
      cursor.skipWord(4)
    } else if (byte === 0x5b || byte === 0x7b) {
      if (depth >= depthMax) writeAsText(cursor, out)
      else if (byte === 0x7b) {
        writeJsonType(out, 0)
        this.#nestedObject(cursor, out, 0, depth + 1)
      } else {
        const start = cursor.at
        const shape = takeArrayShape(cursor, depth)
        cursor.at = start
        writeArrayType(out, shape, level)
        this.#array(cursor, out, shape, level, depth + 1)
      }
    } else {
      const kind = cursor.takeNumber()
      out.byte(typeCodes[kind])
      if (kind === 'Float64') out.f64(cursor.number)
      else if (cursor.big === undefined) out.i64(cursor.number)
      else out.u64(BigInt.asUintN(64, cursor.big))
    }
  }

  #array(cursor: JsonCursor, out: NativeWriter, shape: ArrayShape, level: number, depth: number): void {
    const kind = elementKind(shape)
    const isNullable = kind !== 'Dynamic' && kind !== 'Array' && (kind !== 'JSON' || (shape.seen & sawNull) !== 0)
    const elements = this.#take()
    let count = 0
    cursor.take(0x5b)
    if (cursor.peek() === 0x5d) cursor.at++
    else
      for (;;) {
        const isNull = cursor.peek() === 0x6e
        if (isNullable) elements.byte(isNull ? 1 : 0)
        if (isNull) {
          cursor.skipWord(4)
          // Of an array the empty one, of Dynamic nothing: a zero either way.
          if (!isNullable) elements.byte(0)
        } else if (kind === 'Dynamic') this.#value(cursor, elements, 0, depth)
        else if (kind === 'Array') this.#array(cursor, elements, shape.inner as ArrayShape, level, depth)
        else if (kind === 'JSON') this.#nestedObject(cursor, elements, level + 1, depth)
        else writeScalar(cursor, elements, kind)
        count++
        const next = cursor.peek()
        cursor.at++
        if (next === 0x5d) break
        if (next !== 0x2c) cursor.fail()
      }
    out.varint(count)
    out.copy(elements.bytes, 0, elements.length)
    this.#scratch.push(elements)
  }

  #nestedObject(cursor: JsonCursor, out: NativeWriter, level: number, depth: number): void {
    const entries: Entry[] = []
    const scratch = this.#take()
    this.#object('', cursor, entries, scratch, level, depth)
    const kept = distinct(entries)
    out.varint(kept.length)
    for (const { path, start, end } of kept) {
      out.text(path)
      out.copy(scratch.bytes, start, end)
    }
    this.#scratch.push(scratch)
  }
}

/** By path in the order of their bytes; of several with one path the first. */
function distinct(entries: Entry[]): Entry[] {
  if (entries.length < 2) return entries
  entries.sort((a, b) => comparePaths(a.path, b.path))
  return entries.filter((entry, at) => at === 0 || entry.path !== entries[at - 1]?.path)
}

/** The order of UTF-8, which is that of UTF-16 but where surrogates meet what is above them. */
function comparePaths(a: string, b: string): number {
  if (a === b) return 0
  const shorter = Math.min(a.length, b.length)
  for (let at = 0; at < shorter; at++) {
    const x = a.charCodeAt(at)
    const y = b.charCodeAt(at)
    if (x === y) continue
    if (x < 0xd800 || y < 0xd800) return x - y
    return Buffer.compare(Buffer.from(a), Buffer.from(b))
  }
  return a.length - b.length
}

function writeArrayType(out: NativeWriter, shape: ArrayShape, level: number): void {
  out.byte(typeCodes.Array)
  const kind = elementKind(shape)
  if (kind === 'Dynamic') {
    out.byte(typeCodes.Dynamic)
    out.byte(maxTypes)
  } else if (kind === 'Array') writeArrayType(out, shape.inner as ArrayShape, level)
  else if (kind === 'JSON') {
    if (shape.seen & sawNull) out.byte(nullable)
    writeJsonType(out, level + 1)
  } else {
    out.byte(nullable)
    out.byte(typeCodes[kind])
  }
}

function writeJsonType(out: NativeWriter, level: number): void {
  out.byte(typeCodes.JSON)
  out.byte(0)
  out.varint(Math.floor(maxPaths / 4 ** level))
  out.byte(Math.floor(maxTypes / 2 ** level))
  out.zeros(3)
}

function writeScalar(
  cursor: JsonCursor,
  out: NativeWriter,
  kind: 'Bool' | 'Int64' | 'UInt64' | 'Float64' | 'String',
): void {
  const byte = cursor.peek()
  if (byte === 0x22) return writeString(cursor, out)
  if (byte !== 0x74 && byte !== 0x66) {
    cursor.takeNumber()
    if (kind === 'Float64') out.f64(cursor.number)
    else if (cursor.big === undefined) out.i64(cursor.number)
    else out.u64(BigInt.asUintN(64, cursor.big))
    return
  }
  const value = byte === 0x74
  cursor.skipWord(value ? 4 : 5)
  if (kind === 'Bool') out.byte(value ? 1 : 0)
  else if (kind === 'String') out.text(value ? 'true' : 'false')
  else if (kind === 'Float64') out.f64(value ? 1 : 0)
  else out.i64(value ? 1 : 0)
}

function writeString(cursor: JsonCursor, out: NativeWriter): void {
  const start = cursor.at + 1
  const end = cursor.skipString()
  if (cursor.escaped) out.text(cursor.unescape(start, end))
  else out.string(cursor.source, start, end)
}

function writeAsText(cursor: JsonCursor, out: NativeWriter): void {
  const start = cursor.at
  cursor.skipValue()
  out.byte(typeCodes.String)
  out.string(cursor.source, start, cursor.at)
}
