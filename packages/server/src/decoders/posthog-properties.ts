import type { EventColumns } from '@millrace/protocol'
import { asId } from './issues.ts'

type Json = Record<string, unknown>

/**
 * PostHog's own properties into columns; all of them stay in `properties` too. A property of a wrong type stays there alone:
 * properties are the client's own, and cannot make an event bad.
 *
 * | properties                                                | columns                                           |
 * | --------------------------------------------------------- | ------------------------------------------------- |
 * | $current_url, $host, $pathname, $referrer                 | http_url, http_host, http_path, http_referrer ('$direct' is none) |
 * | $raw_user_agent, or $user_agent                           | http_user_agent                                   |
 * | $title                                                    | page_title                                        |
 * | $session_id, $timezone                                    | session_id, geo_timezone                          |
 * | $browser, $browser_version                                | client_name, client_version, client_type browser  |
 * | else $lib, $lib_version                                   | client_name, client_version, client_type mobile_app or sdk |
 * | $os or $os_name, $os_version                              | os_name, os_version                               |
 * | $device_type, $device_model or $device, $device_manufacturer | device_type (lower case), device_model, device_brand |
 * | $screen_width, $screen_height                             | screen_size `WxH`                                 |
 * | utm_source, _medium, _campaign, _term, _content, _id      | campaign_source, _medium, _name, _term, _content, _id |
 * | $geoip_country_code, _subdivision_1_code, _city_name, _postal_code, _latitude, _longitude, _time_zone | geo_* |
 * | $feature_flag, $feature_flag_response                     | ab_test_id, ab_variant                            |
 */
export function mapProperties(properties: Json, columns: EventColumns): void {
  mapPage(properties, columns)
  mapClient(properties, columns)
  mapCampaign(properties, columns)
  mapPlace(properties, columns)
  const flag = textOf(properties['$feature_flag'])
  if (flag !== undefined) {
    columns.ab_test_id = flag
    const variant = properties['$feature_flag_response']
    if (typeof variant === 'string' || typeof variant === 'boolean') columns.ab_variant = String(variant)
  }
}

function mapPage(properties: Json, columns: EventColumns): void {
  let text: string | undefined
  if ((text = textOf(properties['$current_url'])) !== undefined) columns.http_url = text
  if ((text = textOf(properties['$host'])) !== undefined) columns.http_host = text
  if ((text = textOf(properties['$pathname'])) !== undefined) columns.http_path = text
  text = textOf(properties['$referrer'])
  if (text !== undefined && text !== '$direct') columns.http_referrer = text
  text = textOf(properties['$raw_user_agent']) ?? textOf(properties['$user_agent']) ?? textOf(properties['$useragent'])
  if (text !== undefined) columns.http_user_agent = text
  if ((text = textOf(properties['$title'])) !== undefined) columns.page_title = text
  if ((text = idOf(properties['$session_id'])) !== undefined) columns.session_id = text
}

/** Libraries of apps; every other one that is no browser runs on a server. */
const mobileLibrary = /ios|android|react-native|flutter|unity|kotlin|swift/i

function mapClient(properties: Json, columns: EventColumns): void {
  let text: string | undefined
  const browser = textOf(properties['$browser'])
  const library = textOf(properties['$lib'])
  if (browser !== undefined) {
    columns.client_type = 'browser'
    columns.client_name = browser
    if ((text = idOf(properties['$browser_version'])) !== undefined) columns.client_version = text
  } else if (library !== undefined) {
    columns.client_type = library === 'web' ? 'browser' : mobileLibrary.test(library) ? 'mobile_app' : 'sdk'
    columns.client_name = library
    if ((text = idOf(properties['$lib_version'])) !== undefined) columns.client_version = text
  }
  if ((text = textOf(properties['$os']) ?? textOf(properties['$os_name'])) !== undefined) columns.os_name = text
  if ((text = idOf(properties['$os_version'])) !== undefined) columns.os_version = text
  if ((text = textOf(properties['$device_type'])) !== undefined) columns.device_type = text.toLowerCase()
  text = textOf(properties['$device_model']) ?? textOf(properties['$device'])
  if (text !== undefined) columns.device_model = text
  if ((text = textOf(properties['$device_manufacturer'])) !== undefined) columns.device_brand = text
  const width = properties['$screen_width']
  const height = properties['$screen_height']
  if (typeof width === 'number' && typeof height === 'number') columns.screen_size = `${width}x${height}`
}

function mapCampaign(properties: Json, columns: EventColumns): void {
  let text: string | undefined
  if ((text = textOf(properties['utm_source'])) !== undefined) columns.campaign_source = text
  if ((text = textOf(properties['utm_medium'])) !== undefined) columns.campaign_medium = text
  if ((text = textOf(properties['utm_campaign'])) !== undefined) columns.campaign_name = text
  if ((text = textOf(properties['utm_term'])) !== undefined) columns.campaign_term = text
  if ((text = textOf(properties['utm_content'])) !== undefined) columns.campaign_content = text
  if ((text = idOf(properties['utm_id'])) !== undefined) columns.campaign_id = text
}

function mapPlace(properties: Json, columns: EventColumns): void {
  let text: string | undefined
  text = textOf(properties['$timezone']) ?? textOf(properties['$geoip_time_zone'])
  if (text !== undefined) columns.geo_timezone = text
  if ((text = textOf(properties['$geoip_country_code'])) !== undefined) columns.geo_country = text
  if ((text = idOf(properties['$geoip_subdivision_1_code'])) !== undefined) columns.geo_region = text
  if ((text = textOf(properties['$geoip_city_name'])) !== undefined) columns.geo_city = text
  if ((text = idOf(properties['$geoip_postal_code'])) !== undefined) columns.geo_postal = text
  const latitude = properties['$geoip_latitude']
  const longitude = properties['$geoip_longitude']
  if (isFinite(latitude)) columns.geo_latitude = latitude
  if (isFinite(longitude)) columns.geo_longitude = longitude
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Text, or a number as its decimal string. */
function idOf(value: unknown): string | undefined {
  return asId(value) ?? undefined
}

function isFinite(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
