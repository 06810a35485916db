import type { EventColumns } from '@millrace/protocol'
import type { DecodedBatch, RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import type { Decode, DecodeContext } from './decode.ts'
import { describe, expected, type Issue, isObject, noteInfinite } from './issues.ts'
import { parseJsonBytes } from './json.ts'
import { maxEventsPerBody } from './limits.ts'
import { tooManyEvents } from './ndjson.ts'
import { readTime } from './timestamp.ts'
import { othersOf, readId, readNumber, readObject, readText } from './read-fields.ts'

/**
 * Umami's collection API: `{"type":…,"payload":{…}}`, or an array of these.
 *
 * | type        | event_type / event_name         | beside what all have                                      |
 * | ----------- | ------------------------------- | --------------------------------------------------------- |
 * | event       | page / page_view; with a `name` track / that name | properties = data                       |
 * | identify    | track / identify                | traits = data                                             |
 * | engagement  | track / engagement              | duration_ms = engagement                                  |
 * | error       | log / error                     | log_level error, error_message, error_type, error_stack, data = the rest |
 * | performance | vital / LCP, INP, CLS, FCP, TTFB | one event for each value that the payload has            |
 *
 * All: actor_id = id, http_url (made whole with `hostname`), http_referrer, http_host, page_title, screen_size = screen,
 * labels.tag, context.language, http_user_agent = userAgent or the header's, client_name = browser, os_name = os, device_type =
 * device, timestamp = `timestamp` (Unix seconds). `ip` is left out, and so is `website`, which is the write key. The rest is kept in
 * `context`. The dialect has no ids, and its tracker no times: sent twice, it is two events.
 */
export const decodeUmami: Decode = (body, cx) => {
  const { value, mayHaveInfinite } = parseJsonBytes(body)
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [value]
  if (!Array.isArray(value) && !isObject(value)) {
    throw new PipelineError('malformed', `the body is ${describe(value)}, expected {"type":…,"payload":{…}}`)
  }
  if (list.length > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody, list.length)
  const events = list.flatMap((event) => decodeEvent(event, mayHaveInfinite, cx))
  if (events.length > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody, events.length)
  return { events, ...writeKeyOf(list[0]) }
}

function writeKeyOf(first: unknown): Pick<DecodedBatch, 'writeKey'> {
  const payload = isObject(first) ? first['payload'] : undefined
  const key = isObject(payload) ? payload['website'] : undefined
  return typeof key === 'string' && key !== '' ? { writeKey: key } : {}
}

type Payload = Readonly<Record<string, unknown>>
const types = ['event', 'identify', 'performance', 'engagement', 'error'] as const

function decodeEvent(event: unknown, mayHaveInfinite: boolean, cx: DecodeContext): RawEvent | RawEvent[] {
  const columns: EventColumns = {}
  const issues: Issue[] = []
  if (!isObject(event)) return { columns, original: event, issues: [expected('', 'object', event)] }
  const payload = readObject(event, 'payload', '', issues) ?? {}
  if (event['payload'] == null) issues.push('/payload: required')
  mapCommon(payload, columns, cx, issues)
  const type = event['type']
  const vitals = type === 'performance' ? mapVitals(payload, columns, issues) : undefined
  switch (type) {
    case 'event':
      mapEvent(payload, columns, issues)
      break
    case 'identify': {
      columns.event_type = 'track'
      columns.event_name = 'identify'
      const traits = readObject(payload, 'data', at, issues)
      if (traits !== undefined) columns.traits = { ...traits }
      break
    }
    case 'engagement': {
      columns.event_type = 'track'
      columns.event_name = 'engagement'
      const spent = readNumber(payload, 'engagement', at, issues)
      if (spent !== undefined) columns.duration_ms = spent
      break
    }
    case 'error':
      mapError(payload, columns, issues)
      break
    case 'performance':
      break
    default:
      issues.push(type === undefined ? '/type: required' : expected('/type', types.join(', '), type))
  }
  if (mayHaveInfinite) noteInfinite(event, issues)
  const raw = (one: EventColumns): RawEvent =>
    issues.length === 0 ? { columns: one, original: event } : { columns: one, original: event, issues }
  return vitals === undefined ? raw(columns) : vitals.map(raw)
}

/** Where the fields stand, for issues. */
const at = 'payload/'

function mapCommon(payload: Payload, columns: EventColumns, cx: DecodeContext, issues: Issue[]): void {
  const id = readId(payload, 'id', at, issues)
  if (id !== undefined) columns.actor_id = id
  const host = readText(payload, 'hostname', at, issues)
  if (host !== undefined) {
    columns.http_host = host
    columns.ns = host
  }
  const url = readText(payload, 'url', at, issues)
  if (url !== undefined) columns.http_url = whole(url, host)
  const referrer = readText(payload, 'referrer', at, issues)
  if (referrer !== undefined) columns.http_referrer = whole(referrer, host)
  const title = readText(payload, 'title', at, issues)
  if (title !== undefined) columns.page_title = decoded(title)
  const screen = readText(payload, 'screen', at, issues)
  if (screen !== undefined) columns.screen_size = screen
  const agent = readText(payload, 'userAgent', at, issues) ?? cx.headers['user-agent']
  if (agent) columns.http_user_agent = agent
  const browser = readText(payload, 'browser', at, issues)
  if (browser !== undefined) columns.client_name = browser
  const os = readText(payload, 'os', at, issues)
  if (os !== undefined) columns.os_name = os
  const device = readText(payload, 'device', at, issues)
  if (device !== undefined) columns.device_type = device
  const tag = readText(payload, 'tag', at, issues)
  if (tag !== undefined) columns.labels = { tag }
  const seconds = readNumber(payload, 'timestamp', at, issues)
  const time = seconds === undefined ? undefined : readTime(seconds * 1000)
  if (typeof time === 'number') columns.timestamp = time
  else if (time !== undefined) issues.push(`/payload/timestamp: as Unix seconds ${time}`)
  const context = othersOf(payload, placed)
  if (context !== undefined) columns.context = context
}

const vitalNames = ['lcp', 'inp', 'cls', 'fcp', 'ttfb'] as const
const errorKeys = ['message', 'stack', 'kind'] as const
const placed: ReadonlySet<string> = new Set([
  ...'id hostname url referrer title screen userAgent browser os device tag timestamp'.split(' '),
  ...'website ip name data engagement'.split(' '),
  ...vitalNames,
  ...errorKeys,
])

/** A page without an origin is one of its host's. */
function whole(url: string, host: string | undefined): string {
  return host !== undefined && url.startsWith('/') && !url.startsWith('//') ? `https://${host}${url}` : url
}

/** Trackers of the second version encode the title. One that says `100%` is not encoded; to fail at it costs more than all else. */
function decoded(title: string): string {
  if (!title.includes('%') || /%(?![0-9A-Fa-f]{2})/.test(title)) return title
  try {
    return decodeURIComponent(title)
  } catch {
    return title
  }
}

function mapEvent(payload: Payload, columns: EventColumns, issues: Issue[]): void {
  const name = readText(payload, 'name', at, issues)
  columns.event_type = name === undefined ? 'page' : 'track'
  columns.event_name = name ?? 'page_view'
  const data = readObject(payload, 'data', at, issues)
  if (data !== undefined) columns.properties = { ...data }
}

function mapError(payload: Payload, columns: EventColumns, issues: Issue[]): void {
  columns.event_type = 'log'
  columns.event_name = 'error'
  columns.log_level = 'error'
  columns.log_level_num = 17
  const message = readText(payload, 'message', at, issues)
  if (message !== undefined) {
    columns.error_message = message
    columns.log_message = message
  }
  const stack = readText(payload, 'stack', at, issues)
  if (stack !== undefined) columns.error_stack = stack
  const kind = readText(payload, 'kind', at, issues) ?? readText(payload, 'name', at, issues)
  if (kind !== undefined) columns.error_type = kind
  const data = readObject(payload, 'data', at, issues)
  if (data !== undefined) columns.data = { ...data }
}

/** One event per value; one without any has no meaning. */
function mapVitals(payload: Payload, columns: EventColumns, issues: Issue[]): EventColumns[] {
  const vitals: EventColumns[] = []
  for (const key of vitalNames) {
    const value = readNumber(payload, key, at, issues)
    if (value === undefined) continue
    const name = key.toUpperCase()
    const vital: EventColumns = {
      ...columns,
      event_type: 'vital',
      event_name: name,
      vital_name: name,
      vital_value: value,
    }
    if (columns.context !== undefined) vital.context = { ...columns.context }
    if (columns.labels !== undefined) vital.labels = { ...columns.labels }
    if (name !== 'CLS') vital.duration_ms = value
    vitals.push(vital)
  }
  if (vitals.length > 0) return vitals
  issues.push(`/payload: has none of ${vitalNames.join(', ')}`)
  return [columns]
}
