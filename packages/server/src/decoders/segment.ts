import type { EventColumns } from '@millrace/protocol'
import type { DecodedBatch, RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import { runAtOnce } from '../core/in-steps.ts'
import type { Decode, DecodeInSteps } from './decode.ts'
import { describe, expected, type Issue, isObject, noteInfinite } from './issues.ts'
import { parseJsonBytes } from './json.ts'
import { maxEventsPerBody } from './limits.ts'
import { tooManyEvents } from './ndjson.ts'
import { type MessageType, mapMessage } from './segment-message.ts'
import { mapInSteps } from './steps.ts'
import { readTime } from './timestamp.ts'

/** Last part of the route → message type; `batch` and `b` carry several. The one-letter forms are the browser library's. */
export const segmentKinds: Readonly<Record<string, MessageType | 'batch'>> = {
  track: 'track',
  t: 'track',
  identify: 'identify',
  i: 'identify',
  page: 'page',
  p: 'page',
  screen: 'screen',
  s: 'screen',
  group: 'group',
  g: 'group',
  alias: 'alias',
  a: 'alias',
  batch: 'batch',
  b: 'batch',
  import: 'batch',
}

/**
 * Segment's HTTP API: one message, whose type the route names, or `{"batch":[…],"sentAt":…,"writeKey":…}` with the type in
 * each message. Any content type (browsers send `text/plain` to avoid a preflight). A batch's own `context` and
 * `integrations` are defaults for its messages.
 */
export const decodeSegment: Decode = (body, cx) => runAtOnce(decodeSegmentInSteps(body, cx))

export const decodeSegmentInSteps: DecodeInSteps = function* decodeSegmentSteps(body, cx) {
  const route = segmentKinds[cx.kind]
  if (route === undefined) throw new PipelineError('not_found', `unknown Segment route of ${cx.kind.length} characters`)
  const { value, mayHaveInfinite } = parseJsonBytes(body)
  if (!isObject(value)) {
    throw new PipelineError('malformed', `the body is ${describe(value)}, expected a Segment message or {"batch":[…]}`)
  }
  if (!Object.hasOwn(value, 'batch')) return decodeSingle(value, route, mayHaveInfinite)
  const messages = value['batch']
  if (!Array.isArray(messages)) {
    throw new PipelineError('malformed', `/batch is ${describe(messages)}, expected an array of messages`)
  }
  if (messages.length > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody, messages.length)
  const defaults = batchDefaults(value)
  const events = yield* mapInSteps(messages, (message) => decodeMessage(message, undefined, defaults, mayHaveInfinite))
  return { events, ...batchFacts(value, messages[0]) }
}

function decodeSingle(
  message: Record<string, unknown>,
  route: MessageType | 'batch',
  mayHaveInfinite: boolean,
): DecodedBatch {
  if (route === 'batch' && !Object.hasOwn(message, 'type')) {
    throw new PipelineError('malformed', 'the body has no "batch", expected {"batch":[…]}')
  }
  const event = decodeMessage(message, route === 'batch' ? undefined : route, undefined, mayHaveInfinite)
  return { events: [event], ...batchFacts(message, undefined) }
}

function decodeMessage(
  message: unknown,
  route: MessageType | undefined,
  defaults: Record<string, unknown> | undefined,
  mayHaveInfinite: boolean,
): RawEvent {
  const columns: EventColumns = {}
  const issues: Issue[] = []
  if (!isObject(message)) return { columns, original: message, issues: [expected('', 'object', message)] }
  mapMessage(route ?? message['type'], message, defaults, columns, issues)
  if (mayHaveInfinite) noteInfinite(message, issues)
  return issues.length === 0 ? { columns, original: message } : { columns, original: message, issues }
}

/** What a batch says for all its messages, or undefined: the usual case costs nothing. */
function batchDefaults(batch: Record<string, unknown>): Record<string, unknown> | undefined {
  const context = isObject(batch['context']) ? batch['context'] : undefined
  const integrations = isObject(batch['integrations']) ? batch['integrations'] : undefined
  if (context === undefined && integrations === undefined) return undefined
  return { ...(context && { context }), ...(integrations && { integrations }) }
}

/**
 * `sentAt` only serves to correct clocks, so one that cannot be read means no correction, and the events go on.
 * Older browser builds put `sentAt` and `writeKey` into the messages alone.
 */
function batchFacts(outer: Record<string, unknown>, first: unknown): { sentAt?: number; writeKey?: string } {
  const inner = isObject(first) ? first : undefined
  const sentAt = readTime(outer['sentAt'] ?? inner?.['sentAt'])
  const writeKey = outer['writeKey'] ?? inner?.['writeKey']
  return {
    ...(typeof sentAt === 'number' && { sentAt }),
    ...(typeof writeKey === 'string' && writeKey !== '' && { writeKey }),
  }
}
