import { createHmac } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'

/*
 * The id of an event, whatever its dialect: the dialect's own, with a prefix where that is unique only inside the dialect; else,
 * when the event has its own time, one derived from its content; else a new ULID (at least once, then). The gate applies the rule.
 */

/** Longest id, in UTF-16 code units, prefix included. */
export const maxIdLength = 256

const int64Min = -(2n ** 63n)
const uint64Max = 2n ** 64n - 1n

/**
 * An id as text: strings as they are, numbers as decimals; undefined for anything else, and for numbers that may stand for several:
 * a double beyond 2^53 is what its neighbours became, too. Two events under one id would be one event.
 */
export function idText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'bigint') return value >= int64Min && value <= uint64Max ? value.toString() : undefined
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : String(value)
}

/** Whether an id holds what stands for characters lost on the way (U+FFFD, or half of a surrogate pair): another id may have become the same. */
export function hasLostCharacters(id: string): boolean {
  return id.includes('\ufffd') || !id.isWellFormed()
}

/** Web vitals report new values under one id: each value is an event of its own. */
export function vitalId(id: string, value: number): string {
  return `vital_${id}_${value}`
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
