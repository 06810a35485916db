import { describe } from './issues.ts'

/** What a store can hold: 1900-01-01T00:00:00Z up to the end of 2299. */
const earliest = -2_208_988_800_000
const latest = 10_413_791_999_999

/**
 * A time of an event: RFC 3339 with a zone, or Unix milliseconds as a number. Returns Unix ms (a fraction is cut), or a
 * string that says what is wrong. Numbers that can only be seconds, or micro- or nanoseconds, are refused, not guessed.
 */
export function readTime(value: unknown): number | string {
  if (typeof value === 'string') {
    const time = parseRfc3339(value)
    if (Number.isNaN(time)) return `expected RFC 3339 or Unix ms, got ${describe(value)}`
    return time >= earliest && time <= latest ? time : `${time} is outside of 1900 to 2299`
  }
  const time = typeof value === 'bigint' ? Number(value) : value
  if (typeof time !== 'number') return `expected RFC 3339 or Unix ms, got ${describe(value)}`
  // As ms 10^8 to 10^10 is early 1970, as seconds 1973 to 2286: nobody means the former.
  if (time >= 1e8 && time < 1e10) return `${time} is no Unix ms but looks like seconds; send Unix ms or RFC 3339`
  if (time >= earliest && time <= latest) return Math.trunc(time)
  return time > 1e14
    ? `${time} is no Unix ms but looks like micro- or nanoseconds; send Unix ms or RFC 3339`
    : `${time} is outside of 1900 to 2299`
}

const zero = 0x30

/**
 * RFC 3339 `date-time`, exactly: `2026-01-31T23:59:59.123456789+01:00`, with `t`, `z` and a space for the T allowed as there,
 * and second 60 counted into the next minute. NaN for all else, where `Date.parse` would guess (local time, month names …).
 * By hand since this runs for every JSON event: a third of Date.parse's time.
 */
export function parseRfc3339(text: string): number {
  const length = text.length
  if (length < 20 || length > 64) return Number.NaN
  const year = two(text, 0) * 100 + two(text, 2)
  const month = two(text, 5)
  const day = two(text, 8)
  const hour = two(text, 11)
  const minute = two(text, 14)
  const second = two(text, 17)
  const separator = text.charCodeAt(10)
  if (
    text.charCodeAt(4) !== 0x2d ||
    text.charCodeAt(7) !== 0x2d ||
    ((separator | 0x20) !== 0x74 && separator !== 0x20) ||
    text.charCodeAt(13) !== 0x3a ||
    text.charCodeAt(16) !== 0x3a ||
    !(month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month) && hour < 24 && minute < 60 && second <= 60)
  ) {
    return Number.NaN
  }
  let at = 19
  let fraction = 0
  if (text.charCodeAt(at) === 0x2e) {
    const start = ++at
    let scale = 100
    for (let digit = digitAt(text, at); digit >= 0; digit = digitAt(text, ++at)) {
      if (scale >= 1) fraction += digit * scale
      scale /= 10
    }
    if (at === start) return Number.NaN
  }
  let offset = 0
  const zone = text.charCodeAt(at)
  if ((zone | 0x20) === 0x7a) at++
  else {
    if (zone !== 0x2b && zone !== 0x2d) return Number.NaN
    const hours = two(text, at + 1)
    const minutes = two(text, at + 4)
    if (text.charCodeAt(at + 3) !== 0x3a || !(hours < 24 && minutes < 60)) return Number.NaN
    offset = (zone === 0x2b ? 1 : -1) * (hours * 60 + minutes)
    at += 6
  }
  if (at !== length) return Number.NaN
  return (daysSinceEpoch(year, month, day) * 1440 + hour * 60 + minute - offset) * 60_000 + second * 1000 + fraction
}

/** Two digits as a number, NaN when they are none (every comparison with NaN is false). */
function two(text: string, at: number): number {
  const tens = digitAt(text, at)
  const ones = digitAt(text, at + 1)
  return tens < 0 || ones < 0 ? Number.NaN : tens * 10 + ones
}

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - zero
  return digit >= 0 && digit <= 9 ? digit : -1
}

function daysOf(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar; March is the year's first month here, so that leap days end it. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
