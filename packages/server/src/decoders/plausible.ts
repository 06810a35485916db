import type { EventColumns } from '@millrace/protocol'
import type { RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import type { Decode, DecodeContext } from './decode.ts'
import { describe, type Issue, isObject, noteInfinite } from './issues.ts'
import { parseJsonBytes } from './json.ts'
import { othersOf, readNumber, readObject, readText, spelling } from './read-fields.ts'

/**
 * Plausible's events API: one event per body, as `text/plain` from its tracker or JSON from a server. Short names are the tracker's.
 *
 * | field                              | columns                                                              |
 * | ---------------------------------- | -------------------------------------------------------------------- |
 * | n, name                            | event_name; `pageview` is page / page_view, all else track            |
 * | u, url; r, referrer                | http_url; http_referrer                                              |
 * | d, domain                          | ns: the first of a list                                              |
 * | p, props, m, meta                  | properties; also as a JSON text                                      |
 * | e (ms, of `engagement`), sd        | duration_ms, properties.scroll_depth                                 |
 * | $, revenue                         | properties.revenue                                                   |
 * | header user-agent                  | http_user_agent                                                      |
 *
 * All else (`v`, `h`, `i`, `w`) is kept in `context`. The dialect has neither ids nor times: sent twice, it is two events.
 */
export const decodePlausible: Decode = (body, cx) => {
  const { value, mayHaveInfinite } = parseJsonBytes(body)
  if (!isObject(value))
    throw new PipelineError('malformed', `the body is ${describe(value)}, expected a Plausible event`)
  return { events: [decodeEvent(value, mayHaveInfinite, cx)] }
}

const placed: ReadonlySet<string> = new Set([
  'n',
  'name',
  'u',
  'url',
  'd',
  'domain',
  'r',
  'referrer',
  'p',
  'props',
  'm',
  'meta',
  'e',
  'sd',
  '$',
  'revenue',
])

function decodeEvent(event: Record<string, unknown>, mayHaveInfinite: boolean, cx: DecodeContext): RawEvent {
  const columns: EventColumns = {}
  const issues: Issue[] = []
  const text = (...names: readonly [string, ...string[]]) => readText(event, spelling(event, ...names), '', issues)

  const name = text('n', 'name')
  if (name === undefined) {
    if (issues.length === 0) issues.push('/name: required')
  } else {
    const isPage = name === 'pageview'
    columns.event_type = isPage ? 'page' : 'track'
    columns.event_name = isPage ? 'page_view' : name
  }
  const url = text('u', 'url')
  if (url !== undefined) columns.http_url = url
  else if (!issues.some((issue) => issue.startsWith('/u'))) issues.push('/url: required')
  const referrer = text('r', 'referrer')
  if (referrer !== undefined) columns.http_referrer = referrer
  const domain = text('d', 'domain')?.split(',', 1)[0]?.trim()
  if (domain) columns.ns = domain
  const agent = cx.headers['user-agent']
  if (agent) columns.http_user_agent = agent

  const properties = readProperties(event, issues)
  const engaged = readNumber(event, 'e', '', issues)
  if (engaged !== undefined) columns.duration_ms = engaged
  const depth = readNumber(event, 'sd', '', issues)
  if (depth !== undefined) properties['scroll_depth'] = depth
  const revenue = readObject(event, spelling(event, '$', 'revenue'), '', issues)
  if (revenue !== undefined) properties['revenue'] = revenue
  if (Object.keys(properties).length > 0) columns.properties = properties
  const context = othersOf(event, placed)
  if (context !== undefined) columns.context = context
  if (mayHaveInfinite) noteInfinite(event, issues)
  return issues.length === 0 ? { columns, original: event } : { columns, original: event, issues }
}

/** Older trackers send a JSON text. */
function readProperties(event: Record<string, unknown>, issues: Issue[]): Record<string, unknown> {
  const key = spelling(event, 'p', 'props', 'm', 'meta')
  const value = event[key]
  if (typeof value !== 'string' || value === '') return { ...readObject(event, key, '', issues) }
  const parsed = parseObject(value)
  if (parsed !== undefined) return parsed
  issues.push(`/${key}: expected object or its JSON text, got ${describe(value)}`)
  return {}
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const { value } = parseJsonBytes(Buffer.from(text))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
