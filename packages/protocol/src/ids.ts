import { createHmac } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'

/** Longest id, in UTF-16 code units, prefix included. */
export const maxIdLength = 256

/** Where an id came from: from the dialect; derived from content, the same for every retry; or made, new at every retry. */
export type IdOrigin = 'dialect' | 'derived' | 'made'

export type IdResult =
  | { readonly id: string; readonly origin: IdOrigin }
  /** `<what is wrong>`, without the value; the caller puts the pointer of its dialect's field before it. */
  | { readonly issue: string }

export interface IdQuestion {
  /** What the dialect has as id, as it was parsed; undefined, null and '' are missing. */
  readonly dialectId: unknown
  /** Put before an id that is unique only inside its dialect, e.g. `span_`. */
  readonly prefix?: string
  /** Whether the event carries its own time: only then is its content enough to know it again. */
  readonly hasOwnTime: boolean
  /** The event's content. */
  readonly event: unknown
}

export interface IdMakers {
  /** Of `createIdDeriver`, one per body. */
  readonly derive: (event: unknown) => string
  /** Of `createUlid`. */
  readonly make: () => string
}

/** The rule for every dialect: its own id, else one derived from content and time, else a new ULID (at least once, then). */
export function idFor(question: IdQuestion, makers: IdMakers): IdResult {
  const { dialectId, prefix = '', hasOwnTime, event } = question
  if (dialectId === undefined || dialectId === null || dialectId === '') {
    return hasOwnTime ? { id: makers.derive(event), origin: 'derived' } : { id: makers.make(), origin: 'made' }
  }
  const text = idText(dialectId)
  if (text === undefined) return { issue: `${describe(dialectId)}, expected a string` }
  const id = prefix + text
  if (id.length > maxIdLength) return { issue: `${id.length} characters, at most ${maxIdLength}` }
  return { id, origin: 'dialect' }
}

/** An id as text: strings as they are (lone surrogates as U+FFFD), numbers as decimals; undefined for anything else. */
export function idText(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? value : value.toWellFormed()
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  // String(1e21) is no decimal.
  return Number.isInteger(value) ? BigInt(value).toString() : String(value)
}

/** Web vitals report new values under one id: each value is an event of its own. */
export function vitalId(id: string, value: number): string {
  return `${id}:${value}`
}

/**
 * HMAC-SHA-256 over the canonical event and its occurrence number, 144 bits of it. `projectKey` keeps ids of one project from
 * being computed or matched by another.
 */
export function deriveId(projectKey: string | Uint8Array, event: unknown, occurrence: number): string {
  return hmacId(projectKey, canonicalJson(event), occurrence)
}

function hmacId(projectKey: string | Uint8Array, canonicalEvent: string, occurrence: number): string {
  const digest = createHmac('sha256', projectKey).update(canonicalEvent).update(`\n${occurrence}`).digest()
  return `derived_${digest.toString('base64url', 0, 18)}`
}

/** `deriveId` for the events of one body: equal ones get rising occurrence numbers, so a retried body gives the same ids. */
export function createIdDeriver(projectKey: string | Uint8Array): (event: unknown) => string {
  const seen = new Map<string, number>()
  return (event) => {
    const canonicalEvent = canonicalJson(event)
    const first = hmacId(projectKey, canonicalEvent, 0)
    const occurrence = seen.get(first) ?? 0
    seen.set(first, occurrence + 1)
    return occurrence === 0 ? first : hmacId(projectKey, canonicalEvent, occurrence)
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
