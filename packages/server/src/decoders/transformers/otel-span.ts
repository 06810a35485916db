import type { EventColumns, JsonObject } from '@millrace/protocol'
import { type Issue, setKey } from '../issues.ts'
import { mapItemAttributes, text } from '../otlp/conventions.ts'
import { readJsonResource } from '../otlp/json-source.ts'
import { readJsonSpan } from '../otlp/json-span.ts'
import type { OtelSpan, OtelSpanEvent } from '../otlp/model.ts'
import { type OtelSource, otelSource } from '../otlp/source.ts'
import { isTime, msOf, setTimestamp } from '../otlp/times.ts'
import { badId, isNoId } from '../otlp/wire-values.ts'
import { strictly, type Transformer } from './transformer.ts'

/**
 * A span into columns.
 *
 * | span                    | columns                                                                                          |
 * | ----------------------- | ------------------------------------------------------------------------------------------------ |
 * | trace, span, parent id  | trace_id, span_id, parent_id, id = `span_<trace>_<span>`; a parent of zeros is none                |
 * | name                    | event_name ("unknown" when empty, as OpenTelemetry reads it)                                     |
 * | start, end              | started_at = timestamp, timestamp_ns, ended_at, duration_ms with the fraction                    |
 * | kind                    | server, client → rpc_system; producer, consumer → msg_operation publish, consume; data.kind      |
 * | status                  | status_code; ok → outcome success; error → outcome error, error_message                          |
 * | attributes              | attributes, and the columns of conventions.ts                                                    |
 * | exception events        | the last one → error_type, error_stack, and error_message where the status has none              |
 * | events, links, flags …  | data: as they came, snake_case                                                                   |
 */
export function mapOtelSpan(span: OtelSpan, source: OtelSource, issues: Issue[]): EventColumns {
  const columns: EventColumns = { ...source.columns }
  const { traceId, spanId, parentSpanId } = span
  const isTrace = isId(traceId, '/traceId', issues)
  const isSpan = isId(spanId, '/spanId', issues)
  if (isTrace) columns.trace_id = traceId
  if (isSpan) columns.span_id = spanId
  if (isTrace && isSpan) columns.id = `span_${traceId}_${spanId}`
  if (!isNoId(parentSpanId)) columns.parent_id = parentSpanId
  columns.event_name = span.name === '' ? 'unknown' : span.name
  setTimes(span, columns, issues)
  setKind(span.kind, columns)
  setStatus(span, columns)
  if (span.attributes !== undefined) {
    columns.attributes = span.attributes
    mapItemAttributes(span.attributes, columns)
  }
  if (span.events !== undefined) setException(span.events, columns)
  const data = dataOf(span)
  if (data !== undefined) columns.data = data
  if (source.context !== undefined) columns.context = { ...source.context }
  return columns
}

function isId(id: string, pointer: string, issues: Issue[]): boolean {
  if (!isNoId(id)) return true
  if (id === '') issues.push(`${pointer}: required`)
  else if (id !== badId) issues.push(`${pointer}: all zero, which OpenTelemetry says is no id`)
  return false
}

function setTimes(span: OtelSpan, columns: EventColumns, issues: Issue[]): void {
  const { startTimeUnixNano: start, endTimeUnixNano: end } = span
  const hasStart = isTime(start, '/startTimeUnixNano', issues)
  const hasEnd = isTime(end, '/endTimeUnixNano', issues)
  if (hasStart) {
    setTimestamp(columns, start)
    columns.started_at = columns.timestamp
  }
  if (hasEnd) columns.ended_at = msOf(end)
  if (hasStart && hasEnd) columns.duration_ms = Number(end - start) / 1e6
}

/** SpanKind by number, as `data.kind` has it; 0 is unspecified. */
const kinds = ['', 'internal', 'server', 'client', 'producer', 'consumer'] as const

function setKind(kind: number, columns: EventColumns): void {
  if (kind === 2) columns.rpc_system = 'server'
  else if (kind === 3) columns.rpc_system = 'client'
  else if (kind === 4) columns.msg_operation = 'publish'
  else if (kind === 5) columns.msg_operation = 'consume'
}

function setStatus({ status }: OtelSpan, columns: EventColumns): void {
  if (status === undefined) return
  columns.status_code = status.code
  if (status.code === 1) columns.outcome = 'success'
  else if (status.code === 2) {
    columns.outcome = 'error'
    if (status.message !== '') columns.error_message = status.message
  }
}

/** The last recorded exception is the one that ended the span, if any did. */
function setException(events: readonly OtelSpanEvent[], columns: EventColumns): void {
  for (let index = events.length - 1; index >= 0; index--) {
    const event = events[index] as OtelSpanEvent
    if (event.name !== 'exception' || event.attributes === undefined) continue
    columns.error_type = text(event.attributes['exception.type']) ?? columns.error_type
    columns.error_message ??= text(event.attributes['exception.message'])
    columns.error_stack = text(event.attributes['exception.stacktrace']) ?? columns.error_stack
    return
  }
}

/** What has no column. */
function dataOf(span: OtelSpan): JsonObject | undefined {
  const data: JsonObject = {}
  if (span.kind !== 0) data['kind'] = kinds[span.kind] ?? span.kind
  if (span.traceState !== '') data['trace_state'] = span.traceState
  if (span.flags !== 0) data['flags'] = span.flags
  if (span.events !== undefined) data['events'] = span.events
  if (span.links !== undefined) data['links'] = span.links
  if (span.droppedAttributesCount !== 0) data['dropped_attributes_count'] = span.droppedAttributesCount
  if (span.droppedEventsCount !== 0) data['dropped_events_count'] = span.droppedEventsCount
  if (span.droppedLinksCount !== 0) data['dropped_links_count'] = span.droppedLinksCount
  const { status } = span
  if (status !== undefined && status.code !== 2 && status.message !== '') data['status_message'] = status.message
  for (const key in span.unknown) if (!Object.hasOwn(data, key)) setKey(data, key, span.unknown[key])
  for (const _ in data) return data
  return undefined
}

/**
 * A span of OTLP's JSON with its resource (`{attributes: […]}`), as one event. Throws a TransformError when ids or values are not
 * what OTLP says.
 */
export function transformOtelSpan(span: object, resource?: object): EventColumns {
  return strictly(span, (issues) => {
    const source = otelSource('traces', readJsonResource(resource, undefined, issues), undefined)
    return mapOtelSpan(readJsonSpan(span as Record<string, unknown>, issues), source, issues)
  })
}

export const otelSpan: Transformer = {
  name: 'otel-span',
  description: 'a span of OpenTelemetry, with its resource',
  source: 'otel',
  eventType: 'trace',
  multipleOutputs: false,
  transform: transformOtelSpan,
}
