import { describe } from './issues.ts'
import { parseRfc3339, readTime } from './timestamp.ts'

/**
 * A time as PostHog's libraries write it: RFC 3339 or Unix ms, and beside those ISO 8601 without a zone, which that dialect defines as
 * UTC, with a zone without a colon, or of a whole day. Returns Unix ms, or a string that says what is wrong.
 */
export function readPosthogTime(value: unknown): number | string {
  if (typeof value !== 'string') return readTime(value)
  const time = parseRfc3339(value)
  if (!Number.isNaN(time)) return readTime(value)
  const completed = complete(value.trim())
  return completed === undefined ? `expected ISO 8601 or Unix ms, got ${describe(value)}` : readTime(completed)
}

const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::?(\d{2}(?:[.,]\d{1,9})?))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i

function complete(text: string): string | undefined {
  if (text.length > 64) return undefined
  const parts = iso.exec(text)
  if (parts === null) return undefined
  const [, day, minutes = '00:00', seconds = '00', zone = 'Z'] = parts
  return `${day}T${minutes}:${seconds.replace(',', '.')}${zoneOf(zone)}`
}

/** `+01`, `+0100` → `+01:00`. */
function zoneOf(zone: string): string {
  if (zone.toUpperCase() === 'Z') return 'Z'
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  return `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`
}

/**
 * When the request was sent, by the client's clock. `_` and `sent_at` of the URL are Unix ms; old libraries write seconds there, which
 * are too coarse to correct a clock by. What cannot be read means no correction.
 */
export function readSentAt(...candidates: readonly unknown[]): number | undefined {
  for (const value of candidates) {
    if (value === undefined || value === null || value === '') continue
    const time = readPosthogTime(typeof value === 'string' && /^\d{12,14}$/.test(value) ? Number(value) : value)
    if (typeof time === 'number') return time
  }
  return undefined
}
