import type { EventColumns } from '@millrace/protocol'
import type { RawEvent } from '../core/batch.ts'
import { runAtOnce } from '../core/in-steps.ts'
import type { Decode, DecodeInSteps } from './decode.ts'
import { decodeEvents } from './event-list.ts'
import { expected, type Issue, isObject, noteInfinite } from './issues.ts'
import { categoryOf, isPlatformCategory, isPlatformName, platformCategories } from './platform-event-types.ts'
import { othersOf, readId, readNumber, readObject, readText, readTimeField, spelling } from './read-fields.ts'

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
export const decodePlatformEvents: Decode = (body, cx) => runAtOnce(decodePlatformEventsInSteps(body, cx))

export const decodePlatformEventsInSteps: DecodeInSteps = (body, cx) => decodeEvents(body, cx, decodeEvent)

const sources: readonly string[] = ['web', 'mobile', 'api', 'system']

type Json = Readonly<Record<string, unknown>>

function decodeEvent(event: unknown, mayHaveInfinite: boolean): RawEvent {
  const columns: EventColumns = {}
  if (!isObject(event)) return { columns, original: event, issues: [expected('', 'object', event)] }
  const issues: Issue[] = []
  columns.event_type = 'track'
  const id = readId(event, 'event_id', '', issues)
  if (id !== undefined) columns.id = id
  const actorId = readId(event, 'user_id', '', issues)
  if (actorId !== undefined) columns.actor_id = actorId
  const resourceId = readId(event, 'entity_id', '', issues)
  if (resourceId !== undefined) columns.resource_id = resourceId
  const resourceType = readText(event, 'entity_type', '', issues)
  if (resourceType !== undefined) columns.resource_type = resourceType
  const timestamp = readTimeField(event, spelling(event, 'timestamp', 'created_at'), '', issues)
  if (timestamp !== undefined) columns.timestamp = timestamp
  setType(event, columns, issues)
  setSource(event, columns, issues)
  const data = readObject(event, 'event_data', '', issues)
  if (data !== undefined) columns.data = { ...data }
  const metadata = readObject(event, 'metadata', '', issues)
  if (metadata !== undefined) mapMetadata(metadata, columns, issues)
  const properties = othersOf(event, mapped)
  if (properties !== undefined) columns.properties = properties
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

function mapMetadata(metadata: Json, columns: EventColumns, issues: Issue[]): void {
  const { ip_address: _, ...context } = metadata
  columns.context = context
  const at = 'metadata/'
  let text: string | undefined
  if ((text = readId(metadata, 'session_id', at, issues)) !== undefined) columns.session_id = text
  if ((text = readText(metadata, 'user_agent', at, issues)) !== undefined) columns.http_user_agent = text
  if ((text = readText(metadata, 'referrer', at, issues)) !== undefined) columns.http_referrer = text
  if ((text = readText(metadata, 'page_url', at, issues)) !== undefined) columns.http_url = text
  const geo = metadata['geo_location']
  if (isObject(geo)) {
    const atGeo = `${at}geo_location/`
    if ((text = readText(geo, 'country', atGeo, issues)) !== undefined) columns.geo_country = text
    if ((text = readText(geo, 'region', atGeo, issues)) !== undefined) columns.geo_region = text
    if ((text = readText(geo, 'city', atGeo, issues)) !== undefined) columns.geo_city = text
    const latitude = readNumber(geo, 'latitude', atGeo, issues)
    if (latitude !== undefined) columns.geo_latitude = latitude
    const longitude = readNumber(geo, 'longitude', atGeo, issues)
    if (longitude !== undefined) columns.geo_longitude = longitude
  }
  const device = metadata['device_info']
  if (isObject(device)) {
    const atDevice = `${at}device_info/`
    if ((text = readText(device, 'device_type', atDevice, issues)) !== undefined) columns.device_type = text
    if ((text = readText(device, 'browser', atDevice, issues)) !== undefined) columns.client_name = text
    if ((text = readText(device, 'os', atDevice, issues)) !== undefined) columns.os_name = text
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
