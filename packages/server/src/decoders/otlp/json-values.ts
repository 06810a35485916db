import { describe, expected, expectedIdBytes, type Issue, isObject, setKey } from '../issues.ts'
import { maxValueDepth, type Attributes } from './model.ts'
import { badId, exact, plainDouble } from './wire-values.ts'

/*
 * OTLP's JSON mapping: lowerCamelCase keys (snake_case is taken too), ids in hex (base64, which plain protobuf JSON has, is told by
 * its length), 64-bit integers as decimal strings or numbers, enums as numbers or names, null as absent.
 */

/** The values of a list of KeyValue in plain form; undefined when there is none. Of equal keys the last counts. */
export function jsonAttributes(list: unknown, pointer: string, issues: Issue[], depth = 0): Attributes | undefined {
  if (list === undefined || list === null) return undefined
  if (!Array.isArray(list)) {
    issues.push(expected(pointer, 'array', list))
    return undefined
  }
  let attributes: Attributes | undefined
  for (let index = 0; index < list.length; index++) {
    const pair: unknown = list[index]
    const key = isObject(pair) ? (pair['key'] ?? '') : undefined
    if (typeof key !== 'string') {
      issues.push(expected(`${pointer}/${index}`, 'a key and a value', pair))
      continue
    }
    const value = jsonValue((pair as Attributes)['value'], pointer, index, issues, depth)
    setKey((attributes ??= {}), key, value)
  }
  return attributes
}

/** One AnyValue in plain form. The pointer is made only when it is needed. */
export function jsonValue(
  value: unknown,
  pointer: string,
  index: number | undefined,
  issues: Issue[],
  depth: number,
): unknown {
  if (value === undefined || value === null) return null
  // By far the most.
  const text = (value as { readonly stringValue?: unknown }).stringValue
  if (typeof text === 'string') return text
  const at = () => (index === undefined ? pointer : `${pointer}/${index}/value`)
  if (!isObject(value)) {
    issues.push(expected(at(), 'an object such as {"stringValue":…}', value))
    return null
  }
  if (depth > maxValueDepth) {
    issues.push(`${pointer}: values nested deeper than ${maxValueDepth} levels`)
    return null
  }
  for (const key in value) {
    const held = value[key]
    if (held === null || held === undefined) continue
    switch (key) {
      case 'stringValue':
      case 'string_value':
      case 'bytesValue':
      case 'bytes_value':
        if (typeof held === 'string') return held
        issues.push(expected(`${at()}/${key}`, 'string', held))
        return null
      case 'boolValue':
      case 'bool_value':
        if (typeof held === 'boolean') return held
        issues.push(expected(`${at()}/${key}`, 'true or false', held))
        return null
      case 'intValue':
      case 'int_value': {
        const integer = int64Of(held)
        if (integer === undefined) issues.push(expected(`${at()}/${key}`, 'an integer of 64 bits', held))
        return integer ?? null
      }
      case 'doubleValue':
      case 'double_value': {
        const number = doubleOf(held)
        if (number === undefined) issues.push(expected(`${at()}/${key}`, 'a number', held))
        return number === undefined ? null : plainDouble(number)
      }
      case 'arrayValue':
      case 'array_value': {
        const items = isObject(held) ? (held['values'] ?? []) : undefined
        if (Array.isArray(items)) return items.map((item) => jsonValue(item, at(), undefined, issues, depth + 1))
        issues.push(expected(`${at()}/${key}`, '{"values":[…]}', held))
        return null
      }
      case 'kvlistValue':
      case 'kvlist_value':
        if (isObject(held)) return jsonAttributes(held['values'], `${at()}/${key}/values`, issues, depth + 1) ?? {}
        issues.push(expected(`${at()}/${key}`, '{"values":[…]}', held))
        return null
    }
  }
  return null
}

/** A signed integer of 64 bits: a number where one is exact. Undefined when it is none. */
export function int64Of(value: unknown): number | bigint | undefined {
  if (Number.isSafeInteger(value)) return value as number
  const integer = integerOf(value)
  return integer === undefined || BigInt.asIntN(64, integer) !== integer ? undefined : exact(integer)
}

/** An unsigned one. */
export function uint64Of(value: unknown): number | bigint | undefined {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  const integer = integerOf(value)
  return integer === undefined || BigInt.asUintN(64, integer) !== integer ? undefined : exact(integer)
}

function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined
}

/** Numbers, numeric strings, and the three that JSON has no number for. */
export function doubleOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'string') return undefined
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
  return /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value) ? Number(value) : undefined
}

/** Unix ns; 0n when it is absent or, with an issue, no such number. */
export function jsonTime(value: unknown, pointer: string, issues: Issue[]): bigint {
  if (value === undefined || value === null || value === '') return 0n
  const integer = integerOf(value)
  if (integer !== undefined && integer >= 0n) return integer
  issues.push(expected(pointer, 'Unix ns as a decimal string', value))
  return 0n
}

export function jsonText(value: unknown, pointer: string, issues: Issue[]): string {
  if (typeof value === 'string') return value
  if (value !== undefined && value !== null) issues.push(expected(pointer, 'string', value))
  return ''
}

/** Counters and flags of 32 bits; 0 when absent. */
export function jsonUint32(value: unknown, pointer: string, issues: Issue[]): number {
  if (value === undefined || value === null) return 0
  const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 0xffffffff) return number
  issues.push(expected(pointer, 'an integer of 32 bits', value))
  return 0
}

/** An enum's number or one of its names, with or without its prefix. */
export function jsonEnum(
  value: unknown,
  names: readonly string[],
  prefix: string,
  pointer: string,
  issues: Issue[],
): number {
  if (value === undefined || value === null) return 0
  if (typeof value === 'number' && Number.isInteger(value)) return value
  if (typeof value === 'string') {
    const upper = value.toUpperCase()
    const index = names.indexOf(upper.startsWith(prefix) ? upper.slice(prefix.length) : upper)
    if (index >= 0) return index
    if (/^\d{1,9}$/.test(value)) return Number(value)
  }
  issues.push(`${pointer}: expected 0 to ${names.length - 1} or ${prefix}…, got ${describe(value)}`)
  return 0
}

/** An id of so many bytes in lower-case hex; '' when absent, `badId` with an issue when it is none. */
export function jsonId(value: unknown, length: 8 | 16, pointer: string, issues: Issue[]): string {
  if (value === undefined || value === null || value === '') return ''
  if (typeof value !== 'string') {
    issues.push(expected(pointer, `${length} bytes in hex`, value))
    return badId
  }
  const id = hexOf(value, length)
  if (id !== undefined) return id
  issues.push(
    /^(?:[0-9a-f]{2})*$/i.test(value)
      ? expectedIdBytes(pointer, length, value.length / 2)
      : expected(pointer, `${length} bytes in hex`, value),
  )
  return badId
}

/** Of a link or exemplar: in hex when it can be told, else as it came. */
export function jsonAnyId(value: unknown, length: 8 | 16, pointer: string, issues: Issue[]): string {
  const text = jsonText(value, pointer, issues)
  return hexOf(text, length) ?? text
}

const hex16 = /^[0-9a-f]{16}$/
const hex32 = /^[0-9a-f]{32}$/

function hexOf(text: string, length: 8 | 16): string | undefined {
  if (text.length === length * 2) {
    const id = text.toLowerCase()
    return (length === 8 ? hex16 : hex32).test(id) ? id : undefined
  }
  // Base64 of 8 bytes has 11 digits, of 16 bytes 22, and padding: never as long as hex.
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined
  const digits = text.indexOf('=') < 0 ? text.length : text.indexOf('=')
  if (digits !== (length === 8 ? 11 : 22)) return undefined
  return Buffer.from(text, 'base64').toString('hex')
}
