import type { EventColumns } from '@millrace/protocol'
import type { RecommendationEvent } from '@millrace/protocol/recommendations'
import type { RawEvent } from '../core/batch.ts'
import { runAtOnce } from '../core/in-steps.ts'
import type { Decode, DecodeInSteps } from './decode.ts'
import { decodeEvents } from './event-list.ts'
import { expected, type Issue, isObject, noteInfinite, setKey } from './issues.ts'
import { recommendationIssues } from './recommendation-schemas.ts'

/**
 * The five events of a recommender (schemas/events/): one, an array, `{"events":[…]}` or lines. `event_type` says which,
 * also as `recommendation.request`. An event that its schema refuses, or that carries a field of class High, is quarantined.
 *
 * | event      | event_type / event_name          | columns                                                                        |
 * | ---------- | -------------------------------- | ------------------------------------------------------------------------------ |
 * | all        |                                  | id = event_id, correlation_id = request_id, actor_id = user_id, session_id, timestamp = timestamp_ms, ab_test_id = experiment_id, ab_variant = bucket, device_type |
 * | request    | track / recommendation.request   | properties{filters, k, region, locale}                                         |
 * | ranking    | trace / recommendation.ranking   | trace_id and span_id from request_id, duration_ms = latency_ms, properties{coverage, algorithm, alpha, items} |
 * | impression | track / recommendation.impression | resource_type item, resource_id = canonical_id, properties{position, visible_ms, surface} |
 * | click      | track / recommendation.click     | resource_type item, resource_id = canonical_id, properties{engagement_type, dwell_ms, position} |
 * | error      | log / error_code                 | log_level (warning: warn, critical: fatal), log_logger = component, error_type, error_message and log_message = message, context, data.resolution |
 *
 * Without `event_id` the join keys are the id, as many as make the event one of a kind: request_id; canonical_id too for an
 * impression; engagement_type as well for a click. Every field without a column is kept in `properties` (an error's in `data`).
 */
export const decodeRecommendations: Decode = (body, cx) => runAtOnce(decodeRecommendationsInSteps(body, cx))

export const decodeRecommendationsInSteps: DecodeInSteps = (body, cx) => decodeEvents(body, cx, decodeEvent)

const types: ReadonlySet<string> = new Set<RecommendationEvent>(['request', 'ranking', 'impression', 'click', 'error'])

function decodeEvent(event: unknown, mayHaveInfinite: boolean): RawEvent {
  const columns: EventColumns = {}
  if (!isObject(event)) return { columns, original: event, issues: [expected('', 'object', event)] }
  const issues: Issue[] = []
  setCommon(event, columns)
  const type = typeOf(event['event_type'])
  if (type === undefined) {
    const said = event['event_type']
    issues.push(said === undefined ? '/event_type: required' : expected('/event_type', [...types].join(', '), said))
  } else {
    issues.push(...recommendationIssues(type, event))
    mapType(type, event, columns, issues)
  }
  if (mayHaveInfinite) noteInfinite(event, issues)
  return issues.length === 0 ? { columns, original: event } : { columns, original: event, issues }
}

function typeOf(value: unknown): RecommendationEvent | undefined {
  if (typeof value !== 'string') return undefined
  const word = value.startsWith('recommendation.') ? value.slice('recommendation.'.length) : value
  return types.has(word) ? (word as RecommendationEvent) : undefined
}

type Event = Readonly<Record<string, unknown>>

/** Only what is of the right type: the schema complains of the rest. */
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
const number = (value: unknown): number | undefined => (Number.isFinite(value) ? (value as number) : undefined)

/** Ids are compared by their text. */
const id = (value: unknown): string | undefined => text(value)?.toLowerCase()

function setCommon(event: Event, columns: EventColumns): void {
  const own = id(event['event_id'])
  if (own !== undefined) columns.id = own
  const request = id(event['request_id'])
  if (request !== undefined) columns.correlation_id = request
  const user = id(event['user_id'])
  if (user !== undefined) columns.actor_id = user
  const session = id(event['session_id'])
  if (session !== undefined) columns.session_id = session
  const time = number(event['timestamp_ms'])
  if (time !== undefined) columns.timestamp = time
  const experiment = text(event['experiment_id'])
  if (experiment !== undefined) columns.ab_test_id = experiment
  const bucket = text(event['bucket'])
  if (bucket !== undefined) columns.ab_variant = bucket
  const device = text(event['device_type'])
  if (device !== undefined) columns.device_type = device
}

/** What `setCommon` has taken. */
const commonKeys = [
  'event_id',
  'event_type',
  'request_id',
  'user_id',
  'session_id',
  'timestamp_ms',
  'experiment_id',
  'bucket',
  'device_type',
]
const itemKeys: ReadonlySet<string> = new Set([...commonKeys, 'canonical_id'])

/** What has a column: the rest goes to `properties`, an error's to `data`. */
const placed: Readonly<Record<RecommendationEvent, ReadonlySet<string>>> = {
  request: new Set(commonKeys),
  ranking: new Set([...commonKeys, 'latency_ms']),
  impression: itemKeys,
  click: itemKeys,
  error: new Set([...commonKeys, 'error_code', 'message', 'component', 'severity', 'context']),
}

function mapType(type: RecommendationEvent, event: Event, columns: EventColumns, issues: Issue[]): void {
  columns.event_type = type === 'ranking' ? 'trace' : type === 'error' ? 'log' : 'track'
  columns.event_name = `recommendation.${type}`
  if (type === 'error') return mapError(event, columns)
  if (type === 'ranking') {
    setTrace(columns)
    checkLength(event, issues)
    const duration = number(event['latency_ms'])
    if (duration !== undefined) columns.duration_ms = duration
  } else if (type !== 'request') {
    columns.resource_type = 'item'
    const item = text(event['canonical_id'])
    if (item !== undefined) columns.resource_id = item
  }
  columns.properties = restOf(event, placed[type])
  if (columns.id !== undefined) return
  const joined = joinId(type, event, columns)
  if (joined !== undefined) columns.id = joined
}

/** A list is at most as long as it was asked for. */
function checkLength({ items, k }: Event, issues: Issue[]): void {
  if (Array.isArray(items) && typeof k === 'number' && items.length > k)
    issues.push(`/items: ${items.length} items, but k is ${k}`)
}

/** A ranking is work that was done: its request names the trace, and its second half the span. */
function setTrace(columns: EventColumns): void {
  const hex = columns.correlation_id?.replaceAll('-', '')
  if (hex?.length !== 32) return
  columns.trace_id = hex
  columns.span_id = hex.slice(16)
}

const levels: Readonly<Record<string, readonly [string, number]>> = {
  info: ['info', 9],
  warning: ['warn', 13],
  error: ['error', 17],
  critical: ['fatal', 21],
}

function mapError(event: Event, columns: EventColumns): void {
  const code = text(event['error_code'])
  const message = text(event['message'])
  if (code !== undefined) {
    columns.event_name = code
    columns.error_type = code
  }
  if (message !== undefined) {
    columns.error_message = message
    columns.log_message = message
  }
  const component = text(event['component'])
  if (component !== undefined) columns.log_logger = component
  const severity = text(event['severity']) ?? ''
  const level = Object.hasOwn(levels, severity) ? levels[severity] : undefined
  if (level !== undefined) [columns.log_level, columns.log_level_num] = level
  const rest = restOf(event, placed.error)
  const { context } = event
  if (isObject(context)) columns.context = { ...context }
  else if (context !== undefined) rest['context'] = context
  for (const _ in rest) {
    columns.data = rest
    break
  }
}

/** Undefined where a part is missing: then the event is quarantined anyway. */
function joinId(
  type: RecommendationEvent,
  event: Event,
  { correlation_id: request }: EventColumns,
): string | undefined {
  if (request === undefined) return undefined
  if (type === 'request' || type === 'ranking') return `recommendation_${type}_${request}`
  const item = text(event['canonical_id'])
  if (item === undefined) return undefined
  const engagement = text(event['engagement_type'])
  return type === 'impression'
    ? `recommendation_impression_${request}_${item}`
    : engagement && `recommendation_click_${request}_${item}_${engagement}`
}

/** A new object: deleting from a copy would make it a slow one. */
function restOf(event: Event, without: ReadonlySet<string>): Record<string, unknown> {
  const rest: Record<string, unknown> = {}
  for (const key in event) if (!without.has(key)) setKey(rest, key, event[key])
  return rest
}
