import type { EventColumns } from '@millrace/protocol'
import { expected, type Issue } from '../issues.ts'
import { othersOf, readId, readNumber, readObject, readText, readTimeField, spelling } from '../read-fields.ts'
import { outcomeByClass } from './http-outcome.ts'
import { strictly, type Transformer } from './transformer.ts'

type Json = Readonly<Record<string, unknown>>

/** A request that an API, its gateway or its proxy has answered. snake_case names are taken too; all other fields are kept. */
export interface ApiRequest {
  readonly method: string
  /** Absolute, or a path with its query. */
  readonly url?: string
  /** Instead of `url`, or beside it. */
  readonly path?: string
  readonly status?: number
  /** When it began. */
  readonly timestamp?: Date | string | number
  readonly durationMs?: number
  /** Milliseconds to the first byte. */
  readonly ttfb?: number
  /** HIT, MISS, BYPASS or STALE. */
  readonly cacheStatus?: string
  readonly requestId?: string
  readonly traceId?: string
  readonly spanId?: string
  readonly parentId?: string
  readonly userId?: string | number
  readonly sessionId?: string
  readonly host?: string
  readonly protocol?: string
  readonly userAgent?: string
  readonly referrer?: string
  readonly contentType?: string
  readonly requestSize?: number
  readonly responseSize?: number
  readonly service?: string
  readonly country?: string
  readonly error?: { readonly name?: string; readonly message?: string; readonly stack?: string }
  readonly [more: string]: unknown
}

const cacheStates = ['HIT', 'MISS', 'BYPASS', 'STALE']

/** Addresses of people: no column of this pipeline has them, and nothing may need them. */
const leftOut = ['ip', 'clientIp', 'client_ip', 'remoteAddress', 'remote_address']

type Reader<T> = (from: Json, key: string, at: string, issues: Issue[]) => T | undefined

/**
 * | request                          | columns                                                                            |
 * | -------------------------------- | ---------------------------------------------------------------------------------- |
 * | method, path or that of url      | event_name `METHOD /path`, http_method, http_path, http_query; an absolute url http_url |
 * | status                           | http_status, status_code; outcome success, client_error, server_error, unknown       |
 * | timestamp, durationMs            | timestamp = started_at; duration_ms                                                |
 * | cacheStatus                      | snippet_cache_state in lower case                                                  |
 * | ttfb                             | snippet_ttfb                                                                       |
 * | requestId                        | correlation_id; id = `api_<requestId>`, one per span where there are spans         |
 * | traceId, spanId, parentId        | trace_id, span_id, parent_id; without tracing, requestId is trace and span          |
 * | error {name, message, stack}     | error_type, error_message, error_stack                                             |
 *
 * The others go to the columns of their names; `data` has what has none.
 */
function mapApiRequest(request: Json, ns: unknown, issues: Issue[]): EventColumns {
  const columns: EventColumns = { event_type: 'trace', event_source: 'api_request' }
  const namespace = readText({ ns }, 'ns', '', issues)
  if (namespace !== undefined) columns.ns = namespace
  const placed = new Set(leftOut)
  const read = <T>(reader: Reader<T>, ...names: [string, ...string[]]): T | undefined => {
    const name = spelling(request, ...names)
    placed.add(name)
    return reader(request, name, '', issues)
  }
  if (isMissing(request['method'])) issues.push('/method: required')
  if (isMissing(request['url']) && isMissing(request['path'])) issues.push('/url: required, or /path')
  setTarget(read(readText, 'method'), read(readText, 'url'), read(readText, 'path'), columns)
  const status = read(readNumber, 'status', 'statusCode', 'status_code')
  if (status !== undefined) {
    columns.http_status = status
    columns.status_code = status
  }
  columns.outcome = outcomeByClass(status ?? 0)
  const time = read(readTimeField, 'timestamp', 'startTime', 'start_time')
  if (time !== undefined) {
    columns.timestamp = time
    columns.started_at = time
  }
  const requestId = read(readId, 'requestId', 'request_id')
  const spanId = read(readId, 'spanId', 'span_id')
  if (requestId !== undefined) {
    columns.correlation_id = requestId
    columns.id = spanId === undefined ? `api_${requestId}` : `api_${requestId}_${spanId}`
  }
  const cache = read(readText, 'cacheStatus', 'cache_status', 'cache')
  if (cache !== undefined) {
    if (cacheStates.includes(cache.toUpperCase())) columns.snippet_cache_state = cache.toLowerCase()
    else issues.push(expected('/cacheStatus', cacheStates.join(', '), cache))
  }
  set(columns, 'trace_id', read(readId, 'traceId', 'trace_id') ?? requestId)
  set(columns, 'span_id', spanId ?? requestId)
  set(columns, 'parent_id', read(readId, 'parentId', 'parent_id', 'parentSpanId', 'parent_span_id'))
  set(columns, 'actor_id', read(readId, 'userId', 'user_id'))
  set(columns, 'session_id', read(readId, 'sessionId', 'session_id'))
  set(columns, 'duration_ms', read(readNumber, 'durationMs', 'duration_ms', 'duration'))
  set(columns, 'snippet_ttfb', read(readNumber, 'ttfb', 'ttfbMs', 'ttfb_ms'))
  set(columns, 'http_host', read(readText, 'host'))
  set(columns, 'http_protocol', read(readText, 'protocol', 'httpVersion', 'http_version'))
  set(columns, 'http_user_agent', read(readText, 'userAgent', 'user_agent'))
  set(columns, 'http_referrer', read(readText, 'referrer', 'referer'))
  set(columns, 'http_content_type', read(readText, 'contentType', 'content_type'))
  set(columns, 'http_request_size', read(readNumber, 'requestSize', 'request_size'))
  set(columns, 'http_response_size', read(readNumber, 'responseSize', 'response_size'))
  set(columns, 'service_name', read(readText, 'service', 'serviceName', 'service_name'))
  set(columns, 'geo_country', read(readText, 'country'))
  setError(read(readObject, 'error'), columns, issues)
  const data = othersOf(request, placed)
  if (data !== undefined) columns.data = data
  return columns
}

function set<Column extends keyof EventColumns>(
  columns: EventColumns,
  column: Column,
  value: EventColumns[Column] | undefined,
): void {
  if (value !== undefined) columns[column] = value
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

/** scheme://authority of an absolute URL. */
const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

function setTarget(
  method: string | undefined,
  url: string | undefined,
  path: string | undefined,
  columns: EventColumns,
): void {
  if (method !== undefined) columns.http_method = method.toUpperCase()
  const target = path ?? url
  if (target === undefined) return
  if (url !== undefined && origin.test(url)) columns.http_url = url
  const local = target.replace(origin, '').split('#', 1)[0] as string
  const mark = local.indexOf('?')
  columns.http_path = (mark === -1 ? local : local.slice(0, mark)) || '/'
  if (mark !== -1 && mark + 1 < local.length) columns.http_query = local.slice(mark + 1)
  if (columns.http_method !== undefined) columns.event_name = `${columns.http_method} ${columns.http_path}`
}

function setError(error: Json | undefined, columns: EventColumns, issues: Issue[]): void {
  if (error === undefined) return
  set(columns, 'error_type', readText(error, spelling(error, 'name', 'type'), 'error/', issues))
  set(columns, 'error_message', readText(error, 'message', 'error/', issues))
  set(columns, 'error_stack', readText(error, 'stack', 'error/', issues))
  const more = othersOf(error, new Set(['name', 'type', 'message', 'stack']))
  if (more !== undefined) columns.attributes = { error: more }
}

/** Throws a TransformError when the request has no method, or neither url nor path. */
export function transformApiRequest(request: ApiRequest, ns?: string): EventColumns {
  return strictly(request, (issues) => mapApiRequest(request, ns, issues))
}

export const apiRequest: Transformer = {
  name: 'api-request',
  description: 'a request that an API has answered',
  source: 'api_request',
  eventType: 'trace',
  multipleOutputs: false,
  transform: transformApiRequest,
}
