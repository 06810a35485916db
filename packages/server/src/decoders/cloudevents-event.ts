import { hash } from 'node:crypto'
import { type EventColumns, type EventType, isEventType, maxIdLength } from '@millrace/protocol'
import { expected, type Issue, isObject } from './issues.ts'
import { othersOf } from './read-fields.ts'
import { readTime } from './timestamp.ts'
import { parseTraceParent } from './trace-parent.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * | attribute                     | columns                                                                            |
 * | ----------------------------- | ---------------------------------------------------------------------------------- |
 * | source, id                    | id: `ce_`, 16 characters of the source's hash, `_`, id (unique only together)      |
 * | type                          | event_name; event_type track, unless the extension `eventtype` names another       |
 * | source, subject               | ns (without a slash at its end), resource_id                                       |
 * | time                          | timestamp                                                                          |
 * | data, data_base64             | data: an object as it is, all else as `{"data":…}` or `{"data_base64":…}`          |
 * | extension traceparent         | trace_id, span_id                                                                  |
 * | extension correlationid       | correlation_id                                                                     |
 * | all but id, type, time, data  | context, under their names                                                         |
 *
 * `id`, `source`, `type` and `specversion` 1.0 are required; what misses them, or has them in another type, is an issue.
 */
export function mapCloudEvent(event: Json, issues: Issue[]): EventColumns {
  const columns: EventColumns = { event_type: eventTypeOf(event['eventtype']), event_source: 'cloudevents' }
  const version = readRequired(event, 'specversion', issues)
  if (version !== undefined && version !== '1.0') {
    issues.push(`/specversion: expected 1.0, got ${/^[\d.]{1,8}$/.test(version) ? version : 'another'}`)
  }
  const id = readRequired(event, 'id', issues)
  const source = readRequired(event, 'source', issues)
  const type = readRequired(event, 'type', issues)
  if (id !== undefined && source !== undefined) columns.id = cloudEventId(source, id)
  if (type !== undefined) columns.event_name = type
  if (source !== undefined) columns.ns = source.length > 1 && source.endsWith('/') ? source.slice(0, -1) : source
  const subject = readOptional(event, 'subject', issues)
  if (subject !== undefined) columns.resource_id = subject
  readOptional(event, 'datacontenttype', issues)
  readOptional(event, 'dataschema', issues)
  setTime(event['time'], columns, issues)
  setData(event, columns, issues)
  const trace = parseTraceParent(event['traceparent'])
  if (trace !== undefined) {
    columns.trace_id = trace.traceId
    columns.span_id = trace.spanId
  }
  const correlation = event['correlationid']
  if (typeof correlation === 'string' && correlation !== '') columns.correlation_id = correlation
  const context = othersOf(event, placed)
  if (context !== undefined) columns.context = context
  return columns
}

const placed: ReadonlySet<string> = new Set(['id', 'type', 'time', 'data', 'data_base64'])

/** An id that would be too long is hashed with its source. */
function cloudEventId(source: string, id: string): string {
  const whole = `ce_${hash('sha256', source, 'base64url').slice(0, 16)}_${id}`
  return whole.length <= maxIdLength ? whole : `ce_${hash('sha256', `${source}\n${id}`, 'base64url')}`
}

function eventTypeOf(extension: unknown): EventType {
  return typeof extension === 'string' && isEventType(extension) ? extension : 'track'
}

function readRequired(event: Json, name: string, issues: Issue[]): string | undefined {
  const value = event[name]
  if (typeof value === 'string' && value !== '') return value
  const isMissing = value === undefined || value === null || value === ''
  issues.push(isMissing ? `/${name}: required` : expected(`/${name}`, 'string', value))
  return undefined
}

function readOptional(event: Json, name: string, issues: Issue[]): string | undefined {
  const value = event[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string') return value
  issues.push(expected(`/${name}`, 'string', value))
  return undefined
}

function setTime(value: unknown, columns: EventColumns, issues: Issue[]): void {
  if (value === undefined || value === null || value === '') return
  const time = typeof value === 'string' ? readTime(value) : 'expected RFC 3339'
  if (typeof time === 'number') columns.timestamp = time
  else issues.push(`/time: ${time}`)
}

function setData(event: Json, columns: EventColumns, issues: Issue[]): void {
  const { data, data_base64: base64 } = event
  if (isObject(data)) columns.data = { ...data }
  else if (data !== undefined && data !== null) columns.data = { data }
  if (base64 === undefined || base64 === null) return
  if (typeof base64 !== 'string') issues.push(expected('/data_base64', 'string', base64))
  else if (columns.data !== undefined) issues.push('/data_base64: there is data as well; send one of them')
  else columns.data = { data_base64: base64 }
}
