import { expected, type Issue, isObject, setKey } from '../issues.ts'
import { jsonAnyId, jsonAttributes, jsonEnum, jsonId, jsonText, jsonTime, jsonUint32 } from './json-values.ts'
import { emptySpan, type OtelLink, type OtelSpan, type OtelSpanEvent, type OtelStatus } from './model.ts'

const spanKinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const
const statusCodes = ['UNSET', 'OK', 'ERROR'] as const

/** A Span of OTLP's JSON. Fields that OTLP does not name are kept in `unknown`. */
export function readJsonSpan(input: Record<string, unknown>, issues: Issue[]): OtelSpan {
  const span = emptySpan()
  for (const key in input) {
    const value = input[key]
    switch (key) {
      case 'traceId':
      case 'trace_id':
        span.traceId = jsonId(value, 16, '/traceId', issues)
        break
      case 'spanId':
      case 'span_id':
        span.spanId = jsonId(value, 8, '/spanId', issues)
        break
      case 'parentSpanId':
      case 'parent_span_id':
        span.parentSpanId = jsonId(value, 8, '/parentSpanId', issues)
        break
      case 'traceState':
      case 'trace_state':
        span.traceState = jsonText(value, '/traceState', issues)
        break
      case 'flags':
        span.flags = jsonUint32(value, '/flags', issues)
        break
      case 'name':
        span.name = jsonText(value, '/name', issues)
        break
      case 'kind':
        span.kind = jsonEnum(value, spanKinds, 'SPAN_KIND_', '/kind', issues)
        break
      case 'startTimeUnixNano':
      case 'start_time_unix_nano':
        span.startTimeUnixNano = jsonTime(value, '/startTimeUnixNano', issues)
        break
      case 'endTimeUnixNano':
      case 'end_time_unix_nano':
        span.endTimeUnixNano = jsonTime(value, '/endTimeUnixNano', issues)
        break
      case 'attributes':
        span.attributes = jsonAttributes(value, '/attributes', issues)
        break
      case 'droppedAttributesCount':
      case 'dropped_attributes_count':
        span.droppedAttributesCount = jsonUint32(value, '/droppedAttributesCount', issues)
        break
      case 'events':
        span.events = readList(value, '/events', issues, readEvent)
        break
      case 'droppedEventsCount':
      case 'dropped_events_count':
        span.droppedEventsCount = jsonUint32(value, '/droppedEventsCount', issues)
        break
      case 'links':
        span.links = readList(value, '/links', issues, readLink)
        break
      case 'droppedLinksCount':
      case 'dropped_links_count':
        span.droppedLinksCount = jsonUint32(value, '/droppedLinksCount', issues)
        break
      case 'status':
        span.status = readStatus(value, issues)
        break
      default:
        if (value !== null && value !== undefined) setKey((span.unknown ??= {}), key, value)
    }
  }
  return span
}

/** Undefined for an absent or empty list. */
export function readList<T>(
  list: unknown,
  pointer: string,
  issues: Issue[],
  read: (item: Record<string, unknown>, pointer: string, issues: Issue[]) => T,
): T[] | undefined {
  if (list === undefined || list === null) return undefined
  if (!Array.isArray(list)) {
    issues.push(expected(pointer, 'array', list))
    return undefined
  }
  if (list.length === 0) return undefined
  const items: T[] = []
  for (let index = 0; index < list.length; index++) {
    const item: unknown = list[index]
    if (isObject(item)) items.push(read(item, `${pointer}/${index}`, issues))
    else issues.push(expected(`${pointer}/${index}`, 'object', item))
  }
  return items
}

function readEvent(input: Record<string, unknown>, pointer: string, issues: Issue[]): OtelSpanEvent {
  const event: OtelSpanEvent = {}
  const time = jsonTime(input['timeUnixNano'] ?? input['time_unix_nano'], `${pointer}/timeUnixNano`, issues)
  if (time !== 0n) event.time_unix_nano = time.toString()
  const name = jsonText(input['name'], `${pointer}/name`, issues)
  if (name !== '') event.name = name
  const attributes = jsonAttributes(input['attributes'], `${pointer}/attributes`, issues)
  if (attributes !== undefined) event.attributes = attributes
  const dropped = droppedAttributes(input, pointer, issues)
  if (dropped !== 0) event.dropped_attributes_count = dropped
  return event
}

function readLink(input: Record<string, unknown>, pointer: string, issues: Issue[]): OtelLink {
  const link: OtelLink = {}
  const traceId = jsonAnyId(input['traceId'] ?? input['trace_id'], 16, `${pointer}/traceId`, issues)
  if (traceId !== '') link.trace_id = traceId
  const spanId = jsonAnyId(input['spanId'] ?? input['span_id'], 8, `${pointer}/spanId`, issues)
  if (spanId !== '') link.span_id = spanId
  const traceState = jsonText(input['traceState'] ?? input['trace_state'], `${pointer}/traceState`, issues)
  if (traceState !== '') link.trace_state = traceState
  const attributes = jsonAttributes(input['attributes'], `${pointer}/attributes`, issues)
  if (attributes !== undefined) link.attributes = attributes
  const dropped = droppedAttributes(input, pointer, issues)
  if (dropped !== 0) link.dropped_attributes_count = dropped
  const flags = jsonUint32(input['flags'], `${pointer}/flags`, issues)
  if (flags !== 0) link.flags = flags
  return link
}

function droppedAttributes(input: Record<string, unknown>, pointer: string, issues: Issue[]): number {
  const count = input['droppedAttributesCount'] ?? input['dropped_attributes_count']
  return jsonUint32(count, `${pointer}/droppedAttributesCount`, issues)
}

function readStatus(value: unknown, issues: Issue[]): OtelStatus | undefined {
  if (value === undefined || value === null) return undefined
  if (!isObject(value)) {
    issues.push(expected('/status', 'object', value))
    return undefined
  }
  return {
    code: jsonEnum(value['code'], statusCodes, 'STATUS_CODE_', '/status/code', issues),
    message: jsonText(value['message'], '/status/message', issues),
  }
}
