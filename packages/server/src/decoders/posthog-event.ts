import type { EventColumns } from '@millrace/protocol'
import type { RawEvent } from '../core/batch.ts'
import { asId, expected, type Issue, isObject, noteInfinite, setKey } from './issues.ts'
import { mapException } from './posthog-exception.ts'
import { type PosthogPart, snapshotsOf, vitalsOf } from './posthog-parts.ts'
import { mapProperties, textOf } from './posthog-properties.ts'
import type { InflateBudget } from './posthog-recording.ts'
import { readPosthogTime } from './posthog-time.ts'

type Json = Record<string, unknown>

/** What a body says for all its events. */
export interface PosthogBatch {
  /** `engage`: events need no name, they set properties of a person. `v1`: some properties stand beside the others. */
  readonly kind: 'capture' | 'engage' | 'v1'
  readonly writeKey: string | undefined
  readonly sentAt: number | undefined
  /** v1 names the library in a header. */
  readonly library: readonly [name: string, version: string] | undefined
  readonly mayHaveInfinite: boolean
  readonly budget: InflateBudget
}

/**
 * One PostHog event into one event of the table; `$web_vitals` and `$snapshot` into one per metric and per rrweb event.
 *
 * | event                  | event_type / event_name | beside what all have                                              |
 * | ---------------------- | ----------------------- | ----------------------------------------------------------------- |
 * | $pageview, $screen     | page / page_view, screen_view | page_title = title, $screen_name                           |
 * | $identify, $set, $set_once | track / identify    | traits; actor_name = traits.name; anonymous_id = $anon_distinct_id |
 * | $create_alias          | track / alias           | actor_id = distinct_id, resource_type user, resource_id = alias: equals, since libraries differ in which is the older |
 * | $groupidentify         | track / group           | resource_type group, resource_ns = $group_type, resource_id = $group_key, traits = $group_set |
 * | $exception             | log / $exception        | log_*, error_*                                                    |
 * | $web_vitals            | vital / LCP …           | vital_*                                                           |
 * | $snapshot              | replay / FullSnapshot … | replay_*                                                          |
 * | $autocapture           | track / $autocapture    | action_verb = $event_type                                         |
 * | all else               | track / its own name    |                                                                   |
 *
 * All: id = uuid, else $insert_id. traits = $set over $set_once, wherever the event has them; $set_once is kept in `properties` too, to be
 * told apart. `properties` holds all others but `$ip` and the write key, `data` the event's other fields, and `event` when it was renamed.
 */
export function mapPosthogEvent(event: unknown, batch: PosthogBatch): Iterable<RawEvent> {
  const columns: EventColumns = {}
  const issues: Issue[] = []
  if (!isObject(event)) {
    return [{ columns, original: event, issues: [expected('', 'object', event)] }]
  }
  const properties = readProperties(event, batch, issues)
  setId(event, properties, columns, issues)
  setTime(event, batch, columns, issues)
  mapProperties(properties, columns)
  setTraits(event, properties, columns)
  const name = readName(event, batch, issues)
  setActor(event, name, properties, columns, issues)
  keepOtherFields(event, columns)
  if (batch.mayHaveInfinite) noteInfinite(event, issues)
  columns.properties = properties
  const parts = name === undefined ? undefined : mapName(name, event, properties, columns, issues, batch.budget)
  if (parts !== undefined) return eachPart(parts, event, issues)
  return [issues.length === 0 ? { columns, original: event } : { columns, original: event, issues }]
}

function* eachPart(parts: Iterable<PosthogPart>, event: Json, issues: readonly Issue[]): Generator<RawEvent> {
  for (const part of parts) yield partOf(part, event, issues)
}

function partOf(part: PosthogPart, event: Json, shared: readonly Issue[]): RawEvent {
  const issues = [...shared, ...part.issues]
  const original = { ...event, properties: part.properties }
  return issues.length === 0 ? { columns: part.columns, original } : { columns: part.columns, original, issues }
}

function readName(event: Json, batch: PosthogBatch, issues: Issue[]): string | undefined {
  const name = event['event']
  if (typeof name === 'string' && name !== '') return name
  if (batch.kind === 'engage' && (name === undefined || name === null || name === '')) return '$identify'
  issues.push(
    name === undefined || name === '' || name === null ? '/event: required' : expected('/event', 'string', name),
  )
  return undefined
}

/** A fresh copy, without the sender's address and the key that the request was sent with. */
function readProperties(event: Json, batch: PosthogBatch, issues: Issue[]): Json {
  const given = event['properties']
  const properties: Json = {}
  if (isObject(given)) {
    for (const key in given) {
      const value = given[key]
      if (key === '$ip' || (key === 'token' && value === batch.writeKey)) continue
      // These become traits, and are not stored twice.
      if ((key === '$set' || (key === '$group_set' && event['event'] === '$groupidentify')) && isObject(value)) continue
      setKey(properties, key, value)
    }
  } else if (given !== undefined && given !== null) issues.push(expected('/properties', 'object', given))
  if (batch.kind === 'v1') takeBack(event, batch, properties)
  return properties
}

/** What v1 moves out of the properties, under the names that it has everywhere else. */
const options: Readonly<Record<string, string>> = {
  cookieless_mode: '$cookieless_mode',
  disable_skew_correction: '$ignore_sent_at',
  process_person_profile: '$process_person_profile',
  product_tour_id: '$product_tour_id',
}

function takeBack(event: Json, batch: PosthogBatch, properties: Json): void {
  const put = (key: string, value: unknown) => {
    if (value !== undefined && value !== null && !Object.hasOwn(properties, key)) properties[key] = value
  }
  put('$session_id', event['session_id'])
  put('$window_id', event['window_id'])
  put('$lib', batch.library?.[0])
  put('$lib_version', batch.library?.[1])
  const said = event['options']
  if (isObject(said)) for (const key in said) put(options[key] ?? key, said[key])
}

function setId(event: Json, properties: Json, columns: EventColumns, issues: Issue[]): void {
  const own = asId(event['uuid'])
  if (own === null) issues.push(expected('/uuid', 'string', event['uuid']))
  const id = own?.trim() || asId(properties['$insert_id'])
  if (id !== undefined && id !== null) columns.id = id
}

/**
 * `timestamp`, or `offset`: milliseconds before the request was sent. An offset without a time of sending stays in `data`, and the event
 * has the time of its receipt.
 */
function setTime(event: Json, batch: PosthogBatch, columns: EventColumns, issues: Issue[]): void {
  const { timestamp, offset } = event
  if (timestamp !== undefined && timestamp !== null && timestamp !== '') {
    const time = readPosthogTime(timestamp)
    if (typeof time === 'number') columns.timestamp = time
    else issues.push(`/timestamp: ${time}`)
  } else if (typeof offset === 'number' && Number.isFinite(offset) && batch.sentAt !== undefined) {
    columns.timestamp = Math.trunc(batch.sentAt - offset)
  } else if (offset !== undefined && offset !== null && typeof offset !== 'number') {
    issues.push(expected('/offset', 'number', offset))
  }
}

/** `$set` wins over `$set_once`, wherever the two stand. */
function setTraits(event: Json, properties: Json, columns: EventColumns): void {
  const given = isObject(event['properties']) ? event['properties'] : {}
  let traits: Json | undefined
  for (const set of [given['$set_once'], event['$set_once'], given['$set'], event['$set']]) {
    if (!isObject(set)) continue
    traits ??= {}
    for (const name in set) setKey(traits, name, set[name])
  }
  if (traits === undefined) return
  columns.traits = traits
  if (isObject(event['$set_once']) && properties['$set_once'] === undefined) {
    properties['$set_once'] = { ...event['$set_once'] }
  }
}

/**
 * `distinct_id` is a person's id once it was identified, and before that a device's.
 *
 * 1. `$user_id` is the person. 2. `$is_identified` says which one distinct_id is. 3. `$process_person_profile: false` is anonymous.
 * 4. `$device_id`: the same means anonymous, another one identified. 5. A browser's recording says none of these: a UUID is the device's.
 * 6. Else it is a server's library, which knows its users.
 * anonymous_id is `$anon_distinct_id`, else `$device_id`, else the anonymous distinct_id.
 */
function setActor(
  event: Json,
  name: string | undefined,
  properties: Json,
  columns: EventColumns,
  issues: Issue[],
): void {
  const given = event['distinct_id'] ?? event['$distinct_id'] ?? properties['distinct_id'] ?? properties['$distinct_id']
  const said = asId(given)
  // A group that nobody in particular describes: server libraries make an id of it.
  const isGroup = name === '$groupidentify' && said === groupId(properties)
  const distinct = isGroup ? undefined : said
  if (distinct === null) issues.push(expected('/distinct_id', 'string', given))
  const user = asId(properties['$user_id']) ?? undefined
  const device = asId(properties['$device_id']) ?? undefined
  const before = asId(properties['$anon_distinct_id']) ?? undefined
  const isPerson = name === '$identify' || name === '$create_alias' || isIdentified(distinct, device, properties)
  const person = user ?? (isPerson ? (distinct ?? undefined) : undefined)
  const visitor = before ?? device ?? (isPerson ? undefined : (distinct ?? undefined))
  if (person !== undefined) columns.actor_id = person
  if (visitor !== undefined && visitor !== person) columns.anonymous_id = visitor
}

function groupId(properties: Json): string {
  return `$${String(properties['$group_type'])}_${String(properties['$group_key'])}`
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

function isIdentified(distinct: string | null | undefined, device: string | undefined, properties: Json): boolean {
  const said = properties['$is_identified']
  if (typeof said === 'boolean') return said
  if (properties['$process_person_profile'] === false) return false
  if (device !== undefined) return device !== distinct
  return !(properties['$lib'] === 'web' && typeof distinct === 'string' && uuid.test(distinct))
}

/** Beside what all events have; the parts, when it is several events of ours. */
function mapName(
  name: string,
  event: Json,
  properties: Json,
  columns: EventColumns,
  issues: Issue[],
  budget: InflateBudget,
): Iterable<PosthogPart> | undefined {
  columns.event_type = 'track'
  columns.event_name = name
  switch (name) {
    case '$pageview': {
      rename('page', 'page_view', name, columns)
      const title = textOf(properties['title'])
      if (title !== undefined) columns.page_title = title
      break
    }
    case '$screen': {
      rename('page', 'screen_view', name, columns)
      const screen = textOf(properties['$screen_name'])
      if (screen !== undefined) columns.page_title = screen
      break
    }
    case '$identify':
    case '$set':
    case '$set_once':
      rename('track', 'identify', name, columns)
      if (typeof columns.traits?.['name'] === 'string') columns.actor_name = columns.traits['name']
      break
    case '$create_alias':
      rename('track', 'alias', name, columns)
      columns.resource_type = 'user'
      setResource(properties['alias'], '/properties/alias', columns, issues)
      if (columns.actor_id === undefined) issues.push('/distinct_id: required')
      break
    case '$groupidentify':
      rename('track', 'group', name, columns)
      mapGroup(event, properties, columns, issues)
      break
    case '$autocapture': {
      const verb = textOf(properties['$event_type'])
      if (verb !== undefined) columns.action_verb = verb
      break
    }
    case '$exception':
      mapException(properties, columns)
      break
    case '$web_vitals':
      return vitalsOf(columns, properties)
    case '$snapshot':
      return snapshotsOf(columns, properties, budget)
  }
  return undefined
}

function rename(type: 'track' | 'page', name: string, event: string, columns: EventColumns): void {
  columns.event_type = type
  columns.event_name = name
  columns.data = { ...columns.data, event }
}

function mapGroup(event: Json, properties: Json, columns: EventColumns, issues: Issue[]): void {
  columns.resource_type = 'group'
  setResource(properties['$group_key'], '/properties/$group_key', columns, issues)
  const type = textOf(properties['$group_type'])
  if (type !== undefined) columns.resource_ns = type
  const set = isObject(event['properties']) ? event['properties']['$group_set'] : undefined
  if (!isObject(set)) return
  columns.traits = { ...set }
  if (typeof set['name'] === 'string') columns.resource_name = set['name']
}

function setResource(value: unknown, pointer: string, columns: EventColumns, issues: Issue[]): void {
  const id = asId(value)
  if (id === null) issues.push(expected(pointer, 'string', value))
  else if (id === undefined) issues.push(`${pointer}: required`)
  else columns.resource_id = id
}

/** Fields that have a place of their own; keys are credentials and have none. */
const placed: ReadonlySet<string> = new Set([
  'event',
  'uuid',
  'distinct_id',
  '$distinct_id',
  'properties',
  'timestamp',
  'sent_at',
  '$set',
  '$set_once',
  'token',
  '$token',
  'api_key',
  'ip',
  '$ip',
  'session_id',
  'window_id',
  'options',
])

function keepOtherFields(event: Json, columns: EventColumns): void {
  let data: Json | undefined
  for (const key in event) {
    if (placed.has(key)) continue
    const value = event[key]
    if (value === null || value === undefined) continue
    if (key === 'offset' && columns.timestamp !== undefined) continue
    data ??= {}
    setKey(data, key, value)
  }
  if (data !== undefined) columns.data = data
}
