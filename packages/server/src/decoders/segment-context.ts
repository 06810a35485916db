import type { EventColumns } from '@millrace/protocol'
import { asId, expected, type Issue, isObject, setKey } from './issues.ts'

type Json = Record<string, unknown>

/**
 * The context into columns, and whole into `context` with the message's `integrations`: what has no column (locale,
 * network, app, traits, groupId, a section in a form of the client's own …) is asked for there. `ip` is left out: it is no
 * column and nothing of this pipeline may need it. A field that has a column and a wrong type is an issue.
 *
 * | context                                            | columns                                              |
 * | -------------------------------------------------- | ---------------------------------------------------- |
 * | page {url, path, referrer, title, search}          | http_url, http_path, http_referrer, page_title, page_search |
 * | campaign {name, source, medium, term, content, id} | campaign_*; also under their names in URLs, utm_*     |
 * | device {type, model, manufacturer or brand}        | device_type, device_model, device_brand              |
 * | os {name, version}, library {name, version}        | os_name, os_version; client_name, client_version     |
 * | screen {width, height}                             | screen_size `WxH`                                    |
 * | location {country, region, city, postalCode, latitude, longitude} | geo_*                                 |
 * | userAgent, timezone, sessionId                     | http_user_agent, geo_timezone, session_id            |
 *
 * Written out field by field, not driven by a table: it runs for every Segment event and so takes half the time.
 */
export function mapContext(message: Json, defaults: Json | undefined, columns: EventColumns, issues: Issue[]): void {
  const own = message['context']
  if (own !== undefined && own !== null && !isObject(own)) issues.push(expected('/context', 'object', own))
  const shared = defaults?.['context'] as Json | undefined
  const merged: Json = { ...shared, ...(isObject(own) ? own : undefined) }
  const context = merged['ip'] === undefined ? merged : withoutIp(merged)
  mapSections(context, columns, issues)
  const text = readText(context['userAgent'], '', 'userAgent', issues)
  if (text !== undefined) columns.http_user_agent = text
  const timezone = readText(context['timezone'], '', 'timezone', issues)
  if (timezone !== undefined) columns.geo_timezone = timezone
  const session = readText(context['sessionId'], '', 'sessionId', issues)
  if (session !== undefined) columns.session_id = session
  keepIntegrations(message, defaults, context, columns, issues)
  for (const _ in context) {
    columns.context = context
    break
  }
}

/** Not by `delete`, which would make the object a slow one for all who read it later. */
function withoutIp(context: Json): Json {
  const rest: Json = {}
  for (const key in context) if (key !== 'ip') setKey(rest, key, context[key])
  return rest
}

/** A section that is no object is in a form of the client's own, and stays in `context` only. */
function mapSections(context: Json, columns: EventColumns, issues: Issue[]): void {
  const { page, campaign, device, os, library, location, screen } = context
  let text: string | undefined
  if (isObject(page)) {
    if ((text = readText(page['url'], 'page/', 'url', issues)) !== undefined) columns.http_url = text
    if ((text = readText(page['path'], 'page/', 'path', issues)) !== undefined) columns.http_path = text
    if ((text = readText(page['referrer'], 'page/', 'referrer', issues)) !== undefined) columns.http_referrer = text
    if ((text = readText(page['title'], 'page/', 'title', issues)) !== undefined) columns.page_title = text
    if ((text = readText(page['search'], 'page/', 'search', issues)) !== undefined) columns.page_search = text
  }
  if (isObject(campaign)) mapCampaign(campaign, columns, issues)
  if (isObject(device)) {
    if ((text = readText(device['type'], 'device/', 'type', issues)) !== undefined) columns.device_type = text
    if ((text = readText(device['model'], 'device/', 'model', issues)) !== undefined) columns.device_model = text
    text = readText(device['manufacturer'], 'device/', 'manufacturer', issues)
    text ??= readText(device['brand'], 'device/', 'brand', issues)
    if (text !== undefined) columns.device_brand = text
  }
  if (isObject(os)) {
    if ((text = readText(os['name'], 'os/', 'name', issues)) !== undefined) columns.os_name = text
    if ((text = readText(os['version'], 'os/', 'version', issues)) !== undefined) columns.os_version = text
  }
  if (isObject(library)) {
    if ((text = readText(library['name'], 'library/', 'name', issues)) !== undefined) columns.client_name = text
    if ((text = readText(library['version'], 'library/', 'version', issues)) !== undefined)
      columns.client_version = text
  }
  if (isObject(location)) mapLocation(location, columns, issues)
  if (isObject(screen)) mapScreen(screen, columns, issues)
}

function mapCampaign(campaign: Json, columns: EventColumns, issues: Issue[]): void {
  const read = (field: string, parameter: string) =>
    readText(campaign[field], 'campaign/', field, issues) ??
    readText(campaign[parameter], 'campaign/', parameter, issues)
  let text: string | undefined
  if ((text = read('name', 'utm_campaign')) !== undefined) columns.campaign_name = text
  if ((text = read('source', 'utm_source')) !== undefined) columns.campaign_source = text
  if ((text = read('medium', 'utm_medium')) !== undefined) columns.campaign_medium = text
  if ((text = read('term', 'utm_term')) !== undefined) columns.campaign_term = text
  if ((text = read('content', 'utm_content')) !== undefined) columns.campaign_content = text
  if ((text = read('id', 'utm_id')) !== undefined) columns.campaign_id = text
}

function mapLocation(location: Json, columns: EventColumns, issues: Issue[]): void {
  let text: string | undefined
  if ((text = readText(location['country'], 'location/', 'country', issues)) !== undefined) columns.geo_country = text
  if ((text = readText(location['region'], 'location/', 'region', issues)) !== undefined) columns.geo_region = text
  if ((text = readText(location['city'], 'location/', 'city', issues)) !== undefined) columns.geo_city = text
  if ((text = readText(location['postalCode'], 'location/', 'postalCode', issues)) !== undefined)
    columns.geo_postal = text
  const { latitude, longitude } = location
  if (typeof latitude === 'number') columns.geo_latitude = latitude
  else if (latitude !== undefined && latitude !== null) {
    issues.push(expected('/context/location/latitude', 'number', latitude))
  }
  if (typeof longitude === 'number') columns.geo_longitude = longitude
  else if (longitude !== undefined && longitude !== null) {
    issues.push(expected('/context/location/longitude', 'number', longitude))
  }
}

function mapScreen({ width, height }: Json, columns: EventColumns, issues: Issue[]): void {
  if (width === undefined || width === null || height === undefined || height === null) return
  if (typeof width !== 'number') issues.push(expected('/context/screen/width', 'number', width))
  else if (typeof height !== 'number') issues.push(expected('/context/screen/height', 'number', height))
  else columns.screen_size = `${width}x${height}`
}

/** A text field, or a number as its decimal string; undefined when it is absent, or wrong and noted. */
function readText(value: unknown, section: string, field: string, issues: Issue[]): string | undefined {
  if (value === undefined) return undefined
  const text = asId(value)
  if (text !== null) return text
  issues.push(expected(`/context/${section}${field}`, 'string', value))
  return undefined
}

/** Beside the context's own fields; a context that has a field of that name keeps it, and the message's go to `data`. */
function keepIntegrations(
  message: Json,
  defaults: Json | undefined,
  context: Json,
  columns: EventColumns,
  issues: Issue[],
): void {
  const own = message['integrations']
  if (own !== undefined && own !== null && !isObject(own)) issues.push(expected('/integrations', 'object', own))
  const shared = defaults?.['integrations'] as Json | undefined
  if (shared === undefined && (!isObject(own) || isEmpty(own))) return
  const integrations: Json = { ...shared, ...(isObject(own) ? own : undefined) }
  if (isEmpty(integrations)) return
  if (Object.hasOwn(context, 'integrations')) columns.data = { ...columns.data, integrations }
  else context['integrations'] = integrations
}

function isEmpty(object: Json): boolean {
  for (const _ in object) return false
  return true
}
