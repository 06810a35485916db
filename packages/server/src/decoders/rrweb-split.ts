import { isUtf8 } from 'node:buffer'
import { PipelineError } from '../core/errors.ts'
import { findJsonFault } from './json-error.ts'
import { type JsonBody, NotJsonError, parseJsonBytes } from './json.ts'
import { maxEventsPerBody } from './limits.ts'
import { isObject } from './issues.ts'
import { tooManyEvents } from './ndjson.ts'

/**
 * A recording's body cut into its events without parsing it: an event is kept as its text, so only its head is asked for, and a body of
 * 5 MB parsed at once would hold the event loop for 50 to 100 ms.
 *
 *   body  = [event, …] | {…, "events": [event, …], …} | event
 */
export interface ReplayParts {
  /** The whole. */
  readonly bytes: Uint8Array
  /** The object around the events without them; empty for an array and for one event. */
  readonly around: Readonly<Record<string, unknown>>
  /** Some number around is beyond the largest double. */
  readonly mayHaveInfinite: boolean
  /** Texts of the events; undefined when the object has no list of them. Whether they are JSON is for who parses them. */
  readonly events: readonly Uint8Array[] | undefined
  /** The object is an event itself. */
  readonly isOne: boolean
}

/** Deeper than any document that a browser builds (512 elements, two levels each), and a bound for whoever parses it later. */
export const maxReplayDepth = 2000
/** A slice of scanning takes about half a millisecond. */
const sliceBytes = 256 * 1024

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openArray = 0x5b
const closeArray = 0x5d
const openObject = 0x7b
const closeObject = 0x7d

/** Throws PipelineError('malformed' | 'too_large'). What is around the events is checked here to the byte. */
export function* splitReplay(body: Uint8Array): Generator<undefined, ReplayParts> {
  // Not a Buffer: its pieces become columns.
  const bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  if (!isUtf8(bytes)) parseJsonBytes(bytes) // throws, and says where
  const scan: Scan = { bytes, at: 0, depth: 0, isInside: false }
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) scan.at = 3
  skipSpace(scan)
  if (bytes[scan.at] === openArray) {
    const events = yield* splitArray(scan)
    skipSpace(scan)
    if (scan.at !== bytes.length) throw notReplayJson(bytes)
    return { bytes, around: {}, mayHaveInfinite: false, events, isOne: false }
  }
  if (bytes[scan.at] !== openObject) throw notReplayJson(bytes)
  return yield* splitObject(scan)
}

/** Members of the outer object are skipped over but `events`; the text without it is then parsed. The last of several counts. */
function* splitObject(scan: Scan): Generator<undefined, ReplayParts> {
  const { bytes } = scan
  const kept: Uint8Array[] = []
  let from = scan.at
  let events: Uint8Array[] | undefined
  let hasType = false
  scan.at++
  skipSpace(scan)
  while (scan.at < bytes.length && bytes[scan.at] !== closeObject) {
    const keyAt = scan.at
    if (bytes[keyAt] !== quote) throw notReplayJson(bytes)
    yield* skipValue(scan)
    const key = keyOf(bytes.subarray(keyAt, scan.at))
    const isEvents = key === 'events'
    hasType ||= key === 'type'
    skipSpace(scan)
    if (bytes[scan.at] !== colon) throw notReplayJson(bytes)
    scan.at++
    skipSpace(scan)
    if (isEvents && bytes[scan.at] === openArray) {
      kept.push(bytes.subarray(from, scan.at + 1))
      events = yield* splitArray(scan)
      from = scan.at - 1
    } else {
      yield* skipValue(scan)
      if (isEvents) events = undefined
    }
    skipSpace(scan)
    if (bytes[scan.at] === comma) {
      scan.at++
      skipSpace(scan)
    }
  }
  if (events === undefined && hasType) {
    return { bytes, around: {}, mayHaveInfinite: false, events: [], isOne: true }
  }
  kept.push(bytes.subarray(from))
  const { value, mayHaveInfinite } = parseAround(kept, bytes)
  if (!isObject(value)) throw notReplayJson(bytes)
  return { bytes, around: value, mayHaveInfinite, events, isOne: false }
}

function parseAround(kept: readonly Uint8Array[], bytes: Uint8Array): JsonBody {
  try {
    return parseJsonBytes(Buffer.concat(kept))
  } catch (error) {
    // Its offset is one of the text without the events.
    throw error instanceof NotJsonError ? notReplayJson(bytes) : error
  }
}

/** From its bracket on; `scan` then stands behind the closing one. */
function* splitArray(scan: Scan): Generator<undefined, Uint8Array[]> {
  const { bytes } = scan
  const parts: Uint8Array[] = []
  let yieldAt = scan.at + sliceBytes
  scan.at++
  skipSpace(scan)
  if (bytes[scan.at] === closeArray) {
    scan.at++
    return parts
  }
  for (;;) {
    const from = scan.at
    yield* skipValue(scan)
    if (scan.at === from) throw notReplayJson(bytes)
    if (parts.length === maxEventsPerBody) throw tooManyEvents(maxEventsPerBody)
    parts.push(bytes.subarray(from, scan.at))
    skipSpace(scan)
    const next = bytes[scan.at]
    scan.at++
    if (next === closeArray) return parts
    if (next !== comma) throw notReplayJson(bytes)
    skipSpace(scan)
    if (scan.at > yieldAt) {
      yield
      yieldAt = scan.at + sliceBytes
    }
  }
}

interface Scan {
  readonly bytes: Uint8Array
  at: number
  depth: number
  isInside: boolean
}

/** Over one value, whatever is within it. */
function* skipValue(scan: Scan): Generator<undefined, void> {
  const first = scan.bytes[scan.at]
  if (first !== openObject && first !== openArray && first !== quote) {
    skipWord(scan)
    return
  }
  scan.depth = 0
  scan.isInside = false
  while (!skipPiece(scan, scan.at + sliceBytes)) {
    if (scan.at >= scan.bytes.length) throw notReplayJson(scan.bytes)
    yield
  }
}

/** True when the value is over. A loop of its own, which the engine makes fast; `skipValue` only lets others in between. */
function skipPiece(scan: Scan, until: number): boolean {
  const { bytes } = scan
  const end = Math.min(until, bytes.length)
  let { at, depth, isInside } = scan
  let isOver = false
  let longFrom = at + longText
  while (at < end) {
    const byte = bytes[at] as number
    at++
    if (isInside) {
      // Most letters are beyond both: one comparison for them.
      if (byte > backslash) continue
      if (byte === backslash) at++
      else if (byte === quote) {
        isInside = false
        if (depth === 0) {
          isOver = true
          break
        }
      } else if (at > longFrom) {
        at = nextQuote(bytes, at)
        longFrom = at + longText
      }
    } else if (byte === quote) {
      isInside = true
      longFrom = at + longText
    } else if (byte === openObject || byte === openArray) {
      depth++
      if (depth > maxReplayDepth) throw tooDeep(at - 1)
    } else if (byte === closeObject || byte === closeArray) {
      depth--
      if (depth === 0) {
        isOver = true
        break
      }
    }
  }
  scan.at = at
  scan.depth = depth
  scan.isInside = isInside
  return isOver
}

/** Style sheets and images within a page are texts of many kilobytes: from here on the engine looks for the end. */
const longText = 64

/** The next quote of a text, or, where that is escaped, what follows it; `at` is not within an escape. */
function nextQuote(bytes: Uint8Array, at: number): number {
  const found = bytes.indexOf(quote, at)
  if (found < 0) return bytes.length
  let escapes = 0
  while (found - escapes > at && bytes[found - escapes - 1] === backslash) escapes++
  return escapes % 2 === 0 ? found : found + 1
}

/** A number, true, false, null, or what is none of them: up to what ends it. */
function skipWord(scan: Scan): void {
  const { bytes } = scan
  while (scan.at < bytes.length) {
    const byte = bytes[scan.at] as number
    if (byte === comma || byte === closeArray || byte === closeObject || isSpace(byte)) return
    scan.at++
  }
}

function skipSpace(scan: Scan): void {
  while (isSpace(scan.bytes[scan.at])) scan.at++
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** A key may be written with escapes. Undefined for one that is none of ours. */
function keyOf(text: Uint8Array): unknown {
  if (text.length > 64) return undefined
  try {
    return JSON.parse(Buffer.from(text).toString('utf8'))
  } catch {
    return undefined
  }
}

/** Where it goes wrong, by the one that knows all of JSON's grammar. */
export function notReplayJson(bytes: Uint8Array): PipelineError {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  const fault = findJsonFault(Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.length - start))
  if (fault === undefined) {
    return new PipelineError('malformed', 'the body is no object and no array, expected {"sessionId":…,"events":[…]}')
  }
  const offset = fault.offset + start
  return new PipelineError('malformed', `the body is not JSON: ${fault.what} at byte ${offset}`, {
    details: { offset },
  })
}

function tooDeep(offset: number): PipelineError {
  return new PipelineError('malformed', `the body is nested deeper than ${maxReplayDepth} levels at byte ${offset}`, {
    details: { offset, limit: maxReplayDepth },
  })
}
