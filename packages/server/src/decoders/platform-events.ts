import type { EventColumns } from '@millrace/protocol'
import type { RawEvent } from '../core/batch.ts'
import type { Decode } from './decode.ts'
import { decodeEvents } from './event-list.ts'
import { asId, expected, type Issue, isObject, noteInfinite, setKey } from './issues.ts'
import { categoryOf, isPlatformCategory, isPlatformName, platformCategories } from './platform-event-types.ts'
import { readTime } from './timestamp.ts'

/**
 * A platform's own events: rows of a `platform_events` table, one, an array, `{"events":[…]}` or lines.
 *
 * | field                                  | columns                                                                      |
 * | -------------------------------------- | ---------------------------------------------------------------------------- |
 * | event_id                               | id                                                                           |
 * | event_type `entity.action`             | event_type track, event_name                                                 |
 * | event_category                         | labels.category, on which retention goes; known types need not say it        |
 * | user_id                                | actor_id, actor_type user; without one and source system: actor_type system  |
 * | entity_type, entity_id                 | resource_type, resource_id                                                   |
 * | event_data                             | data                                                                         |
 * | metadata                               | context, without `ip_address`                                                |
 * | metadata.session_id, user_agent, referrer, page_url | session_id, http_user_agent, http_referrer, http_url            |
 * | metadata.geo_location {country, region, city, latitude, longitude} | geo_*                                            |
 * | metadata.device_info {device_type, browser, os, screen_width, screen_height} | device_type, client_name, os_name, screen_size |
 * | source: web, mobile, api, system       | event_source; web when left out                                              |
 * | timestamp, else created_at             | timestamp                                                                    |
 *
 * Every other field of the row is kept in `properties` (`processing_status`, `retry_count` … of an export).
 */
export const decodePlatformEvents: Decode = (body, cx) => decodeEvents(body, cx, decodeEvent)

const sources: readonly string[] = ['web', 'mobile', 'api', 'system']

type Json = Record<string, unknown>

function decodeEvent(event: unknown, mayHaveInfinite: boolean): RawEvent {
  const columns: EventColumns = {}
  if (!isObject(event)) return { columns, original: event, issues: [expected('', 'object', event)] }
  const issues: Issue[] = []
  columns.event_type = 'track'
  setId(columns, 'id', event, 'event_id', issues)
  setId(columns, 'actor_id', event, 'user_id', issues)
  setId(columns, 'resource_id', event, 'entity_id', issues)
  setText(columns, 'resource_type', event, '', 'entity_type', issues)
  setTime(event, columns, issues)
  setType(event, columns, issues)
  setSource(event, columns, issues)
  const data = objectOf(event, 'event_data', issues)
  if (data !== undefined) columns.data = { ...data }
  const metadata = objectOf(event, 'metadata', issues)
  if (metadata !== undefined) mapMetadata(metadata, columns, issues)
  keepOthers(event, columns)
  if (mayHaveInfinite) noteInfinite(event, issues)
  return issues.length === 0 ? { columns, original: event } : { columns, original: event, issues }
}

function setType(event: Json, columns: EventColumns, issues: Issue[]): void {
  const type = event['event_type']
  if (typeof type !== 'string' || !isPlatformName(type)) {
    issues.push(type == null ? '/event_type: required' : expected('/event_type', 'a name as entity.action', type))
    return
  }
  columns.event_name = type
  const known = categoryOf(type)
  const said = event['event_category']
  if (said == null) {
    if (known === undefined) issues.push('/event_category: required for an event type that is not among the known ones')
    else columns.labels = { category: known }
  } else if (!isPlatformCategory(said)) {
    issues.push(expected('/event_category', platformCategories.join(', '), said))
  } else if (known !== undefined && known !== said) {
    issues.push(`/event_category: ${said}, but events of this type are ${known}`)
  } else columns.labels = { category: said }
}

function setSource(event: Json, columns: EventColumns, issues: Issue[]): void {
  const said = event['source'] ?? 'web'
  if (typeof said !== 'string' || !sources.includes(said)) {
    issues.push(expected('/source', sources.join(', '), said))
    return
  }
  columns.event_source = said
  if (columns.actor_id !== undefined) columns.actor_type = 'user'
  else if (said === 'system') columns.actor_type = 'system'
}

function setTime(event: Json, columns: EventColumns, issues: Issue[]): void {
  const field = event['timestamp'] == null ? 'created_at' : 'timestamp'
  if (event[field] == null) return
  const time = readTime(event[field])
  if (typeof time === 'number') columns.timestamp = time
  else issues.push(`/${field}: ${time}`)
}

function mapMetadata(metadata: Json, columns: EventColumns, issues: Issue[]): void {
  const { ip_address: _, ...context } = metadata
  columns.context = context
  setId(columns, 'session_id', metadata, 'session_id', issues, 'metadata/')
  setText(columns, 'http_user_agent', metadata, 'metadata/', 'user_agent', issues)
  setText(columns, 'http_referrer', metadata, 'metadata/', 'referrer', issues)
  setText(columns, 'http_url', metadata, 'metadata/', 'page_url', issues)
  const geo = metadata['geo_location']
  if (isObject(geo)) {
    const at = 'metadata/geo_location/'
    setText(columns, 'geo_country', geo, at, 'country', issues)
    setText(columns, 'geo_region', geo, at, 'region', issues)
    setText(columns, 'geo_city', geo, at, 'city', issues)
    setNumber(columns, 'geo_latitude', geo, at, 'latitude', issues)
    setNumber(columns, 'geo_longitude', geo, at, 'longitude', issues)
  }
  const device = metadata['device_info']
  if (isObject(device)) {
    const at = 'metadata/device_info/'
    setText(columns, 'device_type', device, at, 'device_type', issues)
    setText(columns, 'client_name', device, at, 'browser', issues)
    setText(columns, 'os_name', device, at, 'os', issues)
    const { screen_width: width, screen_height: height } = device
    if (typeof width === 'number' && typeof height === 'number') columns.screen_size = `${width}x${height}`
  }
}

const mapped: ReadonlySet<string> = new Set([
  'event_id',
  'event_type',
  'event_category',
  'user_id',
  'entity_type',
  'entity_id',
  'event_data',
  'metadata',
  'source',
  'timestamp',
])

function keepOthers(event: Json, columns: EventColumns): void {
  for (const key of Object.keys(event)) {
    if (mapped.has(key) || event[key] === null) continue
    columns.properties ??= {}
    setKey(columns.properties, key, event[key])
  }
}

function objectOf(event: Json, field: string, issues: Issue[]): Json | undefined {
  const value = event[field]
  if (value == null) return undefined
  if (isObject(value)) return value
  issues.push(expected(`/${field}`, 'object', value))
  return undefined
}

type IdColumn = 'id' | 'actor_id' | 'resource_id' | 'session_id'

function setId(columns: EventColumns, column: IdColumn, from: Json, field: string, issues: Issue[], at = ''): void {
  const id = asId(from[field])
  if (id === null) issues.push(expected(`/${at}${field}`, 'string', from[field]))
  else if (id !== undefined) columns[column] = id
}

type TextColumn =
  | 'resource_type'
  | 'http_user_agent'
  | 'http_referrer'
  | 'http_url'
  | 'geo_country'
  | 'geo_region'
  | 'geo_city'
  | 'device_type'
  | 'client_name'
  | 'os_name'

function setText(
  columns: EventColumns,
  column: TextColumn,
  from: Json,
  at: string,
  field: string,
  issues: Issue[],
): void {
  const value = from[field]
  if (typeof value === 'string') {
    if (value !== '') columns[column] = value
  } else if (value != null) issues.push(expected(`/${at}${field}`, 'string', value))
}

function setNumber(
  columns: EventColumns,
  column: 'geo_latitude' | 'geo_longitude',
  from: Json,
  at: string,
  field: string,
  issues: Issue[],
): void {
  const value = from[field]
  if (typeof value === 'number') columns[column] = value
  else if (value != null) issues.push(expected(`/${at}${field}`, 'number', value))
}
