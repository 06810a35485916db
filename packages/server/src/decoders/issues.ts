import { idText } from '@millrace/protocol'

/**
 * What a decoder could not map, as `<JSON pointer>: <what is wrong>`. The pointer is relative to the event and names the
 * dialect's own fields. MUST hold numbers, times, enums, lengths and types only, never strings of the event; names of a
 * pointer are those of the dialect, and a client's own key appears as its length.
 */
export type Issue = string

/** `string(7)`, `array(3)`, `number`, `null` …: a value without its content. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'string') return `string(${value.length})`
  if (Array.isArray(value)) return `array(${value.length})`
  if (typeof value === 'bigint') return `integer of ${value.toString().replace('-', '').length} digits`
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return 'number beyond 2^53'
  return typeof value
}

export function expected(pointer: string, what: string, value: unknown): Issue {
  return `${pointer}: expected ${what}, got ${describe(value)}`
}

/** An id of a fixed length: trace ids have 16 bytes, span ids 8. */
export function expectedIdBytes(pointer: string, length: number, actual: number): Issue {
  return `${pointer}: expected ${length} bytes, got ${actual}`
}

/** A plain object of JSON, not an array, null, or bytes. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

/** A property of JSON data: `__proto__` and the like are keys as any other, never what the prototype has. */
export function setKey(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else target[key] = value
}

/**
 * An identifier: numbers become decimal strings. Undefined when it is absent (null and '' are), null when it is neither, and for a
 * number that may stand for several (beyond 64 bits, or a double beyond 2^53).
 */
export function asId(value: unknown): string | undefined | null {
  if (value === undefined || value === null || value === '') return undefined
  return idText(value) ?? null
}

/** JSON can write numbers that no double holds; `JSON.parse` makes them infinite, which no column can store. */
export function noteInfinite(event: unknown, issues: Issue[]): void {
  const pointer = findInfinite(event)
  if (pointer === undefined || issues.some((issue) => issue.startsWith(`${pointer}:`))) return
  issues.push(`${pointer}: number beyond the range of a double`)
}

/** The pointer of the first number beyond the largest double, made on the way back. JSON's depth limit bounds the recursion. */
function findInfinite(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : ''
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const found = findInfinite(value[index])
      if (found !== undefined) return `/${index}${found}`
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const key in value) {
      const found = findInfinite((value as Record<string, unknown>)[key])
      if (found !== undefined) return `/${pointerKey(key)}${found}`
    }
  }
  return undefined
}

/** A key as it may be shown: plain names as they are, all else (it may be an address or a name) by its length. */
export function pointerKey(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(key) ? key : `<key ${key.length}>`
}
