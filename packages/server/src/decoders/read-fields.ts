import { asId, expected, type Issue, isObject, setKey } from './issues.ts'
import { readTime } from './timestamp.ts'

/**
 * Fields of an event that have a column. Each is undefined when the field is absent (null and '' are), and when it is of another
 * type, which is an issue then. `at`: the pointer of the object that holds the field, '' or ending in `/`.
 */
type Json = Readonly<Record<string, unknown>>

export function readText(from: Json, key: string, at: string, issues: Issue[]): string | undefined {
  const value = from[key]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string') return value
  issues.push(expected(`/${at}${key}`, 'string', value))
  return undefined
}

/** A string, or a number as its decimal string. */
export function readId(from: Json, key: string, at: string, issues: Issue[]): string | undefined {
  const id = asId(from[key])
  if (id !== null) return id
  issues.push(expected(`/${at}${key}`, 'string', from[key]))
  return undefined
}

export function readNumber(from: Json, key: string, at: string, issues: Issue[]): number | undefined {
  const value = from[key]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number') return value
  issues.push(expected(`/${at}${key}`, 'number', value))
  return undefined
}

/** RFC 3339 or Unix ms; in programs also a Date. */
export function readTimeField(from: Json, key: string, at: string, issues: Issue[]): number | undefined {
  const value = from[key]
  if (value === undefined || value === null || value === '') return undefined
  const time = readTime(value instanceof Date ? value.getTime() : value)
  if (typeof time === 'number') return time
  issues.push(`/${at}${key}: ${time}`)
  return undefined
}

export function readObject(
  from: Json,
  key: string,
  at: string,
  issues: Issue[],
): Readonly<Record<string, unknown>> | undefined {
  const value = from[key]
  if (value === undefined || value === null) return undefined
  if (isObject(value)) return value
  issues.push(expected(`/${at}${key}`, 'object', value))
  return undefined
}

/** The first of these names that the object has a value for, else the first: sources spell one field in several ways. */
export function spelling(from: Json, ...names: readonly [string, ...string[]]): string {
  for (const name of names) if (from[name] !== undefined && from[name] !== null) return name
  return names[0]
}

/** What has no place of its own, to be kept in a JSON column; undefined when nothing is left. */
export function othersOf(from: Json, placed: ReadonlySet<string>): Record<string, unknown> | undefined {
  let others: Record<string, unknown> | undefined
  for (const key in from) {
    const value = from[key]
    if (placed.has(key) || value === undefined || value === null) continue
    others ??= {}
    setKey(others, key, value)
  }
  return others
}
