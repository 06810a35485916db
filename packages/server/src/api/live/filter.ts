import { type Column, type ColumnKind, findColumn, parseJson, stringifyJson } from '@millrace/protocol'
import { compilePattern, PatternError } from './pattern.ts'
import { LiveError } from './live-error.ts'
import type { Row } from './record-view.ts'

/*
 * filter = column [ "." path ] op value          several filters: all must hold
 * op     = "=" | "!=" | ">" | "<" | ">=" | "<=" | "~"
 * path   = key *( "." key )                      of a JSON column: properties.plan=pro
 *
 * Numbers, times (RFC 3339 or Unix ms) and booleans compare as what they are, text by its characters. An absent value is equal to
 * nothing but the empty text: `user_id=` is "absent", `user_id!=` is "there". `~` searches text by a regular expression (pattern.ts).
 */
type Op = '=' | '!=' | '>' | '<' | '>=' | '<=' | '~'
export interface Filter {
  passes(row: Row): boolean
  /** Set where only this text in this column passes: thousands of such filters are one look-up. */
  readonly only?: { readonly column: number; readonly text: string }
}

export const maxFilters = 20
const maxFilterLength = 1024
const grammar = /^\s*([A-Za-z_][A-Za-z0-9_]*)((?:\.[^=!<>~]+)?)(!=|>=|<=|=|>|<|~)([\s\S]*)$/

/** Throws LiveError. */
export function parseFilter(text: string): Filter {
  const refuse = (why: string) =>
    new LiveError('INVALID_FILTER', `filter ${JSON.stringify(text.slice(0, 100))}: ${why}`)
  if (text.length > maxFilterLength) throw refuse(`it has ${text.length} characters, at most ${maxFilterLength}`)
  const match = grammar.exec(text)
  if (match === null) throw refuse('expected <column><op><value>, op one of = != > < >= <= ~')
  const [, name = '', path = '', op = '', value = ''] = match as unknown as [string, string, string, Op, string]
  const column = findColumn(name)
  if (column === undefined) throw new LiveError('UNKNOWN_COLUMN', `there is no column ${JSON.stringify(name)}`)
  if (column.carrier === 'store' && name !== 'log_position')
    throw new LiveError('UNKNOWN_COLUMN', `column ${name} is made by the store, after the stream`)
  try {
    if (column.kind === 'json') {
      const keys = path.trim().split('.').slice(1)
      if (keys.length === 0 || keys.includes(''))
        throw refuse(`${name} is a JSON column: name a path in it, such as ${name}.plan`)
      return jsonFilter(column.number, keys, op as Op, value)
    }
    if (path !== '') throw refuse(`only JSON columns have paths, ${name} is ${column.kind}`)
    return columnFilter(column, op as Op, value)
  } catch (error) {
    if (error instanceof PatternError) throw refuse(error.message)
    if (error instanceof NotA) throw refuse(error.message)
    throw error
  }
}

/** The value of a filter is not of its column's kind. */
class NotA extends Error {
  override readonly name = 'NotA'
}

function columnFilter({ number, kind, name }: Column, op: Op, value: string): Filter {
  if (isText(kind)) {
    const holds = textTest(op, value)
    return {
      passes: (row) => holds(row.text(number) ?? ''),
      ...(op === '=' && value !== '' && { only: { column: number, text: value } }),
    }
  }
  if (op === '~') throw new NotA(`~ searches text, ${name} is ${kind}`)
  if (value === '') {
    if (op !== '=' && op !== '!=') throw new NotA(`${op} needs a value`)
    return { passes: (row) => (row.value(number) === undefined) === (op === '=') }
  }
  const wanted = valueOf(kind, name, value)
  const holds = compare(op)
  return {
    passes(row) {
      const found = row.value(number)
      return found === undefined ? op === '!=' : holds(found, wanted)
    },
  }
}

function isText(kind: ColumnKind): boolean {
  return kind === 'string' || kind === 'enum' || kind === 'jsonText' || kind === 'bytes'
}

function valueOf(kind: ColumnKind, name: string, value: string): number | bigint {
  const text = value.trim()
  if (kind === 'boolean') {
    if (text === 'true' || text === '1') return 1
    if (text === 'false' || text === '0') return 0
    throw new NotA(`${name} is true or false`)
  }
  if (kind === 'bigint') {
    if (/^-?\d{1,20}$/.test(text)) return BigInt(text)
    throw new NotA(`${name} is a whole number`)
  }
  if (kind === 'timestamp') {
    const ms = /^\d{1,15}$/.test(text) ? Number(text) : /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN
    if (!Number.isNaN(ms)) return ms
    throw new NotA(`${name} is a time: RFC 3339 or Unix ms`)
  }
  const number = Number(text)
  if (text !== '' && Number.isFinite(number)) return number
  throw new NotA(`${name} is a number`)
}

type Ordered = number | bigint | string

function compare(op: Exclude<Op, '~'>): (a: Ordered, b: Ordered) => boolean {
  switch (op) {
    case '=':
      return (a, b) => order(a, b) === 0
    case '!=':
      return (a, b) => order(a, b) !== 0
    case '>':
      return (a, b) => order(a, b) > 0
    case '<':
      return (a, b) => order(a, b) < 0
    case '>=':
      return (a, b) => order(a, b) >= 0
    case '<=':
      return (a, b) => order(a, b) <= 0
  }
}

/** Both numbers of some kind, or both text. */
function order(a: Ordered, b: Ordered): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function textTest(op: Op, value: string): (text: string) => boolean {
  if (op === '~') {
    const matches = compilePattern(value)
    return (text) => text !== '' && matches(text)
  }
  if (op === '=') return (text) => text === value
  if (op === '!=') return (text) => text !== value
  const holds = compare(op)
  return (text) => text !== '' && holds(text, value)
}

/** A number in the event compares as a number when the value is one; everything else as its text. */
function jsonFilter(column: number, keys: readonly string[], op: Op, value: string): Filter {
  const asText = textTest(op, value)
  const asNumber = value.trim() === '' ? Number.NaN : Number(value)
  const holds = op === '~' ? undefined : compare(op)
  return {
    passes(row) {
      const json = row.text(column)
      const found = json === undefined ? undefined : dig(json, keys)
      if (found === undefined || found === null) return asText('')
      if (holds !== undefined && (typeof found === 'number' || typeof found === 'bigint') && !Number.isNaN(asNumber))
        return holds(found, asNumber)
      return asText(typeof found === 'string' ? found : stringifyJson(found))
    },
  }
}

function dig(json: string, keys: readonly string[]): unknown {
  // A key that is nowhere in the text is in no object: most events are settled without parsing.
  if (!json.includes(JSON.stringify(keys[0]))) return undefined
  let value: unknown = parseJson(json)
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
