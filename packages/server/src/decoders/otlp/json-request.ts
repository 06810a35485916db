import type { EventColumns } from '@millrace/protocol'
import type { DecodedBatch } from '../../core/batch.ts'
import { PipelineError } from '../../core/errors.ts'
import { describe, expected, type Issue, isObject, noteInfinite } from '../issues.ts'
import { parseJsonBytes } from '../json.ts'
import { mapOtelLog } from '../transformers/otel-log.ts'
import { mapOtelPoint } from '../transformers/otel-metric.ts'
import { mapOtelSpan } from '../transformers/otel-span.ts'
import { EventList, JsonEvent } from './events.ts'
import { readJsonLog } from './json-log.ts'
import { dataNames, readJsonData, readJsonMetric, readJsonPoint } from './json-metric.ts'
import { itemsOf, piecesFromBytes, readUnread, type SplitBody, splitJson } from './json-pieces.ts'
import { readJsonResource, readJsonScope } from './json-source.ts'
import { readJsonSpan } from './json-span.ts'
import type { OtlpKind } from './model.ts'
import { type OtelSource, otelSource } from './source.ts'

/** A list under any of its names: the JSON mapping's, the .proto's, and those that it had before 2022. */
interface ListNames {
  readonly name: string
  readonly others: readonly string[]
}

const lists: Readonly<Record<OtlpKind, { resources: ListNames; scopes: ListNames; items: ListNames }>> = {
  traces: {
    resources: { name: 'resourceSpans', others: ['resource_spans'] },
    scopes: {
      name: 'scopeSpans',
      others: ['scope_spans', 'instrumentationLibrarySpans', 'instrumentation_library_spans'],
    },
    items: { name: 'spans', others: [] },
  },
  logs: {
    resources: { name: 'resourceLogs', others: ['resource_logs'] },
    scopes: {
      name: 'scopeLogs',
      others: ['scope_logs', 'instrumentationLibraryLogs', 'instrumentation_library_logs'],
    },
    items: { name: 'logRecords', others: ['log_records', 'logs'] },
  },
  metrics: {
    resources: { name: 'resourceMetrics', others: ['resource_metrics'] },
    scopes: {
      name: 'scopeMetrics',
      others: ['scope_metrics', 'instrumentationLibraryMetrics', 'instrumentation_library_metrics'],
    },
    items: { name: 'metrics', others: [] },
  },
}

type JsonObject = Record<string, unknown>

/** What of the body is not an item: needed to say what an item was sent with. */
export interface JsonPlace {
  readonly source: OtelSource
  /** Of the piece of the body that is being read. */
  mayHaveInfinite: boolean
  /** The whole request that holds one item alone. */
  readonly request: (item: unknown) => unknown
}

/**
 * A request in OTLP's JSON. What is no list or object where one has to be makes the body malformed, as long as no item is concerned;
 * an item that cannot be read is an event with its issues.
 */
export function* decodeJson(
  kind: OtlpKind,
  body: Uint8Array,
  inPieces = body.length >= piecesFromBytes,
): Generator<undefined, DecodedBatch> {
  const split = inPieces ? yield* splitJson(body) : undefined
  if (split === undefined) return yield* decodeRequest(kind, body, undefined)
  try {
    return yield* decodeRequest(kind, body, split)
  } catch (error) {
    // What is no JSON at all is refused as such, whatever else is wrong with it.
    if (error instanceof PipelineError && error.code === 'malformed') parseJsonBytes(body)
    throw error
  }
}

function* decodeRequest(
  kind: OtlpKind,
  body: Uint8Array,
  split: SplitBody | undefined,
): Generator<undefined, DecodedBatch> {
  const { value, mayHaveInfinite } = parseJsonBytes(split?.skeleton ?? body)
  yield
  const list = new EventList()
  const names = lists[kind]
  if (!isObject(value)) {
    throw new PipelineError('malformed', `the body is ${describe(value)}, expected {"${names.resources.name}":[…]}`)
  }
  const resources = listOf(value, names.resources, '')
  if (resources === undefined && Object.keys(value).length > 0) {
    throw new PipelineError('malformed', `the body has no "${names.resources.name}"`)
  }
  for (const [r, ofResource] of objectsOf(resources, `/${names.resources.name}`)) {
    const pointer = `/${names.resources.name}/${r}`
    const resourceIssues: Issue[] = []
    const schemaUrl = ofResource['schemaUrl'] ?? ofResource['schema_url']
    const resource = readJsonResource(ofResource['resource'], schemaUrl, resourceIssues)
    const scopes = listOf(ofResource, names.scopes, pointer)
    for (const [s, ofScope] of objectsOf(scopes, `${pointer}/${names.scopes.name}`)) {
      const issues = [...resourceIssues]
      const scope = readJsonScope(
        ofScope['scope'] ?? ofScope['instrumentationLibrary'] ?? ofScope['instrumentation_library'],
        ofScope['schemaUrl'] ?? ofScope['schema_url'],
        issues,
      )
      const items = listOf(ofScope, names.items, `${pointer}/${names.scopes.name}/${s}`) ?? []
      const place: JsonPlace = {
        source: otelSource(kind, resource, scope, issues),
        mayHaveInfinite,
        request: (item) => ({
          [names.resources.name]: [
            {
              ...without(ofResource, names.scopes),
              [names.scopes.name]: [{ ...without(ofScope, names.items), [names.items.name]: [item] }],
            },
          ],
        }),
      }
      for (const piece of itemsOf(items, mayHaveInfinite, split, body)) {
        place.mayHaveInfinite = piece.mayHaveInfinite
        for (const item of piece.items) {
          const read = readItem(kind, item, place)
          if (read instanceof JsonEvent) {
            if (list.add(read)) yield
          } else for (const event of read) if (list.add(event)) yield
        }
        if (split !== undefined) yield
      }
    }
  }
  if (split !== undefined) yield* readUnread(split, body)
  return { events: list.events }
}

/** The events of one item: one for a span or a log, one per data point for a metric. */
function readItem(kind: OtlpKind, item: unknown, place: JsonPlace): JsonEvent | Iterable<JsonEvent> {
  if (!isObject(item)) return unreadable(expected('', nouns[kind], item), item, place)
  if (kind === 'metrics') return readMetric(item, place)
  const issues: Issue[] = [...place.source.issues]
  const columns =
    kind === 'traces'
      ? mapOtelSpan(readJsonSpan(item, issues), place.source, issues)
      : mapOtelLog(readJsonLog(item, issues), place.source, issues)
  return eventOf(columns, issues, item, place)
}

const nouns: Readonly<Record<OtlpKind, string>> = { traces: 'a span', logs: 'a log record', metrics: 'a metric' }

function* readMetric(item: JsonObject, place: JsonPlace): Generator<JsonEvent> {
  const { source } = place
  const shared: Issue[] = [...source.issues]
  const metric = readJsonMetric(item, shared)
  let isEmpty = true
  for (const [name, kind] of dataNames) {
    const data = item[name]
    if (data === undefined || data === null) continue
    isEmpty = false
    const listName = isObject(data) && data['data_points'] !== undefined ? 'data_points' : 'dataPoints'
    const points = isObject(data) ? (data[listName] ?? []) : undefined
    if (!isObject(data) || !Array.isArray(points)) {
      yield unreadable(expected(`/${name}`, 'an object with dataPoints', data), item, place)
      continue
    }
    const ofKind = [...shared]
    const about = readJsonData(metric, kind, data, ofKind)
    const inside: JsonPlace = {
      ...place,
      request: (point) => place.request({ ...without(item, allData), [name]: { ...data, [listName]: [point] } }),
    }
    for (const point of points as unknown[]) {
      if (!isObject(point)) {
        yield unreadable(expected('', 'a data point', point), point, inside)
        continue
      }
      const issues = [...ofKind]
      const columns = mapOtelPoint(readJsonPoint(kind, point, issues), about, source, issues)
      yield eventOf(columns, issues, point, inside)
    }
  }
  if (isEmpty) yield unreadable(`: has none of ${[...dataNames.keys()].join(', ')}`, item, place)
}

const allData: ListNames = { name: '', others: [...dataNames.keys()] }

function eventOf(columns: EventColumns, issues: Issue[], item: JsonObject, place: JsonPlace): JsonEvent {
  if (place.mayHaveInfinite) noteInfinite(item, issues)
  return new JsonEvent(columns, issues, item, place.request)
}

function unreadable(issue: Issue, item: unknown, { source, request }: JsonPlace): JsonEvent {
  return new JsonEvent({ ...source.columns }, [...source.issues, issue], item, request)
}

/** Undefined when it is absent. */
function listOf(holder: JsonObject, { name, others }: ListNames, pointer: string): unknown[] | undefined {
  let list = holder[name]
  for (let index = 0; (list === undefined || list === null) && index < others.length; index++) {
    list = holder[others[index] as string]
  }
  if (list === undefined || list === null) return undefined
  if (Array.isArray(list)) return list
  throw new PipelineError('malformed', `${pointer}/${name} is ${describe(list)}, expected an array`)
}

function* objectsOf(list: readonly unknown[] | undefined, pointer: string): Generator<[number, JsonObject]> {
  if (list === undefined) return
  for (const [index, item] of list.entries()) {
    if (!isObject(item)) {
      throw new PipelineError('malformed', `${pointer}/${index} is ${describe(item)}, expected an object`)
    }
    yield [index, item]
  }
}

function without(holder: JsonObject, { name, others }: ListNames): JsonObject {
  return Object.fromEntries(Object.entries(holder).filter(([key]) => key !== name && !others.includes(key)))
}
