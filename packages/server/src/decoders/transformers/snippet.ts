import type { EventColumns } from '@millrace/protocol'
import { asId, expected, type Issue, setKey } from '../issues.ts'
import {
  type BrowserContext,
  contextFields,
  readAmount,
  readBrowserContext,
  readOptionalTime,
  readText,
  setContext,
} from './browser-context.ts'
import { strictly, type Transformer } from './transformer.ts'

type Json = Record<string, unknown>

/** Beside the entries: `performance.timeOrigin`, which makes times of their offsets. */
export interface SnippetContext extends BrowserContext {
  readonly timeOrigin?: number | undefined
}

/** A context with its time origin, which has a fraction. */
export function readSnippetContext(fields: Json, around: SnippetContext, issues: Issue[]): SnippetContext {
  const context: SnippetContext = readBrowserContext(fields, around, issues)
  const timeOrigin = readOptionalTime(fields, 'timeOrigin', issues)
  return timeOrigin === undefined ? context : { ...context, timeOrigin }
}

/**
 * A `PerformanceResourceTiming` (its `toJSON`), with the fields that a page adds to it, into columns: event_type `snippet`.
 *
 * | entry                                     | column                                                                     |
 * | ----------------------------------------- | -------------------------------------------------------------------------- |
 * | name                                      | http_url, from which the gate takes http_host, http_path, http_query        |
 * | initiatorType                             | snippet_initiator; event_name `<initiator>.request`                         |
 * | requestId                                 | snippet_request_id, correlation_id                                          |
 * | sessionId                                 | session_id, trace_id                                                        |
 * | startTime, duration                       | snippet_start_time, duration_ms                                             |
 * | domainLookupEnd − domainLookupStart       | snippet_dns_time                                                            |
 * | connectEnd − connectStart                 | snippet_connect_time                                                        |
 * | responseStart − requestStart              | snippet_ttfb                                                                |
 * | responseEnd − responseStart               | snippet_download_time                                                       |
 * | domainLookupStart − startTime             | snippet_blocked_time                                                        |
 * | transferSize, decodedBodySize             | snippet_transfer_size, snippet_decoded_size                                 |
 * | transferSize                              | snippet_cache_state: `local` when it is 0, else `network`                   |
 * | resourceType, contentType, initiatorType  | snippet_resource_type                                                       |
 * | priority or fetchPriority                 | snippet_priority                                                            |
 * | responseStatus, nextHopProtocol, contentType | http_status, http_protocol, http_content_type                            |
 * | timestamp; else timeOrigin + startTime    | timestamp                                                                   |
 * | pageUrl                                   | data.page_url                                                               |
 *
 * All else is in `data`. Of a resource of another origin that does not allow it, a browser tells neither times nor sizes: it writes 0
 * for them, which is no measurement, and those columns stay empty.
 */
export function mapSnippet(entry: Json, around: SnippetContext, issues: Issue[]): EventColumns {
  const columns: EventColumns = { event_type: 'snippet' }
  const context = readSnippetContext(entry, around, issues)
  setContext(columns, context)
  if (context.sessionId !== undefined) columns.trace_id = context.sessionId
  const url = readText(entry, 'name', issues)
  if (url !== undefined) columns.http_url = url
  else if (entry['name'] == null || entry['name'] === '') issues.push('/name: required')
  const initiator = readText(entry, 'initiatorType', issues)
  if (initiator !== undefined) columns.snippet_initiator = initiator
  columns.event_name = `${initiator ?? 'other'}.request`
  const start = readAmount(entry, 'startTime', issues)
  if (start !== undefined) columns.snippet_start_time = start
  const duration = readAmount(entry, 'duration', issues)
  if (duration !== undefined) columns.duration_ms = duration
  mapTimes(columns, context, start, duration)
  mapRequestId(entry, context, start, columns, issues)
  if (!isOpaque(entry)) {
    mapPhases(entry, columns, issues)
    mapSizes(entry, columns, issues)
  }
  mapKind(entry, initiator, columns, issues)
  keepRest(entry, context, columns)
  return columns
}

/** The entry's own time counts; else its offset from the page's time origin. */
function mapTimes(columns: EventColumns, context: SnippetContext, start?: number, duration?: number): void {
  const { timeOrigin } = context
  if (timeOrigin === undefined || start === undefined) return
  const at = Math.floor(timeOrigin + start)
  columns.timestamp ??= at
  columns.started_at = at
  if (duration !== undefined) columns.ended_at = Math.floor(timeOrigin + start + duration)
}

function mapRequestId(
  entry: Json,
  context: SnippetContext,
  start: number | undefined,
  columns: EventColumns,
  issues: Issue[],
): void {
  const id = asId(entry['requestId'])
  if (id === null) issues.push(expected('/requestId', 'string', entry['requestId']))
  if (id == null) return
  columns.snippet_request_id = id
  columns.correlation_id = id
  // Pages that count their requests begin anew with each page, hence the start.
  columns.id = `snippet_${context.sessionId ?? ''}_${id}_${start ?? ''}`
}

/** Neither a name was looked up nor a byte received at any time, though time has passed. */
function isOpaque(entry: Json): boolean {
  return (
    entry['requestStart'] === 0 &&
    entry['responseStart'] === 0 &&
    typeof entry['startTime'] === 'number' &&
    entry['startTime'] > 0
  )
}

function mapPhases(entry: Json, columns: EventColumns, issues: Issue[]): void {
  const lookUp = readAmount(entry, 'domainLookupStart', issues)
  const lookedUp = readAmount(entry, 'domainLookupEnd', issues)
  const connect = readAmount(entry, 'connectStart', issues)
  const connected = readAmount(entry, 'connectEnd', issues)
  const request = readAmount(entry, 'requestStart', issues)
  const response = readAmount(entry, 'responseStart', issues)
  const received = readAmount(entry, 'responseEnd', issues)
  const start = columns.snippet_start_time
  const dns = between('domainLookupStart', lookUp, 'domainLookupEnd', lookedUp, issues)
  if (dns !== undefined) columns.snippet_dns_time = dns
  const connecting = between('connectStart', connect, 'connectEnd', connected, issues)
  if (connecting !== undefined) columns.snippet_connect_time = connecting
  const ttfb = between('requestStart', request, 'responseStart', response, issues)
  if (ttfb !== undefined) columns.snippet_ttfb = ttfb
  const download = between('responseStart', response, 'responseEnd', received, issues)
  if (download !== undefined) columns.snippet_download_time = download
  const blocked = between('startTime', start, 'domainLookupStart', lookUp, issues)
  if (blocked !== undefined) columns.snippet_blocked_time = blocked
}

function between(
  start: string,
  from: number | undefined,
  end: string,
  to: number | undefined,
  issues: Issue[],
): number | undefined {
  if (from === undefined || to === undefined) return undefined
  if (to >= from) return to - from
  issues.push(`/${end}: ${to} is before ${start} ${from}`)
  return undefined
}

function mapSizes(entry: Json, columns: EventColumns, issues: Issue[]): void {
  const transfer = readAmount(entry, 'transferSize', issues)
  if (transfer !== undefined) {
    columns.snippet_transfer_size = transfer
    columns.snippet_cache_state = transfer === 0 ? 'local' : 'network'
  }
  const decoded = readAmount(entry, 'decodedBodySize', issues)
  if (decoded !== undefined) columns.snippet_decoded_size = decoded
}

function mapKind(entry: Json, initiator: string | undefined, columns: EventColumns, issues: Issue[]): void {
  const mediaType = readText(entry, 'contentType', issues)
  if (mediaType !== undefined) columns.http_content_type = mediaType
  const type =
    readText(entry, 'resourceType', issues) ?? typeByMedia(mediaType) ?? typesByInitiator.get(initiator) ?? initiator
  if (type !== undefined) columns.snippet_resource_type = type
  const priority = readText(entry, 'priority', issues) ?? readText(entry, 'fetchPriority', issues)
  if (priority !== undefined) columns.snippet_priority = priority.toLowerCase()
  const protocol = readText(entry, 'nextHopProtocol', issues)
  if (protocol !== undefined) columns.http_protocol = protocol
  // 0 is what browsers write where they may not tell, or when there was no answer.
  const status = readAmount(entry, 'responseStatus', issues)
  if (status !== undefined && status !== 0) columns.http_status = status
}

function typeByMedia(mediaType: string | undefined): string | undefined {
  if (mediaType === undefined) return undefined
  const type = mediaType.toLowerCase()
  if (type.startsWith('image/')) return 'image'
  if (type.startsWith('font/') || type.startsWith('application/font')) return 'font'
  if (type.startsWith('audio/') || type.startsWith('video/')) return 'media'
  if (type.startsWith('text/css')) return 'stylesheet'
  if (type.startsWith('text/html')) return 'document'
  return type.startsWith('text/javascript') || type.startsWith('application/javascript') ? 'script' : undefined
}

const typesByInitiator: ReadonlyMap<string | undefined, string> = new Map([
  ['navigation', 'document'],
  ['iframe', 'document'],
  ['frame', 'document'],
  ['img', 'image'],
  ['audio', 'media'],
  ['video', 'media'],
  ['track', 'media'],
])

const placed: ReadonlySet<string> = new Set([
  ...contextFields,
  'timeOrigin',
  'name',
  'initiatorType',
  'requestId',
  'startTime',
  'duration',
  'transferSize',
  'decodedBodySize',
  'resourceType',
  'contentType',
  'priority',
  'fetchPriority',
  'nextHopProtocol',
  'responseStatus',
])

function keepRest(entry: Json, context: SnippetContext, columns: EventColumns): void {
  const data: Json = {}
  for (const key in entry) {
    const value = entry[key]
    if (!placed.has(key) && value !== undefined && value !== null) setKey(data, key, value)
  }
  if (context.pageUrl !== undefined) data['page_url'] = context.pageUrl
  for (const _ in data) {
    columns.data = data
    break
  }
}

/** Throws TransformError for an entry that cannot be mapped. */
export function transformSnippet(event: unknown, ns?: string): EventColumns {
  return strictly(event, (issues) => ({
    ...mapSnippet(event as Json, ns === undefined ? {} : { ns }, issues),
    event_source: 'snippet',
  }))
}

export const snippet: Transformer = {
  name: 'snippet',
  description: 'Resource timing of a browser',
  source: 'snippet',
  eventType: 'snippet',
  multipleOutputs: false,
  transform: transformSnippet,
}
