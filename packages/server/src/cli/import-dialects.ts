import { findColumn, parseJson, stringifyJson } from '@millrace/protocol'
import type { Unit } from './import-units.ts'

/** A request of an import. */
export interface ImportRequest {
  readonly path: string
  readonly type: string
  readonly body: string
}

/** How the events of a file become requests of their dialect. */
export interface ImportDialect {
  /** Keys by which an event of the dialect is told; the first dialect with all of them is it. */
  readonly keys: readonly string[]
  /** At most so many events in a request; default: the user's. */
  readonly most?: number
  /** What an export writes in another way than a client sends it. */
  readonly correct?: (event: Record<string, unknown>) => Record<string, unknown>
  request(events: readonly string[]): ImportRequest
}

const json = 'application/json'
const lines = (path: string) => (events: readonly string[]) => ({
  path,
  type: 'application/x-ndjson',
  // A value over several lines is one line of NDJSON without its breaks: JSON has none inside its texts.
  body: events.map((event) => event.replaceAll(/[\r\n]+/g, ' ')).join('\n'),
})
const list =
  (path: string, before = '[', after = ']', type = json) =>
  (events: readonly string[]) => ({ path, type, body: `${before}${events.join(',')}${after}` })

const otelPaths = { resourceSpans: '/v1/traces', resourceLogs: '/v1/logs', resourceMetrics: '/v1/metrics' } as const

/** By the names of their sources. The order matters for telling them apart: those with more keys of their own first. */
export const importDialects: Readonly<Record<string, ImportDialect>> = {
  cloudevents: {
    keys: ['specversion', 'type', 'source'],
    request: list('/v1/events', '[', ']', 'application/cloudevents-batch+json'),
  },
  posthog: {
    keys: ['event', 'distinct_id'],
    correct: correctPosthog,
    request: list('/batch/', '{"historical_migration":true,"batch":[', ']}'),
  },
  // Each line is a whole export request, as the Collector's file exporter writes it.
  otel: { keys: [], most: 1, request: ([event = '']) => ({ path: otelPath(event), type: json, body: event }) },
  s0: { keys: ['event_id', 'device_id'], request: list('/v1/events/batch', '{"events":[', ']}') },
  recommendations: { keys: ['event_type', 'timestamp_ms'], request: lines('/v1/recommendations') },
  platform_events: { keys: ['event_type', 'event_data'], request: lines('/v1/platform-events') },
  workers_tail: { keys: ['scriptName', 'eventTimestamp'], request: list('/v1/tail') },
  cdc: { keys: ['op', 'table'], request: lines('/v1/cdc') },
  do_event: { keys: ['verb'], request: lines('/v1/do') },
  web_vitals: { keys: ['name', 'value', 'rating'], request: list('/v1/vitals') },
  snippet: { keys: ['initiatorType', 'startTime'], request: list('/v1/snippet') },
  // Each line is a chunk of a session.
  rrweb: {
    keys: ['sessionId', 'events'],
    most: 1,
    request: ([event = '']) => ({ path: '/v1/replay', type: json, body: event }),
  },
  plausible: {
    keys: ['domain', 'name', 'url'],
    most: 1,
    request: ([event = '']) => ({ path: '/api/event', type: json, body: event }),
  },
  umami: { keys: ['type', 'payload'], request: list('/api/send') },
  segment: { keys: ['type', 'messageId'], request: list('/v1/batch', '{"batch":[', ']}') },
  millrace: { keys: ['event_name'], request: lines('/v1/events') },
}

function otelPath(event: string): string {
  for (const [key, path] of Object.entries(otelPaths)) if (event.includes(`"${key}"`)) return path
  return otelPaths.resourceSpans
}

/** What the first event looks like; undefined when nothing fits. */
export function guessDialect({ text, cells }: Unit): string | undefined {
  const event: unknown = cells ?? tryJson(text)
  if (typeof event !== 'object' || event === null) return undefined
  if (Object.keys(otelPaths).some((key) => key in event)) return 'otel'
  if ('payload' in event && typeof event.payload === 'object' && 'op' in (event.payload ?? {})) return 'cdc'
  if ('op' in event && 'source' in event) return 'cdc'
  return Object.entries(importDialects).find(
    ([, { keys }]) => keys.length > 0 && keys.every((key) => key in event),
  )?.[0]
}

/** The event as its dialect takes it. */
export function textOf({ text, cells }: Unit, name: string, dialect: ImportDialect): string {
  if (cells === undefined && dialect.correct === undefined) return text
  const event = cells === undefined ? tryJson(text) : fromCells(cells, name === 'millrace')
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return text
  return stringifyJson(dialect.correct?.(event as Record<string, unknown>) ?? event)
}

/** Integers stay exact. */
function tryJson(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

/**
 * A row of CSV: an empty cell is absent, a dot in a header leads inside (`properties.plan`). A column of the unified schema is read as
 * its type. Of the others a cell that is written as JSON writes numbers, true, false, lists and objects is that, and all else text:
 * `007` and `+49` stay as they are.
 */
export function fromCells(cells: Readonly<Record<string, string>>, hasColumns: boolean): Record<string, unknown> {
  const event: Record<string, unknown> = {}
  for (const [header, cell] of Object.entries(cells)) {
    if (cell === '') continue
    const kind = hasColumns ? findColumn(header)?.kind : undefined
    const isText = kind === 'string' || kind === 'enum' || kind === 'bytes'
    place(event, kind === undefined ? header.split('.') : [header], isText ? cell : valueOf(cell))
  }
  return event
}

function valueOf(cell: string): unknown {
  const first = cell[0] as string
  if (first === '{' || first === '[') return tryJson(cell) ?? cell
  if (cell === 'true' || cell === 'false') return cell === 'true'
  return String(Number(cell)) === cell && Number.isFinite(Number(cell)) ? Number(cell) : cell
}

function place(event: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let target = event
  for (const part of path.slice(0, -1)) {
    const inner = Object.hasOwn(target, part) ? target[part] : undefined
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) target = inner as Record<string, unknown>
    else {
      const made: Record<string, unknown> = {}
      define(target, part, made)
      target = made
    }
  }
  define(target, path.at(-1) as string, value)
}

/** `__proto__` is a header like any other. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}

/** PostHog's exports hold properties as JSON text, and times without a zone, which are UTC. */
function correctPosthog(event: Record<string, unknown>): Record<string, unknown> {
  const corrected = { ...event }
  for (const key of ['properties', 'person_properties', '$set', '$set_once']) {
    const value = corrected[key]
    if (typeof value === 'string' && value.startsWith('{')) corrected[key] = tryJson(value) ?? value
  }
  for (const key of ['timestamp', 'sent_at', 'created_at']) {
    const value = corrected[key]
    const parts = typeof value === 'string' ? /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)$/.exec(value) : null
    if (parts !== null) corrected[key] = `${parts[1]}T${parts[2]}Z`
  }
  return corrected
}
