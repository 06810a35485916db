import type { DecodedBatch, RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import { runAtOnce } from '../core/in-steps.ts'
import type { Decode, DecodeContext, DecodeInSteps } from './decode.ts'
import { describe, isObject } from './issues.ts'
import { parseJsonBytes } from './json.ts'
import { maxEventsPerBody } from './limits.ts'
import { tooManyEvents } from './ndjson.ts'
import { openPosthogBody } from './posthog-body.ts'
import { mapPosthogEvent, type PosthogBatch } from './posthog-event.ts'
import { readSentAt } from './posthog-time.ts'

type Json = Record<string, unknown>

/** Of a body under all its layers of compression, when whoever calls has no bound of its own. */
const maxInflatedBytes = 20_000_000
/** Events between two yields. */
const stepEvents = 200

/**
 * PostHog's capture API. v0 takes one event, an array of them, or `{"batch":[…],"api_key":…,"sent_at":…}`, in any wrapping of
 * posthog-body.ts; v1 takes `{"batch":[…],"created_at":…}` with what concerns the request in headers.
 */
export const decodePosthog: Decode = (body, cx) => runAtOnce(decodePosthogInSteps(body, cx))

export const decodePosthogInSteps: DecodeInSteps = function* decodePosthogSteps(body, cx) {
  const { value, mayHaveInfinite } = parseJsonBytes(openPosthogBody(body, cx, maxInflatedBytes))
  const { outer, sent } = findEvents(value)
  if (sent.length > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody, sent.length)
  const writeKey = findKey(outer, sent, cx)
  const sentAt = findSentAt(outer, sent[0], cx)
  const batch: PosthogBatch = {
    kind: cx.kind === 'v1' || cx.kind === 'engage' ? cx.kind : 'capture',
    writeKey,
    sentAt,
    library: readLibrary(cx),
    mayHaveInfinite,
    budget: { bytes: maxInflatedBytes },
  }
  const events: RawEvent[] = []
  for (const event of sent) {
    for (const raw of mapPosthogEvent(event, batch)) {
      // A recording's chunk is many events.
      if (events.push(raw) > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody)
      if (events.length % stepEvents === 0) yield
    }
  }
  const decoded: DecodedBatch = {
    events,
    ...(sentAt !== undefined && !ignoresSentAt(sent[0]) && { sentAt }),
    ...(writeKey !== undefined && { writeKey }),
    ...(outer['historical_migration'] === true && { saysHistorical: true }),
  }
  return decoded
}

/** The events, and what stands around them. */
function findEvents(value: unknown): { outer: Json; sent: readonly unknown[] } {
  if (Array.isArray(value)) return { outer: {}, sent: value as unknown[] }
  if (!isObject(value)) {
    throw new PipelineError(
      'malformed',
      `the body is ${describe(value)}, expected an event, an array, or {"batch":[…]}`,
    )
  }
  if (!Object.hasOwn(value, 'batch')) return { outer: {}, sent: [value] }
  const { batch } = value
  if (!Array.isArray(batch)) {
    throw new PipelineError('malformed', `/batch is ${describe(batch)}, expected an array of events`)
  }
  return { outer: value, sent: batch as unknown[] }
}

/** The batch's key, else the URL's, else that of the events: several different ones cannot be one request. */
function findKey(outer: Json, sent: readonly unknown[], { query }: DecodeContext): string | undefined {
  const said = keyIn(outer) ?? keyIn(query ?? {})
  if (said !== undefined) return said
  let found: string | undefined
  for (const event of sent) {
    if (!isObject(event)) continue
    const { properties } = event
    const key = keyIn(event) ?? (isObject(properties) ? keyOf(properties['token']) : undefined)
    if (key === undefined || key === found) continue
    if (found !== undefined) {
      throw new PipelineError('malformed', 'the events of the body carry different keys: send one request for each')
    }
    found = key
  }
  return found
}

function keyIn(object: Readonly<Json>): string | undefined {
  return keyOf(object['api_key']) ?? keyOf(object['token']) ?? keyOf(object['$token'])
}

function keyOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** v1 says in a header when this attempt was made; `created_at` of its batch is the same for all attempts. */
function findSentAt(outer: Json, first: unknown, { headers, kind, query }: DecodeContext): number | undefined {
  if (kind === 'v1') return readSentAt(headers['posthog-request-timestamp'])
  const inner = isObject(first) ? first['sent_at'] : undefined
  return readSentAt(outer['sent_at'], inner, query?.['sent_at'], query?.['_'])
}

/** A client that knows its clock to be right, or its times to be another's. */
function ignoresSentAt(first: unknown): boolean {
  if (!isObject(first)) return false
  const { properties, options } = first
  return (
    (isObject(properties) && properties['$ignore_sent_at'] === true) ||
    (isObject(options) && options['disable_skew_correction'] === true)
  )
}

/** `PostHog-Sdk-Info: posthog-node/5.70.0`, split at its last slash. */
function readLibrary({ headers, kind }: DecodeContext): readonly [string, string] | undefined {
  const said = headers['posthog-sdk-info']
  if (kind !== 'v1' || said === undefined || said.length > 256) return undefined
  const slash = said.lastIndexOf('/')
  const name = said.slice(0, Math.max(0, slash)).trim()
  const version = said.slice(slash + 1).trim()
  return name === '' || version === '' ? undefined : [name, version]
}
