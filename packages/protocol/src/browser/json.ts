import type { JsonObject } from '../columns/kind.ts'
import {
  adActions,
  type BrowserBatch,
  type BrowserBatchAnswer,
  type BrowserEvent,
  type BrowserPayload,
  metricNames,
  navigationTriggers,
} from './types.ts'

/*
 * proto3's JSON mapping of browser.proto, read leniently: names in lowerCamelCase or snake_case; null is absent; 64-bit integers
 * as numbers or decimal strings; enums by name in any case or by number; times as Unix ms or RFC 3339; unknown names are skipped,
 * as protobuf skips unknown fields. A value of a wrong type is an issue of its event.
 */

/** Reads one message's fields by name and notes what is wrong. */
class Fields {
  readonly #object: JsonObject
  readonly #pointer: string
  readonly #issues: string[]

  constructor(object: JsonObject, pointer: string, issues: string[]) {
    this.#object = object
    this.#pointer = pointer
    this.#issues = issues
  }

  value(snake: string): unknown {
    const camel = snake.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    for (const name of [camel, snake]) {
      if (Object.hasOwn(this.#object, name)) {
        const found = this.#object[name]
        if (found !== null) return found
      }
    }
    return undefined
  }

  wrong(name: string, value: unknown, expected: string): undefined {
    this.#issues.push(`${this.#pointer}/${name}: ${describe(value)}, expected ${expected}`)
    return undefined
  }

  text(name: string): string {
    const value = this.value(name)
    if (value === undefined) return ''
    return typeof value === 'string' ? value : (this.wrong(name, value, 'a string') ?? '')
  }

  boolean(name: string): boolean | undefined {
    const value = this.value(name)
    return value === undefined || typeof value === 'boolean' ? value : this.wrong(name, value, 'true or false')
  }

  double(name: string): number | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    const number =
      typeof value === 'string' && value.trim() !== '' ? Number(value) : Number(typeof value === 'string' ? NaN : value)
    const isNumeric = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string'
    return isNumeric && Number.isFinite(number) ? number : this.wrong(name, value, 'a finite number')
  }

  /** Whole number within the field's range, exact. */
  integer(name: string, least: bigint, most: bigint): number | bigint | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    let integer: bigint | undefined
    if (typeof value === 'bigint') integer = value
    else if (typeof value === 'number' && Number.isSafeInteger(value)) integer = BigInt(value)
    else if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) integer = BigInt(value)
    if (integer === undefined || integer < least || integer > most)
      return this.wrong(name, value, `a whole number ${least} to ${most}`)
    const number = Number(integer)
    return Number.isSafeInteger(number) ? number : integer
  }

  uint32(name: string): number | undefined {
    return this.integer(name, 0n, 0xffffffffn) as number | undefined
  }

  time(name: string): number | undefined {
    const value = this.value(name)
    if (typeof value === 'string' && rfc3339.test(value)) {
      const ms = Date.parse(value)
      if (!Number.isNaN(ms)) return ms
      return this.wrong(name, value, 'a time')
    }
    const ms = this.integer(name, -maxSafe, maxSafe)
    return ms === 0 ? undefined : (ms as number | undefined)
  }

  oneOf<T extends string>(name: string, names: readonly T[]): T | undefined {
    const value = this.value(name)
    if (value === undefined || value === 0) return undefined
    if (typeof value === 'number') return names[value - 1] ?? this.wrong(name, value, `a number 1 to ${names.length}`)
    if (typeof value === 'string') {
      const lower = value.toLowerCase()
      if (lower.endsWith('_unspecified')) return undefined
      const found = names.find((each) => each.toLowerCase() === lower)
      if (found !== undefined) return found
    }
    return this.wrong(name, value, `one of ${names.join(', ')}`)
  }

  /** The fields of a nested message, or undefined when it is absent or no object. */
  nested(name: string): Fields | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    return isObject(value)
      ? new Fields(value, `${this.#pointer}/${name}`, this.#issues)
      : this.wrong(name, value, 'an object')
  }
}

const maxSafe = BigInt(Number.MAX_SAFE_INTEGER)
const maxUint64 = 2n ** 64n - 1n
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i

const payloadReaders: Readonly<Record<BrowserPayload['kind'], (fields: Fields) => BrowserPayload>> = {
  page_view: (fields) => ({
    kind: 'page_view',
    url: fields.text('url'),
    title: fields.text('title'),
    referrer: fields.text('referrer'),
    loadTimeMs: fields.uint32('load_time_ms'),
    scrollDepthPct: fields.uint32('scroll_depth_pct'),
  }),
  search_event: (fields) => ({
    kind: 'search_event',
    query: fields.text('query'),
    engine: fields.text('engine'),
    resultCount: fields.uint32('result_count'),
    clickedPosition: fields.uint32('clicked_position'),
  }),
  ai_interaction: (fields) => ({
    kind: 'ai_interaction',
    conversationId: fields.text('conversation_id'),
    taskType: fields.text('task_type'),
    model: fields.text('model'),
    inputTokens: fields.uint32('input_tokens'),
    outputTokens: fields.uint32('output_tokens'),
    latencyMs: fields.uint32('latency_ms'),
    cached: fields.boolean('cached'),
  }),
  navigation: (fields) => ({
    kind: 'navigation',
    urlFrom: fields.text('url_from'),
    urlTo: fields.text('url_to'),
    trigger: fields.oneOf('trigger', navigationTriggers),
  }),
  performance: (fields) => ({
    kind: 'performance',
    metricName: fields.oneOf('metric_name', metricNames),
    value: fields.double('value'),
    url: fields.text('url'),
  }),
  ad_event: (fields) => ({
    kind: 'ad_event',
    adId: fields.text('ad_id'),
    campaignId: fields.text('campaign_id'),
    placement: fields.text('placement'),
    action: fields.oneOf('action', adActions),
    revenueMicros: fields.integer('revenue_micros', -(2n ** 63n), 2n ** 63n - 1n),
  }),
}
const payloadKinds = Object.keys(payloadReaders) as BrowserPayload['kind'][]

/**
 * Read a parsed JSON batch (parse it with `parseJson`, so that 64-bit integers stay exact). Throws TypeError when it is no
 * batch at all; what is wrong with one event is its issue.
 */
export function browserBatchFromJson(json: unknown): BrowserBatch {
  if (!isObject(json)) throw new TypeError(`batch is ${describe(json)}, expected an object with "events"`)
  const issues: string[] = []
  const batch = new Fields(json, '', issues)
  const events = batch.value('events') ?? []
  if (!Array.isArray(events)) throw new TypeError(`/events: ${describe(events)}, expected an array`)
  const deviceId = batch.text('device_id')
  return {
    batchId: batch.text('batch_id'),
    seqNumber: batch.integer('seq_number', 0n, maxUint64) ?? 0,
    sdkVersion: batch.text('sdk_version'),
    sentAt: batch.time('sent_at'),
    deviceId,
    events: events.map((event) => eventFromJson(event, deviceId)),
    issues,
  }
}

function eventFromJson(json: unknown, batchDeviceId: string): BrowserEvent {
  const issues: string[] = []
  if (!isObject(json)) {
    issues.push(`: ${describe(json)}, expected an object`)
    return {
      eventId: '',
      userId: '',
      deviceId: batchDeviceId,
      sessionId: 0,
      timestamp: undefined,
      payload: undefined,
      issues,
    }
  }
  const fields = new Fields(json, '', issues)
  const present = payloadKinds.filter((kind) => fields.value(kind) !== undefined)
  let payload: BrowserPayload | undefined
  const [kind] = present
  if (kind === undefined) issues.push(`/payload: missing, expected one of ${payloadKinds.join(', ')}`)
  else if (present.length > 1) issues.push(`/payload: ${present.join(' and ')} given, expected one`)
  else {
    const nested = fields.nested(kind)
    if (nested !== undefined) payload = payloadReaders[kind](nested)
  }
  return {
    eventId: fields.text('event_id'),
    userId: fields.text('user_id'),
    deviceId: fields.text('device_id') || batchDeviceId,
    sessionId: fields.integer('session_id', 0n, maxUint64) ?? 0,
    timestamp: fields.time('timestamp'),
    payload,
    issues,
  }
}

/** The answer in proto3's JSON mapping; numbers and lists are written even when 0 and empty. */
export function browserAnswerToJson(answer: BrowserBatchAnswer): JsonObject {
  return {
    batchId: answer.batchId,
    accepted: answer.accepted,
    duplicates: answer.duplicates,
    rejected: answer.rejected,
    retry: answer.retry,
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Type, and length or number: never the text itself. */
function describe(value: unknown): string {
  if (typeof value === 'string') return `a string of ${value.length} characters`
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  return value === null ? 'null' : typeof value === 'object' ? 'an object' : typeof value
}
