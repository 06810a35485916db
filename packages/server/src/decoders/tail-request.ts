import type { EventColumns } from '@millrace/protocol'
import { type Issue, isObject } from './issues.ts'
import { othersOf, readObject, readText } from './read-fields.ts'
import { keptHeaders } from './request-headers.ts'
import { parseTraceParent } from './trace-parent.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * The request that a Worker answered.
 *
 * | field                                             | columns                                          |
 * | ------------------------------------------------- | ------------------------------------------------ |
 * | method, url                                       | http_method, http_url                            |
 * | headers user-agent, referer, content-type, content-length | http_user_agent, http_referrer, http_content_type, http_request_size |
 * | headers cf-ray, traceparent                       | correlation_id; trace_id, parent_id              |
 * | cf.httpProtocol                                   | http_protocol                                    |
 * | cf.country, regionCode, city, colo, timezone, latitude, longitude, asn, asOrganization, postalCode | geo_* |
 * | cf.botManagement {score, verifiedBot}             | bot_score = 100 − score (Cloudflare counts the other way), bot_verified |
 *
 * Headers are kept in `context.headers` without secrets and addresses, cf in `context.cf`.
 */
export function mapTailRequest(
  request: Json,
  context: Record<string, unknown>,
  columns: EventColumns,
  issues: Issue[],
): void {
  const at = 'event/request/'
  const method = readText(request, 'method', at, issues)
  if (method !== undefined) columns.http_method = method
  const url = readText(request, 'url', at, issues)
  if (url !== undefined) columns.http_url = url
  const headers = readObject(request, 'headers', at, issues)
  if (headers !== undefined) {
    mapHeaders(headers, columns)
    const kept = keptHeaders(headers)
    if (Object.keys(kept).length > 0) context['headers'] = kept
  }
  const cf = readObject(request, 'cf', at, issues)
  if (cf !== undefined) {
    mapCf(cf, columns)
    context['cf'] = cf
  }
  const others = othersOf(request, placed)
  if (others !== undefined) context['request'] = others
}

const placed: ReadonlySet<string> = new Set(['method', 'url', 'headers', 'cf'])

function mapHeaders(headers: Json, columns: EventColumns): void {
  for (const name in headers) {
    const value = headers[name]
    if (typeof value !== 'string' || value === '') continue
    switch (name.toLowerCase()) {
      case 'user-agent':
        columns.http_user_agent = value
        break
      case 'referer':
        columns.http_referrer = value
        break
      case 'content-type':
        columns.http_content_type = value
        break
      case 'content-length':
        if (/^\d{1,15}$/.test(value)) columns.http_request_size = Number(value)
        break
      case 'cf-ray':
        columns.correlation_id = value
        break
      case 'traceparent': {
        const trace = parseTraceParent(value)
        if (trace === undefined) break
        columns.trace_id = trace.traceId
        columns.parent_id = trace.spanId
        break
      }
      default:
        break
    }
  }
}

/** Cloudflare's own: what is of another type than it says is left in `context.cf`. */
function mapCf(cf: Json, columns: EventColumns): void {
  for (const [field, column] of texts) {
    const value = cf[field]
    if (typeof value === 'string' && value !== '') columns[column] ??= value
  }
  for (const [field, column] of numbers) {
    const value = cf[field]
    const number = typeof value === 'string' && value !== '' ? Number(value) : value
    if (typeof number === 'number' && Number.isFinite(number)) columns[column] = number
  }
  const bot = cf['botManagement']
  if (!isObject(bot)) return
  const { score, verifiedBot } = bot
  if (typeof score === 'number' && score >= 0 && score <= 100) columns.bot_score = 100 - score
  if (typeof verifiedBot === 'boolean') columns.bot_verified = verifiedBot
}

/** Of two for one column the first counts: the region's code before its name. */
const texts = [
  ['country', 'geo_country'],
  ['regionCode', 'geo_region'],
  ['region', 'geo_region'],
  ['city', 'geo_city'],
  ['colo', 'geo_colo'],
  ['timezone', 'geo_timezone'],
  ['postalCode', 'geo_postal'],
  ['asOrganization', 'geo_as_org'],
  ['httpProtocol', 'http_protocol'],
] as const

const numbers = [
  ['latitude', 'geo_latitude'],
  ['longitude', 'geo_longitude'],
  ['asn', 'geo_asn'],
] as const
