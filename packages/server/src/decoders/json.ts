import { isAscii, isUtf8 } from 'node:buffer'
import { PipelineError } from '../core/errors.ts'
import { findJsonFault, type JsonFault } from './json-error.ts'
import { markLongIntegers, takeMarks, toTextOffsets } from './exact-integers.ts'
import { jsonFlags, maxJsonDepth, scanJson } from './json-scan.ts'

/** A parsed body. */
export interface JsonBody {
  readonly value: unknown
  /** Some number of it is beyond the largest double and stands as an infinity: look for it (`findInfinite`). */
  readonly mayHaveInfinite: boolean
}

/** Why bytes are not read. */
export interface JsonFailure {
  /** Goes on from "the body …" or "the line …". */
  readonly problem: string
  readonly details: Readonly<Record<string, unknown>>
  /** Set when they are not JSON at all. */
  readonly fault?: JsonFault
}

/** Bytes that are not JSON; `fault` is for who wants to try something else (NDJSON). */
export class NotJsonError extends PipelineError {
  readonly fault: JsonFault

  constructor({ problem, details }: JsonFailure, fault: JsonFault) {
    super('malformed', `the body ${problem}`, { details })
    this.fault = fault
  }
}

/**
 * UTF-8 bytes → exact JSON value. A byte order mark is skipped. Of duplicate keys the last wins, `__proto__` is a key like
 * any other, both as in `JSON.parse`. Integers of up to 100 digits that a double cannot hold become bigint. A lone half of a
 * surrogate pair becomes U+FFFD, which is what it would be in any UTF-8 store. Escaped NULs stay.
 * Throws PipelineError('malformed') with the byte offset, and never with a piece of the text.
 */
export function parseJsonBytes(bytes: Uint8Array): JsonBody {
  const body = readJson(bytes, false)
  if (!('problem' in body)) return body
  if (body.fault !== undefined) throw new NotJsonError(body, body.fault)
  throw new PipelineError('malformed', `the body ${body.problem}`, { details: body.details })
}

/**
 * The same without throwing, which would cost more than all else about a bad line.
 * `isSuspect`: look for faults first. It costs a fifth more where there is none, and a tenth where there is one: who reads many
 * lines of which one was bad, asks for it.
 */
export function readJson(bytes: Uint8Array, isSuspect: boolean): JsonBody | JsonFailure {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const body = Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start)
  const ascii = isAscii(body)
  if (!ascii && !isUtf8(body)) return invalidUtf8(bytes)
  const longNumbers: number[] = []
  const flags = scanJson(body, longNumbers)
  if (flags < 0) return tooDeep(~flags + start)
  if (isSuspect) {
    const fault = findJsonFault(body)
    if (fault !== undefined) return notJson(fault, start)
  }
  const decoded = body.toString(ascii ? 'latin1' : 'utf8')
  const text = (flags & jsonFlags.surrogateEscape) === 0 ? decoded : replaceLoneSurrogates(decoded)
  try {
    const marked =
      longNumbers.length === 0 ? text : markLongIntegers(text, ascii ? longNumbers : toTextOffsets(body, longNumbers))
    // Times in microseconds are long numbers that a double holds: then there is nothing to be found.
    const value: unknown = marked === text ? JSON.parse(text) : takeMarks(JSON.parse(marked))
    return { value, mayHaveInfinite: (flags & jsonFlags.hugeNumber) !== 0 }
  } catch {
    // The engine's error is not kept as the cause: its message quotes the text.
    return notJson(findJsonFault(body) ?? { offset: body.length, what: 'unexpected end', afterValue: false }, start)
  }
}

/** In JSON text, where every backslash is within a string: each `\udXXX` without its other half becomes `\ufffd`, which is as long. */
function replaceLoneSurrogates(text: string): string {
  let result = ''
  let copied = 0
  let at = text.indexOf('\\')
  while (at !== -1) {
    const half = surrogateAt(text, at)
    if (half === 0) {
      at = text.indexOf('\\', at + 2)
      continue
    }
    if (half === 1 && surrogateAt(text, at + 6) === 2) {
      at = text.indexOf('\\', at + 12)
      continue
    }
    result += `${text.slice(copied, at)}\\ufffd`
    copied = at + 6
    at = text.indexOf('\\', copied)
  }
  return result + text.slice(copied)
}

/** Which half of a pair the escape at `at` is: 1 the first, 2 the second, 0 neither. */
function surrogateAt(text: string, at: number): 0 | 1 | 2 {
  if (text.charCodeAt(at) !== 0x5c || text.charCodeAt(at + 1) !== 0x75) return 0
  const unit = Number.parseInt(text.slice(at + 2, at + 6), 16)
  if (!(unit >= 0xd800 && unit <= 0xdfff)) return 0
  return unit < 0xdc00 ? 1 : 2
}

function notJson({ what, offset, afterValue }: JsonFault, start: number): JsonFailure {
  const fault: JsonFault = { what, offset: offset + start, afterValue }
  return { problem: `is not JSON: ${what} at byte ${fault.offset}`, details: { offset: fault.offset, what }, fault }
}

function tooDeep(offset: number): JsonFailure {
  return {
    problem: `is nested deeper than ${maxJsonDepth} levels at byte ${offset}; flatten it`,
    details: { offset, limit: maxJsonDepth },
  }
}

function invalidUtf8(bytes: Uint8Array): JsonFailure {
  const offset = validUtf8Length(bytes)
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  const hint = isUtf16 ? ' (it looks like UTF-16)' : ''
  return { problem: `is not UTF-8: invalid byte at ${offset}${hint}; send JSON as UTF-8`, details: { offset } }
}

/**
 * Length of the longest valid beginning. A character is
 *   00-7F | C2-DF c | E0 A0-BF c | E1-EC c c | ED 80-9F c | EE-EF c c | F0 90-BF c c | F1-F3 c c c | F4 80-8F c c,  c = 80-BF
 */
export function validUtf8Length(bytes: Uint8Array): number {
  let at = 0
  while (at < bytes.length) {
    const first = bytes[at] as number
    if (first < 0x80) {
      at++
      continue
    }
    const more =
      first >= 0xc2 && first <= 0xdf ? 1 : (first & 0xf0) === 0xe0 ? 2 : first >= 0xf0 && first <= 0xf4 ? 3 : 0
    if (more === 0) return at
    const second = bytes[at + 1] ?? 0
    const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
    const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
    if (second < least || second > most) return at
    for (let index = 2; index <= more; index++) if (((bytes[at + index] ?? 0) & 0xc0) !== 0x80) return at
    at += more + 1
  }
  return at
}
