import type { DecodedBatch, RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import type { DecodeContext } from './decode.ts'
import { describe, isObject } from './issues.ts'
import { NotJsonError, parseJsonBytes } from './json.ts'
import { maxEventsPerBody } from './limits.ts'
import { readNdjson, tooManyEvents } from './ndjson.ts'
import { readTime } from './timestamp.ts'

/** Where an event of a body stood: the name of its list, and the object around that. */
export interface ListedIn {
  readonly list: string
  readonly body: Readonly<Record<string, unknown>>
}

/**
 * The forms that most JSON dialects share: one event, an array of them, `{"events":[…],"batch_id":…,"sent_at":…}`, or lines (by
 * content type, or when the body is several JSON values on lines of their own). `decodeEvent` gets each, whatever it is.
 * `lists`: other names for `events`; a body may hold several of them, which follow each other in this order.
 */
export function decodeEvents(
  body: Uint8Array,
  cx: DecodeContext,
  decodeEvent: (event: unknown, mayHaveInfinite: boolean, within?: ListedIn) => RawEvent,
  lists: readonly string[] = ['events'],
): DecodedBatch {
  if (isNdjsonType(cx)) return decodeLines(body, decodeEvent)
  try {
    const { value, mayHaveInfinite } = parseJsonBytes(body)
    return decodeValue(value, (event, within) => decodeEvent(event, mayHaveInfinite, within), lists)
  } catch (error) {
    if (error instanceof NotJsonError && looksLikeNdjson(body, error)) return decodeLines(body, decodeEvent)
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

function decodeLines(
  body: Uint8Array,
  decodeEvent: (event: unknown, mayHaveInfinite: boolean) => RawEvent,
): DecodedBatch {
  return {
    events: readNdjson(body, maxEventsPerBody).map((line) =>
      line.issue === undefined
        ? decodeEvent(line.value, line.mayHaveInfinite)
        : { columns: {}, original: line.bytes, issues: [line.issue] },
    ),
  }
}

type DecodeListed = (event: unknown, within?: ListedIn) => RawEvent

function decodeValue(value: unknown, decodeEvent: DecodeListed, lists: readonly string[]): DecodedBatch {
  if (Array.isArray(value)) return { events: decodeList(value, decodeEvent) }
  if (!isObject(value)) {
    throw new PipelineError(
      'malformed',
      `the body is ${describe(value)}, expected an event, an array of events or {"${lists[0]}":[…]}`,
    )
  }
  const held = isNamed(value) ? [] : lists.filter((list) => Object.hasOwn(value, list))
  if (held.length === 0) return { events: [decodeEvent(value)] }
  const batchId = value['batch_id']
  const sentAt = readTime(value['sent_at'])
  return {
    events: decodeLists(value, held, decodeEvent),
    ...(typeof batchId === 'string' && batchId !== '' && { batchId }),
    ...(typeof sentAt === 'number' && { sentAt }),
  }
}

/** An event may have a property `events`, but then it has a name or a type too. */
function isNamed(value: Record<string, unknown>): boolean {
  return Object.hasOwn(value, 'event_name') || Object.hasOwn(value, 'event_type')
}

function decodeLists(body: Record<string, unknown>, lists: readonly string[], decodeEvent: DecodeListed): RawEvent[] {
  const events: RawEvent[] = []
  let count = 0
  for (const list of lists) {
    const items = body[list]
    if (!Array.isArray(items)) {
      throw new PipelineError('malformed', `/${list} is ${describe(items)}, expected an array of events`)
    }
    count += items.length
    if (count > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody, count)
    const within = { list, body }
    for (const item of items as unknown[]) events.push(decodeEvent(item, within))
  }
  return events
}

function decodeList(list: readonly unknown[], decodeEvent: DecodeListed): RawEvent[] {
  if (list.length > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody, list.length)
  return list.map((event) => decodeEvent(event))
}
