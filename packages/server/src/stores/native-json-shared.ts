import { type ArrayShape, elementKind, sawNull, takeArrayShape } from './native-json-array.ts'
import { type JsonCursor, TooWide } from './native-json-cursor.ts'
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
/*
 * A path is the keys joined by dots, so `{"a.b":1,"a":{"b":2}}` names one twice. Whatever the order of the keys: it belongs to
 * the value under the fewest keys with dots; in the others' paths the dots within keys are written %2E (`a%2Eb`), as ClickHouse
 * itself does with json_type_escape_dots_in_keys. A path that is still taken gets a % at its end: no value is ever left out.
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

/** Paths and values of one object, as bytes; reused. */
class Entries {
  readonly paths = new NativeWriter()
  readonly values = new NativeWriter()
  /** Four per entry: where its path and its value start and end. */
  readonly places: number[] = []
  /** Entries to be written, ascending by path. */
  readonly order: number[] = []
  /** Two entries have one path: the object is to be taken once more, noting its keys. */
  isContested = false

  clear(): void {
    this.isContested = false
    this.paths.length = 0
    this.values.length = 0
    this.places.length = 0
    this.order.length = 0
  }

  /** Insert the entry just completed where it belongs. */
  add(pathStart: number, pathEnd: number, valueStart: number): void {
    const entry = this.places.length
    this.places.push(pathStart, pathEnd, valueStart, this.values.length)
    this.#insert(entry)
  }

  /** Make paths of their own for entries with the same one. `names`: each entry's path with the dots in its keys escaped. */
  settle(names: ReadonlyMap<number, string>): void {
    const entries = [...names].toSorted(([, a], [, b]) => a.length - b.length || (a < b ? -1 : 1))
    const taken = new Set<string>()
    const others: (readonly [entry: number, name: string])[] = []
    this.order.length = 0
    for (const [entry, name] of entries) {
      const path = this.#path(entry)
      if (taken.has(path)) others.push([entry, name])
      else this.#insert(entry)
      taken.add(path)
    }
    for (const [entry, name] of others) {
      let path = name
      while (taken.has(path)) path += '%'
      taken.add(path)
      this.places[entry] = this.paths.length
      writeBare(this.paths, path)
      this.places[entry + 1] = this.paths.length
      this.#insert(entry)
    }
    this.isContested = false
  }

  #path(entry: number): string {
    const [start, end] = [this.places[entry] as number, this.places[entry + 1] as number]
    return Buffer.from(this.paths.bytes.subarray(start, end)).toString()
  }

  #insert(entry: number): void {
    const { order } = this
    let at = order.length
    while (at > 0) {
      const difference = this.#compare(order[at - 1] as number, entry)
      if (difference === 0) {
        this.isContested = true
        return
      }
      if (difference < 0) break
      at--
    }
    if (at === order.length) order.push(entry)
    else order.splice(at, 0, entry)
  }

  #compare(a: number, b: number): number {
    const { places } = this
    const { bytes } = this.paths
    let x = places[a] as number
    let y = places[b] as number
    const xEnd = places[a + 1] as number
    const yEnd = places[b + 1] as number
    for (; x < xEnd && y < yEnd; x++, y++) {
      const difference = (bytes[x] as number) - (bytes[y] as number)
      if (difference !== 0) return difference
    }
    return xEnd - x - (yEnd - y)
  }
}

export class SharedObjects {
  readonly #offsets = new NativeWriter()
  readonly #paths = new NativeWriter()
  readonly #values = new NativeWriter()
  readonly #spareEntries: Entries[] = []
  readonly #spareWriters: NativeWriter[] = []
  #count = 0

  append(cursor: JsonCursor): void {
    const entries = this.#spareEntries.pop() ?? new Entries()
    this.#whole(cursor, entries, 0, 0)
    const { order, places, paths, values } = entries
    for (const entry of order) {
      this.#paths.string(paths.bytes, places[entry] as number, places[entry + 1] as number)
      this.#values.string(values.bytes, places[entry + 2] as number, places[entry + 3] as number)
    }
    this.#count += order.length
    this.#free(entries)
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

  #free(entries: Entries): void {
    entries.clear()
    this.#spareEntries.push(entries)
  }

  /** Take an object that has paths of its own. */
  #whole(cursor: JsonCursor, entries: Entries, level: number, depth: number): void {
    const start = cursor.at
    this.#object(0, cursor, entries, level, depth, undefined)
    if (!entries.isContested) return
    entries.clear()
    cursor.at = start
    const names = { prefix: '', found: new Map<number, string>() }
    this.#object(0, cursor, entries, level, depth, names)
    entries.settle(names.found)
  }

  /**
   * Take an object: its values, and those of the objects in it. `prefix`: length of the path up to it, which ends what is written of paths.
   * `names`: gathers each entry's path with escaped keys.
   */
  #object(
    prefix: number,
    cursor: JsonCursor,
    entries: Entries,
    level: number,
    depth: number,
    names: { prefix: string; readonly found: Map<number, string> } | undefined,
  ): void {
    const { paths } = entries
    const prefixStart = paths.length - prefix
    cursor.take(0x7b)
    if (cursor.peek() === 0x7d) {
      cursor.at++
      return
    }
    for (;;) {
      if (cursor.peek() !== 0x22) cursor.fail()
      const keyStart = cursor.at + 1
      const keyEnd = cursor.skipString()
      const pathStart = paths.length
      paths.copy(paths.bytes, prefixStart, prefixStart + prefix)
      if (cursor.escaped) writeBare(paths, cursor.unescape(keyStart, keyEnd))
      else paths.copy(cursor.source, keyStart, keyEnd)
      const pathEnd = paths.length
      const outer = names?.prefix ?? ''
      let name = ''
      if (names !== undefined) {
        const key = Buffer.from(paths.bytes.subarray(pathStart + prefix, pathEnd)).toString()
        name = outer + key.replaceAll('.', '%2E')
      }
      cursor.take(0x3a)
      const byte = cursor.peek()
      if (byte === 0x6e) cursor.skipWord(4)
      else if (byte === 0x7b && depth < depthMax) {
        paths.byte(0x2e)
        if (names !== undefined) names.prefix = `${name}.`
        this.#object(paths.length - pathStart, cursor, entries, level, depth + 1, names)
        if (names !== undefined) names.prefix = outer
      } else {
        const valueStart = entries.values.length
        this.#value(cursor, entries.values, level, depth)
        names?.found.set(entries.places.length, name)
        entries.add(pathStart, pathEnd, valueStart)
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
        const shape = shapeOf(cursor, depth)
        cursor.at = start
        if (shape === undefined) writeAsText(cursor, out)
        else {
          writeArrayType(out, shape, level)
          this.#array(cursor, out, shape, level, depth + 1)
        }
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
    const elements = this.#spareWriters.pop() ?? new NativeWriter()
    elements.length = 0
    let count = 0
    cursor.take(0x5b)
    if (cursor.peek() === 0x5d) cursor.at++
    else
      for (;;) {
        const isNull = cursor.peek() === 0x6e
        if (isNullable) elements.byte(isNull ? 1 : 0)
        if (isNull) {
          cursor.skipWord(4)
          // Of Dynamic: nothing.
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
    this.#spareWriters.push(elements)
  }

  #nestedObject(cursor: JsonCursor, out: NativeWriter, level: number, depth: number): void {
    const entries = this.#spareEntries.pop() ?? new Entries()
    this.#whole(cursor, entries, level, depth)
    const { order, places, paths, values } = entries
    out.varint(order.length)
    for (const entry of order) {
      out.string(paths.bytes, places[entry] as number, places[entry + 1] as number)
      out.copy(values.bytes, places[entry + 2] as number, places[entry + 3] as number)
    }
    this.#free(entries)
  }
}

/** UTF-8 without a length. */
function writeBare(out: NativeWriter, text: string): void {
  const bytes = Buffer.from(text)
  out.copy(bytes, 0, bytes.length)
}

/** undefined for an array that is nested too deep. */
function shapeOf(cursor: JsonCursor, depth: number): ArrayShape | undefined {
  try {
    return takeArrayShape(cursor, depth)
  } catch (error) {
    if (error instanceof TooWide) return undefined
    throw error
  }
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
  out.byte(byte === 0x74 ? 1 : 0)
  cursor.skipWord(byte === 0x74 ? 4 : 5)
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
