import { gunzipSync } from 'node:zlib'
import type { EventColumns } from '@millrace/protocol'
import { PipelineError } from '../core/errors.ts'
import { expected, type Issue, isObject, setKey } from './issues.ts'
import { textOf } from './posthog-properties.ts'
import { readTime } from './timestamp.ts'

type Json = Record<string, unknown>

/** An event of the table that is one part of what PostHog sends as one event. */
export interface PosthogPart {
  readonly columns: EventColumns
  readonly issues: readonly Issue[]
  /** The PostHog event with this part alone: what is kept when it is quarantined. */
  readonly properties: Json
}

const vitalKey = /^\$web_vitals_([A-Za-z]+)_(event|value)$/

/**
 * `$web_vitals` carries every metric that was ready: one vital each. Its columns are those of the event and, from
 * `$web_vitals_<NAME>_event`, value, rating, delta, navigation type and the element that attribution names. Each keeps the properties
 * that all share and its own. Undefined when it carries none.
 */
export function vitalsOf(shared: EventColumns, properties: Json): PosthogPart[] | undefined {
  const names = new Set<string>()
  const rest: Json = {}
  for (const key in properties) {
    const name = vitalKey.exec(key)?.[1]
    if (name === undefined) setKey(rest, key, properties[key])
    else names.add(name)
  }
  if (names.size === 0) return undefined
  return [...names].map((name) => vitalOf(name, shared, properties, rest))
}

function vitalOf(name: string, shared: EventColumns, properties: Json, rest: Json): PosthogPart {
  const issues: Issue[] = []
  const valueKey = `$web_vitals_${name}_value`
  const eventKey = `$web_vitals_${name}_event`
  const own: Json = { ...rest }
  if (Object.hasOwn(properties, valueKey)) own[valueKey] = properties[valueKey]
  if (Object.hasOwn(properties, eventKey)) own[eventKey] = properties[eventKey]
  const event = isObject(properties[eventKey]) ? properties[eventKey] : {}
  const columns: EventColumns = {
    ...copyOf(shared),
    event_type: 'vital',
    event_name: name,
    vital_name: name,
    properties: own,
  }
  if (columns.id !== undefined) columns.id = `${columns.id}:${name}`
  const value = properties[valueKey] ?? event['value']
  if (typeof value === 'number') columns.vital_value = value
  else issues.push(expected(`/properties/${valueKey}`, 'number', value))
  if (typeof event['delta'] === 'number') columns.vital_delta = event['delta']
  let text: string | undefined
  if ((text = textOf(event['rating'])) !== undefined) columns.vital_rating = text
  if ((text = textOf(event['navigationType'])) !== undefined) columns.nav_type = text
  if ((text = textOf(event['$current_url'])) !== undefined) columns.http_url = text
  if ((text = textOf(event['$session_id'])) !== undefined) columns.session_id = text
  // When it was measured; the event waits for the others.
  const measured = readTime(event['timestamp'])
  if (typeof measured === 'number') columns.timestamp = measured
  const attribution = isObject(event['attribution']) ? event['attribution'] : {}
  text =
    textOf(attribution['target']) ??
    textOf(attribution['element']) ??
    textOf(attribution['interactionTarget']) ??
    textOf(attribution['largestShiftTarget'])
  if (text !== undefined) columns.vital_element = text
  if ((text = textOf(attribution['loadState'])) !== undefined) columns.vital_load_state = text
  return { columns, issues, properties: own }
}

/** JSON columns are each event's own at their top level. */
function copyOf(shared: EventColumns): EventColumns {
  const { data, traits } = shared
  return { ...shared, ...(data && { data: { ...data } }), ...(traits && { traits: { ...traits } }) }
}

const types = ['DomContentLoaded', 'Load', 'FullSnapshot', 'IncrementalSnapshot', 'Meta', 'Custom', 'Plugin']
const sources = [
  'Mutation',
  'MouseMove',
  'MouseInteraction',
  'Scroll',
  'ViewportResize',
  'Input',
  'TouchMove',
  'MediaInteraction',
  'StyleSheetRule',
  'CanvasMutation',
  'Font',
  'Log',
  'Drag',
]

/** How much a body's recordings may still inflate to; beyond it the body is `too_large`. */
export interface InflateBudget {
  bytes: number
}

/**
 * `$snapshot` carries a chunk of a recording: one replay event per rrweb event in `$snapshot_data`, in its order, its place in the chunk
 * as replay_sequence. What the library compressed (`cv: "2024-10"`: gzip in a string) is inflated, so that replay_data is rrweb's
 * own JSON. Undefined when it carries none.
 */
export function snapshotsOf(shared: EventColumns, properties: Json, budget: InflateBudget): PosthogPart[] | undefined {
  const data = properties['$snapshot_data']
  const items: readonly unknown[] = Array.isArray(data) ? data : isObject(data) ? [data] : []
  if (items.length === 0) return undefined
  const rest: Json = {}
  for (const key in properties) if (key !== '$snapshot_data') setKey(rest, key, properties[key])
  return items.map((item, index) => snapshotOf(item, index, shared, rest, budget))
}

function snapshotOf(
  item: unknown,
  index: number,
  shared: EventColumns,
  rest: Json,
  budget: InflateBudget,
): PosthogPart {
  const issues: Issue[] = []
  const columns: EventColumns = {
    ...copyOf(shared),
    event_type: 'replay',
    properties: { ...rest },
    replay_sequence: index,
  }
  if (columns.id !== undefined) columns.id = `${columns.id}:${index}`
  if (columns.session_id === undefined) issues.push('/properties/$session_id: required')
  else columns.trace_id = columns.session_id
  const pointer = `/properties/$snapshot_data/${index}`
  if (!isObject(item)) issues.push(expected(pointer, 'object', item))
  else mapRrweb(item, pointer, columns, issues, budget)
  return { columns, issues, properties: { ...rest, $snapshot_data: [item] } }
}

function mapRrweb(item: Json, pointer: string, columns: EventColumns, issues: Issue[], budget: InflateBudget): void {
  const { type, timestamp } = item
  if (typeof type === 'number') columns.replay_type = types[type] ?? `Unknown(${type})`
  else issues.push(expected(`${pointer}/type`, 'number', type))
  const time = readTime(timestamp)
  if (typeof time === 'number') columns.timestamp = time
  else issues.push(`${pointer}/timestamp: ${time}`)
  const opened = item['cv'] === undefined ? item : inflateItem(item, pointer, issues, budget)
  const data = opened['data']
  if (type === 3 && isObject(data) && typeof data['source'] === 'number') {
    columns.replay_source = sources[data['source']] ?? `Unknown(${data['source']})`
  }
  if (type === 4 && isObject(data)) {
    const url = textOf(data['href'])
    if (url !== undefined) columns.http_url = url
  }
  const name = columns.replay_type ?? 'Unknown'
  columns.event_name = columns.replay_source === undefined ? name : `${name}.${columns.replay_source}`
  columns.replay_data = Buffer.from(JSON.stringify(opened, exact))
}

/** JSON has no bigint; what came as a long number goes as one. */
function exact(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

/** The parts that posthog-js compresses: the whole data of a full snapshot, these fields of an incremental one. */
const compressed = ['texts', 'attributes', 'removes', 'adds']

function inflateItem(item: Json, pointer: string, issues: Issue[], budget: InflateBudget): Json {
  const { cv: _, ...opened } = item
  const data = opened['data']
  if (typeof data === 'string') opened['data'] = inflateText(data, `${pointer}/data`, issues, budget)
  else if (isObject(data)) {
    const fields: Json = { ...data }
    for (const key of compressed) {
      const text = fields[key]
      if (typeof text === 'string') fields[key] = inflateText(text, `${pointer}/data/${key}`, issues, budget)
    }
    opened['data'] = fields
  }
  return opened
}

function inflateText(text: string, pointer: string, issues: Issue[], budget: InflateBudget): unknown {
  try {
    const json = gunzipSync(Buffer.from(text, 'latin1'), { maxOutputLength: Math.max(1, budget.bytes) })
    budget.bytes -= json.length
    return JSON.parse(json.toString('utf8')) as unknown
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new PipelineError('too_large', 'the recordings of the body inflate to too much: send smaller chunks')
    }
    issues.push(`${pointer}: expected gzip of JSON as a string, got string(${text.length})`)
    return text
  }
}
