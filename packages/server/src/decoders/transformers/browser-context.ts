import type { EventColumns } from '@millrace/protocol'
import { asId, expected, isObject, type Issue } from '../issues.ts'
import { readTime } from '../timestamp.ts'

type Json = Record<string, unknown>

/**
 * Who, where and when, beside the signals of a browser. The same names hold in a signal itself, around a list of them, and in the
 * query of the URL; the nearest counts.
 */
export interface BrowserContext {
  readonly ns?: string | undefined
  readonly sessionId?: string | undefined
  readonly pageUrl?: string | undefined
  readonly userId?: string | undefined
  readonly anonymousId?: string | undefined
  readonly userAgent?: string | undefined
  /** Unix ms. */
  readonly timestamp?: number | undefined
}

const texts = ['ns', 'sessionId', 'pageUrl', 'userId', 'anonymousId', 'userAgent'] as const
/** Numbers are taken for ids, and for nothing else. */
const ids: ReadonlySet<string> = new Set(['sessionId', 'userId', 'anonymousId'])
/** Fields of which `readBrowserContext` takes care. */
export const contextFields: readonly string[] = [...texts, 'timestamp']

/** The context's fields of an object, each over that of `around`. What has a wrong type is an issue and stays out. */
export function readBrowserContext(fields: unknown, around: BrowserContext, issues: Issue[]): BrowserContext {
  if (!isObject(fields)) return around
  // Most signals say nothing of it themselves: then what is around them serves as it is.
  if (!contextFields.some((name) => fields[name] !== undefined)) return around
  const read: { -readonly [Name in keyof BrowserContext]: BrowserContext[Name] } = { ...around }
  for (const name of texts) {
    const value = fields[name]
    if (value === undefined) continue
    const text = ids.has(name) || typeof value !== 'number' ? asId(value) : null
    if (text === null) issues.push(expected(`/${name}`, 'string', value))
    else if (text !== undefined) read[name] = text
  }
  const time = readOptionalTime(fields, 'timestamp', issues)
  if (time !== undefined) read.timestamp = time
  return read
}

/** Unix ms; the digits of one are taken too, since a query has only text. */
export function readOptionalTime(fields: Json, name: string, issues: Issue[]): number | undefined {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return undefined
  const time = readTime(typeof value === 'string' && /^\d{11,14}$/.test(value) ? Number(value) : value)
  if (typeof time === 'number') return time
  issues.push(`/${name}: ${time}`)
  return undefined
}

/** The columns that all signals of a browser share. */
export function setContext(columns: EventColumns, context: BrowserContext): void {
  if (context.ns !== undefined) columns.ns = context.ns
  if (context.sessionId !== undefined) columns.session_id = context.sessionId
  if (context.userId !== undefined) columns.actor_id = context.userId
  if (context.anonymousId !== undefined) columns.anonymous_id = context.anonymousId
  if (context.userAgent !== undefined) columns.http_user_agent = context.userAgent
  if (context.timestamp !== undefined) columns.timestamp = context.timestamp
}

/** A number that cannot be below 0; undefined when it is absent, or wrong and noted. */
export function readAmount(fields: Json, name: string, issues: Issue[]): number | undefined {
  const amount = readFinite(fields, name, issues)
  if (amount === undefined || amount >= 0) return amount
  issues.push(`/${name}: ${amount} is below 0`)
  return undefined
}

/** A number; null is what JSON makes of NaN, and is absent. */
export function readFinite(fields: Json, name: string, issues: Issue[]): number | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isFinite(value)) return value
  issues.push(
    typeof value === 'number' ? `/${name}: ${value} is no finite number` : expected(`/${name}`, 'number', value),
  )
  return undefined
}

/** A text; '' and null are absent. */
export function readText(fields: Json, name: string, issues: Issue[]): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string') return value
  issues.push(expected(`/${name}`, 'string', value))
  return undefined
}
