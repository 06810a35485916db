import type { EventColumns } from '@millrace/protocol'
import type { Issue } from './issues.ts'
import { adActions, metricNames, navigationTriggers } from './s0-enums.ts'
import { readTime } from './timestamp.ts'
import { type WireReader, wire } from './wire.ts'

/** What the batch says for all its events. */
export interface BatchFacts {
  readonly deviceId: string
  readonly sdkVersion: string
}

export const payloadNames = {
  10: 'page_view',
  11: 'search_event',
  12: 'ai_interaction',
  13: 'navigation',
  14: 'performance',
  15: 'ad_event',
} as const

/**
 * One BrowserEvent (packages/protocol/proto/millrace/v1/browser.proto) from `reader.at` to `reader.end` into columns.
 *
 * | message       | event_type / event_name | columns                                                                          |
 * | ------------- | ----------------------- | -------------------------------------------------------------------------------- |
 * | (envelope)    |                         | id = event_id, anonymous_id = user_id, session_id, timestamp, context.device_id, client_version = the batch's sdk_version |
 * | PageView      | page / page_view        | http_url, page_title, http_referrer, duration_ms = load_time_ms, properties.scroll_depth_pct |
 * | SearchEvent   | track / search_performed | page_search = query, properties{engine, result_count, clicked_position}         |
 * | AIInteraction | track / ai_interaction  | correlation_id = conversation_id, duration_ms = latency_ms, properties{task_type, model, input_tokens, output_tokens, cached}, visibility restricted |
 * | Navigation    | track / navigation      | http_url = url_to, http_referrer = url_from, nav_type = trigger                  |
 * | Performance   | vital / metric name     | vital_name, vital_value, http_url                                                |
 * | AdEvent       | track / `ad.<action>`   | resource_type ad, resource_id = ad_id, campaign_id, properties{placement, revenue_micros} |
 *
 * Of several payloads the last counts, unknown fields are skipped, both as protobuf says. Throws PipelineError when the
 * bytes are no message.
 */
export function readBrowserEvent(reader: WireReader, batch: BatchFacts, columns: EventColumns, issues: Issue[]): void {
  const end = reader.end
  let deviceId = batch.deviceId
  let payload = 0
  let payloadStart = 0
  let payloadEnd = 0
  let text = ''
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case (1 << 3) | wire.bytes:
        if ((text = reader.string()) !== '') columns.id = text
        break
      case (2 << 3) | wire.bytes:
        if ((text = reader.string()) !== '') columns.anonymous_id = text
        break
      case (3 << 3) | wire.bytes:
        if ((text = reader.string()) !== '') deviceId = text
        break
      case (4 << 3) | wire.varint: {
        const session = reader.uint64()
        if (session !== 0) columns.session_id = session.toString()
        break
      }
      case (5 << 3) | wire.varint: {
        const time = reader.int64()
        if (time !== 0) setTime(time, columns, issues)
        break
      }
      case (10 << 3) | wire.bytes:
      case (11 << 3) | wire.bytes:
      case (12 << 3) | wire.bytes:
      case (13 << 3) | wire.bytes:
      case (14 << 3) | wire.bytes:
      case (15 << 3) | wire.bytes:
        payloadEnd = reader.enter()
        payloadStart = reader.at
        reader.at = payloadEnd
        payload = tag >>> 3
        break
      default:
        if (tag >>> 3 === 0) throw reader.malformed('field number 0', reader.at)
        reader.skip(tag & 7)
    }
  }
  if (deviceId !== '') columns.context = { device_id: deviceId }
  if (batch.sdkVersion !== '') columns.client_version = batch.sdkVersion
  reader.at = payloadStart
  reader.end = payloadEnd
  if (payload === 10) readPageView(reader, columns)
  else if (payload === 11) readSearchEvent(reader, columns)
  else if (payload === 12) readAIInteraction(reader, columns)
  else if (payload === 13) readNavigation(reader, columns, issues)
  else if (payload === 14) readPerformance(reader, columns, issues)
  else if (payload === 15) readAdEvent(reader, columns, issues)
  else issues.push(`: no payload, expected one of ${Object.values(payloadNames).join(', ')}`)
  reader.at = end
  reader.end = end
}

function setTime(value: number | bigint, columns: EventColumns, issues: Issue[]): void {
  const time = readTime(value)
  if (typeof time === 'number') columns.timestamp = time
  else issues.push(`/timestamp: ${time}`)
}

function readPageView(reader: WireReader, columns: EventColumns): void {
  columns.event_type = 'page'
  columns.event_name = 'page_view'
  while (reader.at < reader.end) {
    const tag = reader.uint32()
    if (tag === 10) columns.http_url = reader.string()
    else if (tag === 18) columns.page_title = reader.string()
    else if (tag === 26) columns.http_referrer = reader.string()
    else if (tag === 32) columns.duration_ms = reader.uint32()
    else if (tag === 40) columns.properties = { scroll_depth_pct: reader.uint32() }
    else skipField(reader, tag)
  }
}

function readSearchEvent(reader: WireReader, columns: EventColumns): void {
  columns.event_type = 'track'
  columns.event_name = 'search_performed'
  const properties: Record<string, unknown> = {}
  while (reader.at < reader.end) {
    const tag = reader.uint32()
    if (tag === 10) columns.page_search = reader.string()
    else if (tag === 18) properties['engine'] = reader.string()
    else if (tag === 24) properties['result_count'] = reader.uint32()
    else if (tag === 32) properties['clicked_position'] = reader.uint32()
    else skipField(reader, tag)
  }
  columns.properties = properties
}

function readAIInteraction(reader: WireReader, columns: EventColumns): void {
  columns.event_type = 'track'
  columns.event_name = 'ai_interaction'
  columns.visibility = 'restricted'
  const properties: Record<string, unknown> = {}
  while (reader.at < reader.end) {
    const tag = reader.uint32()
    if (tag === 10) columns.correlation_id = reader.string()
    else if (tag === 18) properties['task_type'] = reader.string()
    else if (tag === 26) properties['model'] = reader.string()
    else if (tag === 32) properties['input_tokens'] = reader.uint32()
    else if (tag === 40) properties['output_tokens'] = reader.uint32()
    else if (tag === 48) columns.duration_ms = reader.uint32()
    else if (tag === 56) properties['cached'] = reader.uint32() !== 0
    else skipField(reader, tag)
  }
  columns.properties = properties
}

function readNavigation(reader: WireReader, columns: EventColumns, issues: Issue[]): void {
  columns.event_type = 'track'
  columns.event_name = 'navigation'
  while (reader.at < reader.end) {
    const tag = reader.uint32()
    if (tag === 10) columns.http_referrer = reader.string()
    else if (tag === 18) columns.http_url = reader.string()
    else if (tag === 24) {
      // Unspecified (0) means that the browser did not know: no nav_type.
      const value = reader.uint32()
      const trigger = navigationTriggers[value - 1]
      if (trigger !== undefined) columns.nav_type = trigger
      else if (value !== 0) issues.push(unknownEnum('/navigation/trigger', value, navigationTriggers))
    } else skipField(reader, tag)
  }
}

function readPerformance(reader: WireReader, columns: EventColumns, issues: Issue[]): void {
  columns.event_type = 'vital'
  let metric = 0
  while (reader.at < reader.end) {
    const tag = reader.uint32()
    if (tag === 8) metric = reader.uint32()
    else if (tag === 17) columns.vital_value = reader.double()
    else if (tag === 26) columns.http_url = reader.string()
    else skipField(reader, tag)
  }
  const name = metricNames[metric - 1]
  if (name === undefined) issues.push(unknownEnum('/performance/metric_name', metric, metricNames))
  else {
    columns.event_name = name
    columns.vital_name = name
  }
  const value = columns.vital_value
  if (value === undefined) issues.push('/performance/value: required')
  else if (!Number.isFinite(value)) {
    columns.vital_value = undefined
    issues.push(`/performance/value: ${value} is no finite number`)
  }
}

function readAdEvent(reader: WireReader, columns: EventColumns, issues: Issue[]): void {
  columns.event_type = 'track'
  columns.resource_type = 'ad'
  const properties: Record<string, unknown> = {}
  let value = 0
  while (reader.at < reader.end) {
    const tag = reader.uint32()
    if (tag === 10) columns.resource_id = reader.string()
    else if (tag === 18) columns.campaign_id = reader.string()
    else if (tag === 26) properties['placement'] = reader.string()
    else if (tag === 32) value = reader.uint32()
    else if (tag === 40) properties['revenue_micros'] = reader.int64()
    else skipField(reader, tag)
  }
  columns.properties = properties
  const action = adActions[value - 1]
  if (action === undefined) issues.push(unknownEnum('/ad_event/action', value, adActions))
  else columns.event_name = `ad.${action}`
}

function unknownEnum(pointer: string, value: number, names: readonly string[]): Issue {
  return `${pointer}: unknown value ${value}, expected ${names.map((name, index) => `${index + 1} ${name}`).join(', ')}`
}

function skipField(reader: WireReader, tag: number): void {
  if (tag >>> 3 === 0) throw reader.malformed('field number 0', reader.at)
  reader.skip(tag & 7)
}
