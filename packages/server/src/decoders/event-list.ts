import type { DecodedBatch, RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import type { DecodeContext } from './decode.ts'
import { describe, isObject } from './issues.ts'
import { type JsonBody, NotJsonError, parseJsonBytes, readJson } from './json.ts'
import { maxEventsPerBody } from './limits.ts'
import { splitLines, tooManyEvents } from './ndjson.ts'
import { mapInSteps } from './steps.ts'
import { readTime } from './timestamp.ts'

/** Where an event of a body stood: the name of its list, and the object around that. */
export interface ListedIn {
  readonly list: string
  readonly body: Readonly<Record<string, unknown>>
}

/** Gets each event of a body, whatever it is. */
type DecodeEvent = (event: unknown, mayHaveInfinite: boolean, within?: ListedIn) => RawEvent

/**
 * The forms that most JSON dialects share: one event, an array of them, `{"events":[…],"batch_id":…,"sent_at":…}`, or lines (by
 * content type, or when the body is several JSON values on lines of their own). In steps; parsing what is no lines is one of them.
 * `lists`: other names for `events`; a body may hold several of them, which follow each other in this order.
 */
export function* decodeEvents(
  body: Uint8Array,
  cx: DecodeContext,
  decodeEvent: DecodeEvent,
  lists: readonly string[] = ['events'],
): Generator<undefined, DecodedBatch> {
  const parsed = isNdjsonType(cx) ? undefined : parseUnlessLines(body)
  if (parsed === undefined) return { events: yield* decodeLines(body, decodeEvent) }
  return yield* decodeValue(parsed, decodeEvent, lists)
}

function parseUnlessLines(body: Uint8Array): JsonBody | undefined {
  try {
    return parseJsonBytes(body)
  } catch (error) {
    if (error instanceof NotJsonError && looksLikeNdjson(body, error)) return undefined
    throw error
  }
}

const ndjsonTypes: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/jsonlines',
  'application/x-jsonlines',
])

function isNdjsonType(cx: DecodeContext): boolean {
  return ndjsonTypes.has((cx.contentType.split(';', 1)[0] ?? '').trim().toLowerCase())
}

/** The first value is complete, on one line, and the second begins on another. */
function looksLikeNdjson(body: Uint8Array, { fault }: NotJsonError): boolean {
  if (!fault.afterValue) return false
  const before = Buffer.from(body.buffer, body.byteOffset, fault.offset).toString('latin1')
  const value = before.trim()
  return !value.includes('\n') && before.trimStart().includes('\n')
}

/** Work between two yields, in bytes of lines; an event costs as much as this many more. */
const stepBytes = 64 * 1024
const eventBytes = 256

/** A line that cannot be read (cut, too deep, not UTF-8) is one bad event and its neighbours go on. */
function* decodeLines(body: Uint8Array, decodeEvent: DecodeEvent): Generator<undefined, RawEvent[]> {
  const events: RawEvent[] = []
  let isSuspect = false
  let work = 0
  for (const bytes of splitLines(body, maxEventsPerBody)) {
    if (work >= stepBytes) {
      yield
      work = 0
    }
    work += bytes.length + eventBytes
    const line = readJson(bytes, isSuspect)
    if ('problem' in line) {
      isSuspect = true
      events.push({ columns: {}, original: bytes, issues: [`: the line ${line.problem}`] })
    } else events.push(decodeEvent(line.value, line.mayHaveInfinite))
  }
  return events
}

function* decodeValue(
  { value, mayHaveInfinite }: JsonBody,
  decodeEvent: DecodeEvent,
  lists: readonly string[],
): Generator<undefined, DecodedBatch> {
  if (Array.isArray(value)) {
    if (value.length > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody, value.length)
    return { events: yield* mapInSteps(value, (event) => decodeEvent(event, mayHaveInfinite)) }
  }
  if (!isObject(value)) {
    throw new PipelineError(
      'malformed',
      `the body is ${describe(value)}, expected an event, an array of events or {"${lists[0]}":[…]}`,
    )
  }
  const held = isNamed(value) ? [] : lists.filter((list) => Object.hasOwn(value, list))
  if (held.length === 0) return { events: [decodeEvent(value, mayHaveInfinite)] }
  const batchId = value['batch_id']
  const sentAt = readTime(value['sent_at'])
  const events: RawEvent[] = []
  for (const { list, items } of itemsOf(value, held)) {
    const within = { list, body: value }
    const decoded = yield* mapInSteps(items, (event) => decodeEvent(event, mayHaveInfinite, within))
    for (const event of decoded) events.push(event)
  }
  return {
    events,
    ...(typeof batchId === 'string' && batchId !== '' && { batchId }),
    ...(typeof sentAt === 'number' && { sentAt }),
  }
}

/** An event may have a property `events`, but then it has a name or a type too. */
function isNamed(value: Record<string, unknown>): boolean {
  return Object.hasOwn(value, 'event_name') || Object.hasOwn(value, 'event_type')
}

/** All of them, before the first event is decoded: a body that is refused costs no more than its parsing. */
function itemsOf(
  body: Record<string, unknown>,
  lists: readonly string[],
): readonly { readonly list: string; readonly items: readonly unknown[] }[] {
  let count = 0
  return lists.map((list) => {
    const items = body[list]
    if (!Array.isArray(items)) {
      throw new PipelineError('malformed', `/${list} is ${describe(items)}, expected an array of events`)
    }
    count += items.length
    if (count > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody, count)
    return { list, items: items as unknown[] }
  })
}
