import type { DecodedBatch, RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import type { DecodeContext } from './decode.ts'
import { describe, isObject } from './issues.ts'
import { NotJsonError, parseJsonBytes } from './json.ts'
import { maxEventsPerBody } from './limits.ts'
import { readNdjson, tooManyEvents } from './ndjson.ts'
import { readTime } from './timestamp.ts'

/**
 * The forms that most JSON dialects share: one event, an array of them, `{"events":[…],"batch_id":…,"sent_at":…}`, or lines (by
 * content type, or when the body is several JSON values on lines of their own). `decodeEvent` gets each, whatever it is.
 */
export function decodeEvents(
  body: Uint8Array,
  cx: DecodeContext,
  decodeEvent: (event: unknown, mayHaveInfinite: boolean) => RawEvent,
): DecodedBatch {
  if (isNdjsonType(cx)) return decodeLines(body, decodeEvent)
  try {
    const { value, mayHaveInfinite } = parseJsonBytes(body)
    return decodeValue(value, (event) => decodeEvent(event, mayHaveInfinite))
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

function decodeValue(value: unknown, decodeEvent: (event: unknown) => RawEvent): DecodedBatch {
  if (Array.isArray(value)) return { events: decodeList(value, decodeEvent) }
  if (!isObject(value)) {
    throw new PipelineError(
      'malformed',
      `the body is ${describe(value)}, expected an event, an array of events or {"events":[…]}`,
    )
  }
  if (!isWrapped(value)) return { events: [decodeEvent(value)] }
  const list = value['events']
  if (!Array.isArray(list)) {
    throw new PipelineError('malformed', `/events is ${describe(list)}, expected an array of events`)
  }
  const batchId = value['batch_id']
  const sentAt = readTime(value['sent_at'])
  return {
    events: decodeList(list, decodeEvent),
    ...(typeof batchId === 'string' && batchId !== '' && { batchId }),
    ...(typeof sentAt === 'number' && { sentAt }),
  }
}

/** An event may have a property `events`, but then it has a name or a type too. */
function isWrapped(value: Record<string, unknown>): boolean {
  return Object.hasOwn(value, 'events') && !Object.hasOwn(value, 'event_name') && !Object.hasOwn(value, 'event_type')
}

function decodeList(list: readonly unknown[], decodeEvent: (event: unknown) => RawEvent): RawEvent[] {
  if (list.length > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody, list.length)
  return list.map(decodeEvent)
}
