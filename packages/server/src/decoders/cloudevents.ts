import type { RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import { runAtOnce } from '../core/in-steps.ts'
import { binaryAttributes, readBinaryData } from './cloudevents-binary.ts'
import type { Decode, DecodeContext, DecodeInSteps } from './decode.ts'
import { describe, expected, type Issue, isObject, noteInfinite, setKey } from './issues.ts'
import { mapCloudEvent } from './cloudevents-event.ts'
import { parseJsonBytes } from './json.ts'
import { maxEventsPerBody } from './limits.ts'
import { tooManyEvents } from './ndjson.ts'
import { mapInSteps } from './steps.ts'

/**
 * CloudEvents 1.0 over HTTP, in its three modes:
 *
 *   structured   application/cloudevents+json         one event, its data in it
 *   batched      application/cloudevents-batch+json   an array of them
 *   binary       any other type                       attributes in `ce-` headers, the body is the data (cloudevents-binary.ts)
 *
 * The content type decides between the first two and the third, as the binding says; what is an array is read as one in either.
 */
export const decodeCloudEvents: Decode = (body, cx) => runAtOnce(decodeCloudEventsInSteps(body, cx))

export const decodeCloudEventsInSteps: DecodeInSteps = function* decodeCloudEventsSteps(body, cx) {
  const attributes = isCloudEventsType(cx.contentType) ? undefined : binaryAttributes(cx.headers)
  if (attributes !== undefined) return { events: [decodeBinary(attributes, body, cx)] }
  const { value, mayHaveInfinite } = parseJsonBytes(body)
  if (Array.isArray(value)) {
    if (value.length > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody, value.length)
    return { events: yield* mapInSteps(value, (event) => decodeEvent(event, mayHaveInfinite)) }
  }
  if (isObject(value)) return { events: [decodeEvent(value, mayHaveInfinite)] }
  throw new PipelineError('malformed', `the body is ${describe(value)}, expected a CloudEvent or an array of them`)
}

export function isCloudEventsType(contentType: string): boolean {
  return /^\s*application\/cloudevents/i.test(contentType)
}

function decodeEvent(event: unknown, mayHaveInfinite: boolean): RawEvent {
  if (!isObject(event)) return { columns: {}, original: event, issues: [expected('', 'object', event)] }
  const issues: Issue[] = []
  const columns = mapCloudEvent(event, issues)
  if (mayHaveInfinite) noteInfinite(event, issues)
  return issues.length === 0 ? { columns, original: event } : { columns, original: event, issues }
}

/** The same event as in structured mode: a member `data`, or `data_base64`. */
function decodeBinary(attributes: Record<string, unknown>, body: Uint8Array, cx: DecodeContext): RawEvent {
  const issues: Issue[] = []
  const event = { ...attributes }
  const type = cx.headers['content-type'] ?? cx.contentType
  if (type !== '') setKey(event, 'datacontenttype', type)
  Object.assign(event, readBinaryData(body, cx.contentType, issues))
  const columns = mapCloudEvent(event, issues)
  return issues.length === 0 ? { columns, original: event } : { columns, original: event, issues }
}
