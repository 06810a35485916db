import { isAscii } from 'node:buffer'
import type { RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import { runAtOnce } from '../core/in-steps.ts'
import { batchFacts, fromHeaders, restOf } from './browser-signals.ts'
import { createInflater, decodeBase64, type Inflater } from './compressed.ts'
import type { Decode, DecodeContext, DecodeInSteps } from './decode.ts'
import { describe, expected, type Issue, isObject, noteInfinite } from './issues.ts'
import { maxEventsPerBody } from './limits.ts'
import { notReplayJson, type ReplayParts, splitReplay } from './rrweb-split.ts'
import { contextFields } from './transformers/browser-context.ts'
import { mapSessionReplay, readReplayContext, type ReplayContext } from './transformers/session-replay.ts'

type Json = Readonly<Record<string, unknown>>

const replayFields = ['sequence', 'startedAt'] as const
/** Fields around the events that have a place of their own. */
const placed = [...contextFields, ...replayFields, 'events', 'data', 'sentAt', 'writeKey'] as const

/** Work between two yields, in bytes of text; an event costs as much as this many more. */
const stepBytes = 64 * 1024
const eventBytes = 1024

/**
 * Chunks of rrweb recordings: `{"sessionId":…,"sequence":…,"pageUrl":…,"startedAt":…,"events":[…]}`, an array of events, or one event,
 * with what is missing in the query (`?sessionId=…&sequence=…`). Compressed without a content-encoding, which beacons cannot say:
 *
 *   the body       gzip or zlib, whatever its content type; `?compression=` may name it
 *   `data`         base64 of gzip, zlib or plain JSON: an array of events or an object as above
 *   an event       a text: JSON, or what rrweb's packer makes (zlib, each byte a character)
 *
 * Each event is kept as its text. Its id is made from session, sequence, place and time where the chunk has a sequence; the gate makes
 * it from the content otherwise.
 */
export const decodeRrweb: Decode = (body, cx) => runAtOnce(decodeRrwebInSteps(body, cx))

export const decodeRrwebInSteps: DecodeInSteps = function* (body, cx) {
  checkCompression(cx.query?.['compression'])
  const inflater = createInflater()
  const bare = fromBase64(body, cx)
  let parts = yield* splitReplay(inflater.inflate(bare) ?? bare)
  let { around } = parts
  if (parts.events === undefined) {
    parts = yield* splitReplay(packedData(around['data'], inflater))
    around = { ...around, ...parts.around, data: undefined }
  }
  if (parts.events === undefined) {
    throw new PipelineError('malformed', 'the body has no "events", expected {"sessionId":…,"events":[…]}')
  }
  const shared: Issue[] = []
  const query = readReplayContext(pickQuery(cx.query), {}, shared)
  const context = readReplayContext({ ...around }, query, shared)
  const rest = restOf({ ...around }, placed)
  if (parts.mayHaveInfinite && rest !== undefined) noteInfinite(rest, shared)
  const beside: Shared = { context, issues: shared, rest, referrer: fromHeaders(cx.headers).pageUrl }
  if (parts.isOne) {
    const { event, one } = readOne(parts, beside, inflater)
    return { events: [event], ...batchFacts(one, cx) }
  }
  const events = yield* readEvents(parts, beside, inflater)
  return { events, ...batchFacts(around, cx) }
}

/** What holds for every event of the body. */
interface Shared {
  readonly context: ReplayContext
  readonly issues: readonly Issue[]
  /** Fields around the events that have no place. */
  readonly rest: Json | undefined
  /** The page by the browser's own word, where nobody says better. */
  readonly referrer: string | undefined
}

function* readEvents(parts: ReplayParts, shared: Shared, inflater: Inflater): Generator<undefined, RawEvent[]> {
  const events: RawEvent[] = []
  const { bytes } = parts
  // One view of all: to make one for each event costs as much as to read a small one.
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const encoding = isAscii(bytes) ? 'latin1' : 'utf8'
  let work = 0
  for (const [index, text] of (parts.events ?? []).entries()) {
    const from = text.byteOffset - bytes.byteOffset
    const given = parseText(body.toString(encoding, from, from + text.length))
    if (given === undefined) throw notReplayJson(parts.bytes)
    events.push(readEvent(text, given.value, index, shared, inflater))
    work += text.length + eventBytes
    if (work < stepBytes) continue
    yield
    work = 0
  }
  return events
}

/** An event that is the body holds in itself what else is around them. Its key is not kept. */
function readOne(parts: ReplayParts, shared: Shared, inflater: Inflater): { event: RawEvent; one: Json } {
  const one = parse(parts.bytes)?.value
  if (!isObject(one)) throw notReplayJson(parts.bytes)
  const { writeKey, ...event } = one
  const text = writeKey === undefined ? parts.bytes : new TextEncoder().encode(JSON.stringify(event))
  const issues = [...shared.issues]
  const context = readReplayContext(one, shared.context, issues)
  return { event: readEvent(text, event, 0, { ...shared, context, issues }, inflater), one }
}

function readEvent(text: Uint8Array, given: unknown, index: number, shared: Shared, inflater: Inflater): RawEvent {
  const json = typeof given === 'string' ? unpack(given, inflater) : text
  const value = typeof given === 'string' ? json && parse(json)?.value : given
  if (!isObject(value) || json === undefined) {
    return { columns: {}, original: text, issues: [expected('', 'an rrweb event', given)] }
  }
  const issues: Issue[] = [...shared.issues]
  const { context } = shared
  const columns = mapSessionReplay(value, context, issues, json)
  if (columns.http_url === undefined && shared.referrer !== undefined) columns.http_url = shared.referrer
  const { sequence } = context
  if (sequence !== undefined) {
    // In order between the sequence and the next one, so that an event alone in its chunk has the sequence itself.
    columns.replay_sequence = sequence + index / maxEventsPerBody
    if (context.sessionId !== undefined && columns.timestamp !== undefined) {
      // The time belongs to it since a page may count anew within the session of the page before.
      columns.id = `replay_${context.sessionId}_${sequence}_${index}_${columns.timestamp}`
    }
  }
  if (shared.rest !== undefined) columns.data = { ...shared.rest }
  return issues.length === 0 ? { columns, original: json } : { columns, original: json, issues }
}

function parse(text: Uint8Array): { readonly value: unknown } | undefined {
  return parseText(Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString())
}

function parseText(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** JSON text of an event that came as a text itself; undefined when it is none. */
function unpack(text: string, inflater: Inflater): Uint8Array | undefined {
  if (text.startsWith('{')) return new TextEncoder().encode(text)
  try {
    const plain = inflater.inflate(Buffer.from(text, 'latin1'))
    return plain && new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength)
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'malformed') return undefined
    throw error
  }
}

/** The chunk that stands in `data`. */
function packedData(data: unknown, inflater: Inflater): Uint8Array {
  if (typeof data !== 'string') {
    throw new PipelineError(
      'malformed',
      `the body has no "events" and its "data" is ${describe(data)}, expected {"sessionId":…,"events":[…]}`,
    )
  }
  const bytes = decodeBase64(data)
  if (bytes === undefined) throw new PipelineError('malformed', `/data is ${describe(data)} that is not base64`)
  return inflater.inflate(bytes) ?? bytes
}

const compressions: ReadonlySet<string> = new Set(['gzip', 'gzip-js', 'deflate', 'zlib', 'base64', 'none', ''])

function checkCompression(name: string | undefined): void {
  if (name === undefined || compressions.has(name)) return
  throw new PipelineError(
    'malformed',
    `?compression= of ${name.length} characters is not known, expected gzip, deflate, base64 or none`,
  )
}

/** `?compression=base64`: the whole body is a text of it. */
function fromBase64(body: Uint8Array, cx: DecodeContext): Uint8Array {
  if (cx.query?.['compression'] !== 'base64') return body
  const bytes = decodeBase64(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1').trim())
  if (bytes === undefined) throw new PipelineError('malformed', `the body of ${body.length} bytes is not base64`)
  return bytes
}

function pickQuery(query: DecodeContext['query']): Record<string, unknown> {
  const picked: Record<string, unknown> = {}
  if (query !== undefined) for (const name of [...contextFields, ...replayFields]) picked[name] = query[name]
  return picked
}
