import type { EventColumns } from '@millrace/protocol'
import { expected, type Issue, isObject, setKey } from './issues.ts'
import { type InflateBudget, recordingText } from './posthog-recording.ts'
import { textOf } from './posthog-properties.ts'
import { mapSessionReplay } from './transformers/session-replay.ts'
import { mapWebVital } from './transformers/web-vital.ts'

type Json = Record<string, unknown>

/** An event of the table that is one part of what PostHog sends as one event. */
export interface PosthogPart {
  readonly columns: EventColumns
  readonly issues: readonly Issue[]
  /** The properties of an event that has this part alone: what is kept when it is quarantined. */
  readonly properties: Json
}

const vitalKey = /^\$web_vitals_([A-Za-z]+)_(event|value)$/

/**
 * `$web_vitals` carries every metric that was ready: one vital each, as the `web-vitals` object in `$web_vitals_<NAME>_event` says, under
 * the id `<uuid>:<NAME>`. Undefined when it carries none.
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
  const eventKey = `$web_vitals_${name}_event`
  const valueKey = `$web_vitals_${name}_value`
  const event = properties[eventKey]
  const metric: Json = isObject(event) ? { ...event } : {}
  metric['name'] = name
  metric['value'] ??= properties[valueKey]
  const found: Issue[] = []
  // When it was measured stands in the metric: the event waited for the others.
  const vital = mapWebVital(
    metric,
    { pageUrl: textOf(metric['$current_url']) ?? shared.http_url, sessionId: shared.session_id },
    found,
  )
  const data = shared.data === undefined ? vital.data : { ...shared.data, ...vital.data }
  const columns: EventColumns = { ...shared, ...vital, ...own(shared), ...(data && { data }), properties: { ...rest } }
  if (shared.id !== undefined) columns.id = `${shared.id}:${name}`
  const kept: Json = { ...rest, [eventKey]: event, [valueKey]: properties[valueKey] }
  return { columns, issues: found.map((issue) => `/properties/${eventKey}${issue}`), properties: kept }
}

/**
 * `$snapshot` carries a chunk of a recording: one replay event per rrweb event in `$snapshot_data`, in its order, its place in the chunk
 * as replay_sequence, under the id `<uuid>:<place>`. Undefined when it carries none.
 */
export function snapshotsOf(
  shared: EventColumns,
  properties: Json,
  budget: InflateBudget,
): Iterable<PosthogPart> | undefined {
  const data = properties['$snapshot_data']
  const items: readonly unknown[] = Array.isArray(data) ? data : isObject(data) ? [data] : []
  return items.length === 0 ? undefined : eachSnapshot(items, shared, properties, budget)
}

/** One by one, since a chunk may hold thousands. */
function* eachSnapshot(
  items: readonly unknown[],
  shared: EventColumns,
  properties: Json,
  budget: InflateBudget,
): Generator<PosthogPart> {
  const rest: Json = {}
  for (const key in properties) if (key !== '$snapshot_data') setKey(rest, key, properties[key])
  for (const [place, item] of items.entries()) yield snapshotOf(item, place, shared, rest, budget)
}

function snapshotOf(
  item: unknown,
  place: number,
  shared: EventColumns,
  rest: Json,
  budget: InflateBudget,
): PosthogPart {
  const issues: Issue[] = []
  const pointer = `/properties/$snapshot_data/${place}`
  let replay: EventColumns = { event_type: 'replay' }
  if (shared.session_id === undefined) issues.push('/properties/$session_id: required')
  if (isObject(item)) {
    const found: Issue[] = []
    const text = recordingText(item, found, budget)
    const around = { sessionId: shared.session_id ?? '', pageUrl: shared.http_url, sequence: place }
    replay = mapSessionReplay(item, around, found, text)
    for (const issue of found) issues.push(`${pointer}${issue}`)
  } else issues.push(expected(pointer, 'object', item))
  const columns: EventColumns = { ...shared, ...replay, ...own(shared), properties: { ...rest } }
  if (shared.id !== undefined) columns.id = `${shared.id}:${place}`
  return { columns, issues, properties: { ...rest, $snapshot_data: [item] } }
}

/** JSON columns are each event's own at their top level. */
function own({ data, traits }: EventColumns): EventColumns {
  return { ...(data && { data: { ...data } }), ...(traits && { traits: { ...traits } }) }
}
