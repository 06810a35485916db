import { type EventColumns, stringifyJson, vitalId } from '@millrace/protocol'
import { asId, expected, isObject, type Issue, setKey } from '../issues.ts'
import {
  type BrowserContext,
  contextFields,
  readAmount,
  readBrowserContext,
  readFinite,
  readText,
  setContext,
} from './browser-context.ts'
import { strictly, type Transformer } from './transformer.ts'

type Json = Record<string, unknown>

const names: ReadonlySet<unknown> = new Set(['LCP', 'FID', 'CLS', 'TTFB', 'FCP', 'INP'])
const ratings: ReadonlySet<unknown> = new Set(['good', 'needs-improvement', 'poor'])

/**
 * A metric object of `web-vitals` into columns, event_type `vital`.
 *
 * | metric                    | column                                                                                     |
 * | ------------------------- | ------------------------------------------------------------------------------------------ |
 * | id                        | span_id; `vital_<id>_<value>` is the event's id, since new values come under the same id    |
 * | name                      | event_name, vital_name                                                                     |
 * | value, delta, rating      | vital_value, vital_delta, vital_rating; value also duration_ms, unless it is CLS's score     |
 * | navigationType            | nav_type, with `_` for `-`: older versions write `back_forward`, newer ones `back-forward`  |
 * | attribution's target (or that of an older version), else the first entry's element | vital_element             |
 * | attribution.loadState     | vital_load_state                                                                           |
 * | navigationURL, else pageUrl | http_url                                                                                 |
 *
 * All else is in `data`, entries and attribution too.
 */
export function mapWebVital(metric: Json, around: BrowserContext, issues: Issue[]): EventColumns {
  const columns: EventColumns = { event_type: 'vital' }
  const context = readBrowserContext(metric, around, issues)
  setContext(columns, context)
  const { name } = metric
  if (names.has(name)) {
    columns.event_name = name as string
    columns.vital_name = name as string
  } else issues.push(name == null ? '/name: required' : expected('/name', [...names].join(', '), name))
  mapValue(metric, columns, issues)
  const type = readText(metric, 'navigationType', issues)
  if (type !== undefined) columns.nav_type = type.replaceAll('-', '_')
  // The page that the metric is of: `pageUrl` may be the one to which the person has gone on since.
  const url = readText(metric, 'navigationURL', issues) ?? context.pageUrl
  if (url !== undefined) columns.http_url = url
  const element = elementOf(metric)
  if (element !== undefined) columns.vital_element = element
  const attribution = isObject(metric['attribution']) ? metric['attribution'] : undefined
  const state = textOf(attribution?.['loadState'])
  if (state !== undefined) columns.vital_load_state = state
  keepRest(metric, columns)
  return columns
}

function mapValue(metric: Json, columns: EventColumns, issues: Issue[]): void {
  const value = readAmount(metric, 'value', issues)
  if (value !== undefined) {
    columns.vital_value = value
    if (columns.vital_name !== 'CLS') columns.duration_ms = value
  } else if (metric['value'] == null) issues.push('/value: required')
  const delta = readFinite(metric, 'delta', issues)
  if (delta !== undefined) columns.vital_delta = delta
  const { rating } = metric
  if (ratings.has(rating)) columns.vital_rating = rating as string
  else if (rating != null) issues.push(expected('/rating', [...ratings].join(', '), rating))
  const id = asId(metric['id'])
  if (id === null) issues.push(expected('/id', 'string', metric['id']))
  else if (id !== undefined) {
    columns.span_id = id
    if (value !== undefined) columns.id = vitalId(id, value)
  }
}

/** Fields of `attribution` that name an element, in all versions of web-vitals that have it. */
const targets = ['target', 'largestShiftTarget', 'interactionTarget', 'eventTarget', 'element'] as const

function elementOf(metric: Json): string | undefined {
  const own = textOf(metric['element'])
  if (own !== undefined) return own
  const { attribution, entries } = metric
  if (isObject(attribution)) {
    for (const name of targets) {
      const target = textOf(attribution[name])
      if (target !== undefined) return target
    }
  }
  const first: unknown = Array.isArray(entries) ? entries[0] : undefined
  if (!isObject(first)) return undefined
  // The live element of a page is an object with a tag name; as JSON, senders write the name or a selector.
  const element = first['element'] ?? first['target']
  return textOf(element) ?? (isObject(element) ? textOf(element['tagName']) : undefined)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

const placed: ReadonlySet<string> = new Set([
  ...contextFields,
  'name',
  'value',
  'delta',
  'rating',
  'id',
  'navigationType',
  'navigationURL',
])

/**
 * Layout shifts and long frames can make hundreds of objects, and an event may have 1,000 keys: a part that does not fit is kept
 * as its JSON text.
 */
const maxKeptKeys = 500

function keepRest(metric: Json, columns: EventColumns): void {
  const data: Json = {}
  let left = maxKeptKeys
  const keep = (into: Json, key: string, value: unknown) => {
    const keys = countKeys(value, left)
    const fits = keys <= left
    if (fits) left -= keys
    setKey(into, key, fits ? value : stringifyJson(value))
  }
  const keepAll = (into: Json, from: Json, skip: (key: string, value: unknown) => boolean) => {
    for (const key in from) {
      const value = from[key]
      if (value !== undefined && value !== null && !skip(key, value)) keep(into, key, value)
    }
  }
  const { attribution } = metric
  keepAll(
    data,
    metric,
    (key) => placed.has(key) || key === 'entries' || (key === 'attribution' && isObject(attribution)),
  )
  if (isObject(attribution)) {
    const parts: Json = {}
    keepAll(parts, attribution, (key) => key === 'loadState')
    data['attribution'] = parts
  }
  if (metric['entries'] != null) keep(data, 'entries', metric['entries'])
  if (Object.keys(data).length > 0) columns.data = data
}

/** Keys of a value, those within it included; beyond `most` it stops. JSON's depth limit bounds the recursion. */
function countKeys(value: unknown, most: number): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length && count <= most; at++) count += countKeys(value[at], most - count)
    return count
  }
  for (const key in value) {
    count += 1 + countKeys((value as Json)[key], most - count)
    if (count > most) break
  }
  return count
}

/** Throws TransformError for a metric that cannot be mapped. */
export function transformWebVital(vital: unknown, context: BrowserContext = {}): EventColumns {
  return strictly(vital, (issues) => ({
    ...mapWebVital(vital as Json, readBrowserContext(context, {}, issues), issues),
    event_source: 'web_vitals',
  }))
}

export const webVital: Transformer = {
  name: 'web-vital',
  description: 'A metric object of web-vitals',
  source: 'web_vitals',
  eventType: 'vital',
  multipleOutputs: false,
  transform: transformWebVital,
}
