import type { Issue } from '../issues.ts'
import { emptySpan, type OtelLink, type OtelSpan, type OtelSpanEvent, type OtelStatus } from './model.ts'
import type { OtlpReader } from './wire-values.ts'

/**
 * opentelemetry.proto.trace.v1.Span, from `reader.at` to `reader.end`:
 *
 *   trace_id 1, span_id 2, trace_state 3, parent_span_id 4, name 5, kind 6, start 7, end 8, attributes 9, dropped_attributes_count 10,
 *   events 11, dropped_events_count 12, links 13, dropped_links_count 14, status 15, flags 16
 */
export function readWireSpan(otlp: OtlpReader, issues: Issue[]): OtelSpan {
  const { reader } = otlp
  const { end } = reader
  const span = emptySpan()
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case 10:
        span.traceId = otlp.id(16, '/traceId', issues)
        break
      case 18:
        span.spanId = otlp.id(8, '/spanId', issues)
        break
      case 26:
        span.traceState = reader.string()
        break
      case 34:
        span.parentSpanId = otlp.id(8, '/parentSpanId', issues)
        break
      case 42:
        span.name = otlp.name()
        break
      case 48:
        span.kind = reader.uint32()
        break
      case 57:
        span.startTimeUnixNano = reader.fixed64()
        break
      case 65:
        span.endTimeUnixNano = reader.fixed64()
        break
      case 74:
        span.attributes = otlp.attribute(span.attributes)
        break
      case 80:
        span.droppedAttributesCount = reader.uint32()
        break
      case 90:
        ;(span.events ??= []).push(readEvent(otlp))
        break
      case 96:
        span.droppedEventsCount = reader.uint32()
        break
      case 106:
        ;(span.links ??= []).push(readLink(otlp))
        break
      case 112:
        span.droppedLinksCount = reader.uint32()
        break
      case 122:
        span.status = readStatus(otlp)
        break
      case 133:
        span.flags = reader.fixed32()
        break
      default:
        otlp.skip(tag)
    }
  }
  return span
}

/** time_unix_nano 1, name 2, attributes 3, dropped_attributes_count 4 */
function readEvent(otlp: OtlpReader): OtelSpanEvent {
  const { reader } = otlp
  const outer = reader.end
  const stop = reader.enter()
  reader.end = stop
  const event: OtelSpanEvent = {}
  let time = 0n
  let name = ''
  let dropped = 0
  while (reader.at < stop) {
    const tag = reader.uint32()
    if (tag === 9) time = reader.fixed64()
    else if (tag === 18) name = otlp.name()
    else if (tag === 26) event.attributes = otlp.attribute(event.attributes)
    else if (tag === 32) dropped = reader.uint32()
    else otlp.skip(tag)
  }
  if (time !== 0n) event.time_unix_nano = time.toString()
  if (name !== '') event.name = name
  if (dropped !== 0) event.dropped_attributes_count = dropped
  reader.end = outer
  return event
}

/** trace_id 1, span_id 2, trace_state 3, attributes 4, dropped_attributes_count 5, flags 6 */
function readLink(otlp: OtlpReader): OtelLink {
  const { reader } = otlp
  const outer = reader.end
  const stop = reader.enter()
  reader.end = stop
  const link: OtelLink = {}
  let traceId = ''
  let spanId = ''
  let traceState = ''
  let dropped = 0
  let flags = 0
  while (reader.at < stop) {
    const tag = reader.uint32()
    if (tag === 10) traceId = otlp.anyId()
    else if (tag === 18) spanId = otlp.anyId()
    else if (tag === 26) traceState = reader.string()
    else if (tag === 34) link.attributes = otlp.attribute(link.attributes)
    else if (tag === 40) dropped = reader.uint32()
    else if (tag === 53) flags = reader.fixed32()
    else otlp.skip(tag)
  }
  if (traceId !== '') link.trace_id = traceId
  if (spanId !== '') link.span_id = spanId
  if (traceState !== '') link.trace_state = traceState
  if (dropped !== 0) link.dropped_attributes_count = dropped
  if (flags !== 0) link.flags = flags
  reader.end = outer
  return link
}

/** message 2, code 3 */
function readStatus(otlp: OtlpReader): OtelStatus {
  const { reader } = otlp
  const outer = reader.end
  const stop = reader.enter()
  reader.end = stop
  const status: OtelStatus = { code: 0, message: '' }
  while (reader.at < stop) {
    const tag = reader.uint32()
    if (tag === 18) status.message = reader.string()
    else if (tag === 24) status.code = reader.uint32()
    else otlp.skip(tag)
  }
  reader.end = outer
  return status
}
