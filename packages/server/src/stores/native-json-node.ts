import { type ArrayShape, elementKind, sawNull, takeArrayShape } from './native-json-array.ts'
import { type JsonCursor, TooWide } from './native-json-cursor.ts'
import { NativeWriter } from './native-writer.ts'

/*
 * The flattened form, recursive:
 *
 *   json     = prefix: u64 3, varint paths, paths × String, paths × dynamic prefix     data: paths × dynamic data
 *   dynamic  = prefix: u64 3, varint types, types × String (ascending), types × prefix of the type
 *              data:   rows × u8 (place of the row's type; the number of types: absent), types × data of its rows
 *   array(T) = prefix of T                                                             data: rows × u64 end offset, data of T
 *   nullable(T)                                                                        data: rows × u8 (1 = null), data of T
 *
 * All prefixes of a column come before all its data.
 */

/** Bounds shared by all nodes of one column. */
export interface JsonBudget {
  /** Paths that may still be added, and keys that lead to no path. */
  paths: number
  keys: number
}

interface Values {
  readonly type: string
  prefix(out: NativeWriter): void
  data(out: Uint8Array[]): void
}

type ScalarKind = 'Bool' | 'Int64' | 'UInt64' | 'Float64' | 'String'

/** Types that one path may have in one block; the row's type is one byte. */
const typesMax = 64
const depthMax = 64

class Scalars implements Values {
  readonly type: string
  readonly out = new NativeWriter(256)

  constructor(type: ScalarKind) {
    this.type = type
  }

  prefix(): void {}

  data(out: Uint8Array[]): void {
    out.push(this.out.done())
  }
}

/** All rows' values of one path: of any types. */
export class DynamicNode {
  readonly #budget: JsonBudget
  readonly #level: number
  /** Per row 0 = absent, else 1 + index of its type in `#types`. */
  readonly #kinds = new NativeWriter(256)
  readonly #types: Values[] = []
  readonly #slots = new Map<string, number>()
  #strings = 0
  #integers = 0
  #floats = 0
  #bools = 0

  constructor(budget: JsonBudget, level: number) {
    this.#budget = budget
    this.#level = level
  }

  get rows(): number {
    return this.#kinds.length
  }

  /** Take the value at the cursor, which is neither null nor (but in an Array(Dynamic)) an object. */
  append(row: number, cursor: JsonCursor, depth: number): void {
    if (row > this.rows) this.#kinds.zeros(row - this.rows)
    const byte = cursor.peek()
    if (byte === 0x22) {
      if (this.#strings === 0) this.#strings = this.#scalar('String')
      this.#kinds.byte(this.#strings)
      appendString((this.#types[this.#strings - 1] as Scalars).out, cursor)
    } else if (byte === 0x74 || byte === 0x66) {
      if (this.#bools === 0) this.#bools = this.#scalar('Bool')
      this.#kinds.byte(this.#bools)
      ;(this.#types[this.#bools - 1] as Scalars).out.byte(byte === 0x74 ? 1 : 0)
      cursor.skipWord(byte === 0x74 ? 4 : 5)
    } else if (byte === 0x5b) {
      this.#array(cursor, depth)
    } else if (byte === 0x7b) {
      this.#object(cursor, depth)
    } else {
      this.#number(cursor)
    }
  }

  appendNull(): void {
    this.#kinds.byte(0)
  }

  prefix(out: NativeWriter): void {
    const order = this.#order()
    out.i64(3)
    out.varint(order.length)
    for (const values of order) out.text(values.type)
    for (const values of order) values.prefix(out)
  }

  data(out: Uint8Array[], rows: number): void {
    this.#kinds.zeros(rows - this.rows)
    const order = this.#order()
    const places = new Uint8Array(1 + this.#types.length)
    places[0] = order.length
    for (const [index, values] of this.#types.entries()) places[index + 1] = order.indexOf(values)
    const kinds = this.#kinds.done()
    for (let row = 0; row < kinds.length; row++) kinds[row] = places[kinds[row] as number] as number
    out.push(kinds)
    for (const values of order) values.data(out)
  }

  #order(): Values[] {
    return this.#types.toSorted((a, b) => (a.type < b.type ? -1 : 1))
  }

  #add(values: Values): number {
    if (this.#types.length === typesMax) throw new TooWide()
    return this.#types.push(values)
  }

  #scalar(kind: ScalarKind): number {
    const known = this.#slots.get(kind)
    if (known !== undefined) return known
    const slot = this.#add(new Scalars(kind))
    this.#slots.set(kind, slot)
    return slot
  }

  #number(cursor: JsonCursor): void {
    const kind = cursor.takeNumber()
    let slot: number
    if (kind === 'Int64') slot = this.#integers === 0 ? (this.#integers = this.#scalar('Int64')) : this.#integers
    else if (kind === 'Float64') slot = this.#floats === 0 ? (this.#floats = this.#scalar('Float64')) : this.#floats
    else slot = this.#scalar('UInt64')
    this.#kinds.byte(slot)
    appendNumber((this.#types[slot - 1] as Scalars).out, kind, cursor)
  }

  #array(cursor: JsonCursor, depth: number): void {
    const start = cursor.at
    const shape = takeArrayShape(cursor)
    cursor.at = start
    const type = arrayType(shape, this.#level)
    let slot = this.#slots.get(type)
    if (slot === undefined) {
      slot = this.#add(new ArrayValues(type, shape, this.#budget, this.#level))
      this.#slots.set(type, slot)
    }
    this.#kinds.byte(slot)
    ;(this.#types[slot - 1] as ArrayValues).append(cursor, depth + 1)
  }

  #object(cursor: JsonCursor, depth: number): void {
    let slot = this.#slots.get('JSON')
    if (slot === undefined) {
      slot = this.#add(new ObjectValues('JSON', this.#budget, 0))
      this.#slots.set('JSON', slot)
    }
    this.#kinds.byte(slot)
    ;(this.#types[slot - 1] as ObjectValues).append(cursor, depth + 1)
  }
}

class ArrayValues implements Values {
  readonly type: string
  readonly #offsets = new NativeWriter(128)
  readonly #nulls: NativeWriter | undefined
  readonly #elements: Scalars | ObjectValues | ArrayValues | DynamicNode
  #count = 0

  constructor(type: string, shape: ArrayShape, budget: JsonBudget, level: number) {
    this.type = type
    const kind = elementKind(shape)
    if (kind === 'Dynamic') this.#elements = new DynamicNode(budget, 0)
    else if (kind === 'Array') {
      const inner = shape.inner as ArrayShape
      this.#elements = new ArrayValues(arrayType(inner, level), inner, budget, level)
    } else if (kind === 'JSON') {
      if (shape.seen & sawNull) this.#nulls = new NativeWriter(128)
      this.#elements = new ObjectValues(jsonType(level + 1), budget, level + 1)
    } else {
      this.#nulls = new NativeWriter(128)
      this.#elements = new Scalars(kind)
    }
  }

  append(cursor: JsonCursor, depth: number): void {
    if (depth > depthMax) throw new TooWide()
    cursor.take(0x5b)
    if (cursor.peek() === 0x5d) cursor.at++
    else
      for (;;) {
        const isNull = cursor.peek() === 0x6e
        if (isNull) this.#appendNull(cursor)
        else {
          this.#nulls?.byte(0)
          this.#appendElement(cursor, depth)
        }
        this.#count++
        const next = cursor.peek()
        cursor.at++
        if (next === 0x5d) break
        if (next !== 0x2c) cursor.fail()
      }
    this.#offsets.i64(this.#count)
  }

  prefix(out: NativeWriter): void {
    this.#elements.prefix(out)
  }

  data(out: Uint8Array[]): void {
    out.push(this.#offsets.done())
    if (this.#nulls) out.push(this.#nulls.done())
    this.#elements.data(out, this.#count)
  }

  #appendNull(cursor: JsonCursor): void {
    cursor.skipWord(4)
    this.#nulls?.byte(1)
    const elements = this.#elements
    if (elements instanceof DynamicNode) elements.appendNull()
    else if (elements instanceof ObjectValues) elements.appendEmpty()
    // No array with null among its elements is one of arrays.
    else if (elements instanceof ArrayValues) cursor.fail()
    else if (elements.type === 'String' || elements.type === 'Bool') elements.out.byte(0)
    else elements.out.zeros(8)
  }

  #appendElement(cursor: JsonCursor, depth: number): void {
    const elements = this.#elements
    if (elements instanceof DynamicNode) return elements.append(this.#count, cursor, depth + 1)
    if (!(elements instanceof Scalars)) return elements.append(cursor, depth + 1)
    const { out, type } = elements
    const byte = cursor.peek()
    if (byte === 0x22) return appendString(out, cursor)
    if (byte !== 0x74 && byte !== 0x66) {
      cursor.takeNumber()
      return appendNumber(out, type as 'Int64' | 'UInt64' | 'Float64', cursor)
    }
    out.byte(byte === 0x74 ? 1 : 0)
    cursor.skipWord(byte === 0x74 ? 4 : 5)
  }
}

/** A key as it stands in the text, and what is under it. */
interface KeyNode {
  /** Raw bytes between the quotes. */
  readonly raw: Uint8Array
  readonly path: string
  readonly children: KeyNode[]
  /** By raw key, made when there are many. */
  index: Map<string, KeyNode> | undefined
  leaf: DynamicNode | undefined
}

function keyNode(raw: Uint8Array, path: string): KeyNode {
  return { raw, path, children: [], index: undefined, leaf: undefined }
}

/** From this many children on, keys that do not come in the usual order are looked up, not searched. */
const indexFrom = 12

/** Objects: of the column itself, or of arrays within it. */
export class ObjectValues implements Values {
  readonly type: string
  readonly #budget: JsonBudget
  readonly #level: number
  readonly #root = keyNode(new Uint8Array(0), '')
  readonly #leaves = new Map<string, DynamicNode>()
  #rows = 0

  constructor(type: string, budget: JsonBudget, level: number) {
    this.type = type
    this.#budget = budget
    this.#level = level
  }

  append(cursor: JsonCursor, depth = 0): void {
    this.#object(this.#root, this.#rows, cursor, depth)
    this.#rows++
  }

  appendEmpty(): void {
    this.#rows++
  }

  prefix(out: NativeWriter): void {
    const paths = this.#paths()
    out.i64(3)
    out.varint(paths.length)
    for (const [path] of paths) out.text(path)
    for (const [, leaf] of paths) leaf.prefix(out)
  }

  data(out: Uint8Array[]): void {
    for (const [, leaf] of this.#paths()) leaf.data(out, this.#rows)
  }

  #paths(): [string, DynamicNode][] {
    return [...this.#leaves].toSorted(([a], [b]) => (a < b ? -1 : 1))
  }

  #object(node: KeyNode, row: number, cursor: JsonCursor, depth: number): void {
    if (depth > depthMax) throw new TooWide()
    cursor.take(0x7b)
    if (cursor.peek() === 0x7d) {
      cursor.at++
      return
    }
    let expected = 0
    for (;;) {
      if (cursor.peek() !== 0x22) cursor.fail()
      const start = cursor.at + 1
      const end = cursor.skipString()
      let child = node.children[expected]
      if (child === undefined || !sameBytes(child.raw, cursor.source, start, end)) {
        child = this.#child(node, cursor, start, end)
        expected = node.children.indexOf(child)
      }
      expected++
      cursor.take(0x3a)
      const byte = cursor.peek()
      if (byte === 0x7b) this.#object(child, row, cursor, depth + 1)
      else if (byte === 0x6e) cursor.skipWord(4)
      else this.#value(child, row, cursor, depth)
      const next = cursor.peek()
      cursor.at++
      if (next === 0x7d) return
      if (next !== 0x2c) cursor.fail()
    }
  }

  #value(child: KeyNode, row: number, cursor: JsonCursor, depth: number): void {
    child.leaf ??= this.#leaf(child.path)
    // `{"a.b":1,"a":{"b":2}}` names one path twice: native-json-shared.ts knows how to keep both.
    if (child.leaf.rows > row) throw new TooWide()
    child.leaf.append(row, cursor, depth)
  }

  #leaf(path: string): DynamicNode {
    let leaf = this.#leaves.get(path)
    if (leaf === undefined) {
      if (this.#budget.paths-- === 0) throw new TooWide()
      leaf = new DynamicNode(this.#budget, this.#level)
      this.#leaves.set(path, leaf)
    }
    return leaf
  }

  #child(node: KeyNode, cursor: JsonCursor, start: number, end: number): KeyNode {
    const { children } = node
    if (children.length < indexFrom) {
      for (const child of children) if (sameBytes(child.raw, cursor.source, start, end)) return child
    }
    const raw = new Uint8Array(cursor.source.subarray(start, end))
    const key = Buffer.from(raw).toString('latin1')
    if (children.length >= indexFrom) {
      node.index ??= new Map(children.map((each) => [Buffer.from(each.raw).toString('latin1'), each]))
      const known = node.index.get(key)
      if (known) return known
    }
    if (this.#budget.keys-- === 0) throw new TooWide()
    const name = cursor.unescape(start, end)
    const child = keyNode(raw, node === this.#root ? name : `${node.path}.${name}`)
    children.push(child)
    node.index?.set(key, child)
    return child
  }
}

function sameBytes(raw: Uint8Array, source: Uint8Array, start: number, end: number): boolean {
  if (raw.length !== end - start) return false
  for (let i = 0; i < raw.length; i++) if (raw[i] !== source[start + i]) return false
  return true
}

function appendString(out: NativeWriter, cursor: JsonCursor): void {
  const start = cursor.at + 1
  const end = cursor.skipString()
  if (cursor.escaped) out.text(cursor.unescape(start, end))
  else out.string(cursor.source, start, end)
}

function appendNumber(out: NativeWriter, kind: 'Int64' | 'UInt64' | 'Float64', cursor: JsonCursor): void {
  if (kind === 'Float64') out.f64(cursor.number)
  else if (cursor.big === undefined) out.i64(cursor.number)
  else out.u64(BigInt.asUintN(64, cursor.big))
}

/** ClickHouse gives objects within arrays a quarter of the paths and half of the types of what is around them. */
function jsonType(level: number): string {
  if (level === 0) return 'JSON'
  return `JSON(max_dynamic_types=${Math.floor(32 / 2 ** level)}, max_dynamic_paths=${Math.floor(1024 / 4 ** level)})`
}

function arrayType(shape: ArrayShape, level: number): string {
  const kind = elementKind(shape)
  if (kind === 'Dynamic') return 'Array(Dynamic)'
  if (kind === 'Array') return `Array(${arrayType(shape.inner as ArrayShape, level)})`
  if (kind !== 'JSON') return `Array(Nullable(${kind}))`
  const json = jsonType(level + 1)
  return shape.seen & sawNull ? `Array(Nullable(${json}))` : `Array(${json})`
}
