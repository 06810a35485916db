import { parseJson } from '@millrace/protocol'

/*
 * ClickHouse keeps `error` and `error.type` of one object apart, but writes both under one key: `{"error":true,"error":{"type":1}}`,
 * of which every JSON parser keeps only the last. No setting makes it write them otherwise. So a line of an answer that may hold
 * such a key is parsed here, into what was sent:
 *
 *   {"error":true,"error":{"type":1}}  →  {"error":true,"error.type":1}    all that is under a key that has a value of its own
 *   {"a":{"b":2},"a%2Eb":1}            →  {"a":{"b":2},"a.b":1}            a path written %2E because it was taken (native-json-shared.ts)
 *
 *   {"a":{"a":{"a":…1}}}               →  {"a":{"a":…{"a.a.a":1}}}         keys below the depthMax-th: one key of many dots is no depth
 *
 * Where both would give one key twice, the %2E stays. No value is ever left out.
 */

/** Deeper, and what others make of the answer may fail. */
const depthMax = 100

/** May a value of this type hold an object of a JSON column? */
export function mayHoldPaths(type: string): boolean {
  return type.includes('JSON') || type.includes('Dynamic')
}

/** Parse a line of an answer. Exact as `parseJson` is; throws SyntaxError as it does. */
export function parseWithDots(line: string): unknown {
  if (!line.includes('%2E')) {
    const value = parsed(line)
    if (value !== undefined && (!line.includes('":{') || keysIn(value, 0) === keysWritten(line))) return value
  }
  return new Reader(line).value()
}

function parsed(line: string): unknown {
  try {
    return parseJson(line)
  } catch (error) {
    // Long integers in a very deep object.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** More than `keysIn` finds when a key comes twice, or a string starts with a colon: that only costs time. */
function keysWritten(line: string): number {
  let count = 0
  for (let at = line.indexOf('":'); at !== -1; at = line.indexOf('":', at + 2)) if (!isEscaped(line, at)) count++
  return count
}

/** NaN when they are too deep. */
function keysIn(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (depth > depthMax) return NaN
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += keysIn(item, depth + 1)
    return count
  }
  for (const key in value) {
    count++
    const inner = (value as Record<string, unknown>)[key]
    if (typeof inner === 'object') count += keysIn(inner, depth + 1)
  }
  return count
}

interface Leaf {
  readonly keys: readonly string[]
  readonly value: unknown
}

interface Branch {
  readonly children: Map<string, Branch>
  leaf: Leaf | undefined
}

/** Of text that is known to be JSON. */
class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): unknown {
    const character = this.#peek()
    if (character === '{') return this.#object()
    if (character === '[') return this.#array()
    return character === '"' ? this.#string() : this.#word()
  }

  #array(): unknown[] {
    const items: unknown[] = []
    this.#at++
    if (this.#peek() === ']') {
      this.#at++
      return items
    }
    for (;;) {
      items.push(this.value())
      if (this.#next(']')) return items
    }
  }

  /** One that is no value of another: its keys are the beginning of paths. */
  #object(): unknown {
    const leaves = this.#leaves()
    const paths = new Set(leaves.map(({ keys }) => keys.join('.')))
    const shown = leaves.map(({ keys, value }) => {
      const path = keys.join('.')
      const plain = withDots(path)
      return { keys: plain !== path && paths.has(plain) ? keys.map(withDots) : keys, value }
    })
    return (
      objectOf(shown) ??
      objectOf(leaves) ??
      Object.fromEntries(leaves.map(({ keys, value }) => [keys.join('.'), value] as const))
    )
  }

  /** The values of an object and of those under its keys, however deep these are. */
  #leaves(): Leaf[] {
    const leaves: Leaf[] = []
    // Those that lead to the object being read.
    const keys: string[] = []
    let isEmpty = true
    this.#at++
    for (;;) {
      const character = this.#peek()
      if (character === '"') {
        keys.push(this.#string())
        if (this.#peek() !== ':') this.#fail()
        this.#at++
        isEmpty = this.#peek() === '{'
        if (isEmpty) this.#at++
        else {
          leaves.push({ keys: keys.slice(), value: this.value() })
          keys.pop()
        }
      } else if (character === '}') {
        this.#at++
        if (keys.length === 0) return leaves
        if (isEmpty) leaves.push({ keys: keys.slice(), value: {} })
        isEmpty = false
        keys.pop()
      } else if (character === ',') this.#at++
      else this.#fail()
    }
  }

  #string(): string {
    const start = this.#at
    let end = start
    do {
      end = this.#text.indexOf('"', end + 1)
      if (end === -1) this.#fail()
    } while (isEscaped(this.#text, end))
    this.#at = end + 1
    const token = this.#text.slice(start + 1, end)
    return token.includes('\\') ? (JSON.parse(`"${token}"`) as string) : token
  }

  #word(): unknown {
    const word = /[^,\]}\s]*/y
    word.lastIndex = this.#at
    const [token] = word.exec(this.#text) as RegExpExecArray
    this.#at = word.lastIndex
    return parseJson(token)
  }

  /** Behind a value: true at the end of what it is in, false before the next one. */
  #next(end: string): boolean {
    const character = this.#peek()
    if (character !== end && character !== ',') this.#fail()
    this.#at++
    return character === end
  }

  #peek(): string | undefined {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++
    return this.#text[this.#at]
  }

  #fail(): never {
    throw new SyntaxError(`the store's answer is not JSON at character ${this.#at}`)
  }
}

/** Is this quote one within a string? */
function isEscaped(text: string, quote: number): boolean {
  let start = quote
  while (text.charCodeAt(start - 1) === 0x5c) start--
  return (quote - start) % 2 === 1
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d)
}

function withDots(path: string): string {
  return path.replaceAll('%2E', '.')
}

/** Undefined when two values would have one key. */
function objectOf(leaves: readonly Leaf[]): unknown {
  const root: Branch = { children: new Map(), leaf: undefined }
  for (const leaf of leaves) {
    let branch = root
    for (const key of leaf.keys) {
      let child = branch.children.get(key)
      if (child === undefined) branch.children.set(key, (child = { children: new Map(), leaf: undefined }))
      branch = child
    }
    branch.leaf = leaf
  }
  return fieldsOf(root)
}

function fieldsOf(branch: Branch, depth = 0): unknown {
  const fields: [string, unknown][] = []
  for (const [key, child] of branch.children) {
    if (child.leaf !== undefined || depth >= depthMax) {
      for (const leaf of leavesOf(child)) fields.push([leaf.keys.slice(depth).join('.'), leaf.value])
      continue
    }
    const inner = fieldsOf(child, depth + 1)
    if (inner === undefined) return undefined
    fields.push([key, inner])
  }
  if (new Set(fields.map(([key]) => key)).size < fields.length) return undefined
  return Object.fromEntries(fields)
}

function leavesOf(branch: Branch): Leaf[] {
  const found: Leaf[] = []
  const left = [branch]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next.leaf !== undefined) found.push(next.leaf)
    for (const child of [...next.children.values()].reverse()) left.push(child)
  }
  return found
}
