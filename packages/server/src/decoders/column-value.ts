import type { Column, EventColumns, JsonObject } from '@millrace/protocol'
import { asId, expected, type Issue, isObject, pointerKey, setKey } from './issues.ts'
import { readTime } from './timestamp.ts'

const int64Min = -(2n ** 63n)
const int64Max = 2n ** 63n - 1n

/**
 * A JSON value into a typed column. Null is absent. No guessing between types, with these exceptions: numbers are taken
 * for ids (as decimal strings), decimal strings for 64-bit integers, and labels for strings. The column may hold the value already.
 */
export function setColumn(
  columns: EventColumns,
  column: Column,
  value: unknown,
  pointer: string,
  issues: Issue[],
): void {
  const read = value === null ? undefined : readColumn(column, value, pointer, issues)
  const values = columns as Record<string, unknown>
  if (values[column.name] !== read) values[column.name] = read
}

/** The memory value, or undefined after adding an issue (or when the value means absent). */
function readColumn(column: Column, value: unknown, pointer: string, issues: Issue[]): unknown {
  switch (column.kind) {
    case 'string':
    case 'enum': {
      if (typeof value === 'string') return value
      const id = isIdColumn(column.name) ? asId(value) : null
      return id === null ? refuse(issues, expected(pointer, 'string', value)) : id
    }
    case 'number':
      return readNumber(value, pointer, issues)
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse(issues, expected(pointer, 'boolean', value))
    case 'bigint':
      return readBigint(value, pointer, issues)
    case 'timestamp': {
      const time = readTime(value)
      return typeof time === 'number' ? time : refuse(issues, `${pointer}: ${time}`)
    }
    case 'json':
      if (!isObject(value)) return refuse(issues, expected(pointer, 'object', value))
      return column.name === 'labels' ? readLabels(value, pointer, issues) : { ...value }
    case 'jsonText':
      return value
    case 'bytes':
      return readBytes(value, pointer, issues)
    default:
      column.kind satisfies never
      return undefined
  }
}

/** Records the issue; the column stays absent. */
function refuse(issues: Issue[], issue: Issue): undefined {
  issues.push(issue)
  return undefined
}

function isIdColumn(name: string): boolean {
  return name === 'id' || name.endsWith('_id')
}

function readNumber(value: unknown, pointer: string, issues: Issue[]): number | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? value : refuse(issues, `${pointer}: number beyond the range of a double`)
  }
  if (typeof value !== 'bigint') return refuse(issues, expected(pointer, 'number', value))
  const double = Number(value)
  return BigInt(double) === value ? double : refuse(issues, `${pointer}: ${value} has no exact double`)
}

function readBigint(value: unknown, pointer: string, issues: Issue[]): bigint | undefined {
  const isInteger =
    typeof value === 'bigint' ||
    (typeof value === 'number' && Number.isSafeInteger(value)) ||
    (typeof value === 'string' && /^-?[0-9]{1,19}$/.test(value))
  if (!isInteger) return refuse(issues, expected(pointer, 'integer of 64 bits', value))
  const integer = BigInt(value)
  return integer >= int64Min && integer <= int64Max
    ? integer
    : refuse(issues, `${pointer}: integer beyond 64 bits, at most ${int64Max}`)
}

/** Labels are tags of strings; plain values become strings, nested ones are refused. */
function readLabels(value: JsonObject, pointer: string, issues: Issue[]): JsonObject {
  const labels: JsonObject = {}
  for (const [key, label] of Object.entries(value)) {
    if (typeof label === 'object' && label !== null) {
      issues.push(expected(`${pointer}/${pointerKey(key)}`, 'string', label))
    } else if (label !== null) setKey(labels, key, plainText(label))
  }
  return labels
}

function plainText(value: unknown): string {
  return typeof value === 'string' ? value : `${value as number | bigint | boolean}`
}

function readBytes(value: unknown, pointer: string, issues: Issue[]): Uint8Array | undefined {
  if (typeof value !== 'string') return refuse(issues, expected(pointer, 'base64 string', value))
  // Buffer skips what is not base64, so a wrong string would be stored as something else: compare lengths.
  const text = value.replace(/=+$/, '')
  const bytes = Buffer.from(text, 'base64')
  return Math.ceil((bytes.length * 4) / 3) === text.length && /^[A-Za-z0-9+/_-]*$/.test(text)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : refuse(issues, `${pointer}: expected base64 string, got string(${value.length}) that is not base64`)
}
