import type { EventColumns } from '@millrace/protocol'
import type { DecodedBatch } from '../../core/batch.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Issue } from '../issues.ts'
import { mapOtelLog } from '../transformers/otel-log.ts'
import { mapOtelPoint } from '../transformers/otel-metric.ts'
import { mapOtelSpan } from '../transformers/otel-span.ts'
import { WireReader } from '../wire.ts'
import { EventList, WireEvent } from './events.ts'
import type { MetricKind, OtelMetric, OtlpKind } from './model.ts'
import { type OtelSource, otelSource } from './source.ts'
import { type Around, readFrame, tagOf } from './wire-frame.ts'
import { readWireLog } from './wire-log.ts'
import { dataKinds, readWireData, readWireMetric, readWirePoint } from './wire-metric.ts'
import { readWireResource, readWireScope } from './wire-source.ts'
import { readWireSpan } from './wire-span.ts'
import { OtlpReader } from './wire-values.ts'

/** Resources of a request, items of a scope; scopes are also under the number that they had for a while in 2022. */
const resourceTag = tagOf(1)
const scopeTags = [tagOf(2), tagOf(1000)]
const itemTag = tagOf(2)
const dataTags = [...dataKinds.keys()]
const pointTag = tagOf(1)

/**
 * A request in protobuf: ExportTraceServiceRequest, ExportLogsServiceRequest, ExportMetricsServiceRequest, which are alike down to
 * their items. A frame that cannot be read makes the body malformed; an item that cannot is an event with that issue.
 */
export function* decodeWire(kind: OtlpKind, body: Uint8Array): Generator<undefined, DecodedBatch> {
  const otlp = new OtlpReader(new WireReader(body))
  const { reader } = otlp
  const list = new EventList()
  try {
    const request = readFrame(reader, [resourceTag])
    if (request.items.length === 0 && body.length > 0) {
      throw new PipelineError('malformed', `the body of ${body.length} bytes has none of the fields of OTLP ${kind}`)
    }
    for (let r = 0; r < request.items.length; r += 2) {
      enter(reader, request.items, r)
      const ofResource = readFrame(reader, scopeTags)
      const resourceIssues: Issue[] = []
      const resource = readWireResource(ofResource.rest, resourceIssues)
      const aroundScope: Around = {
        rest: ofResource.rest,
        tag: itemTag,
        outer: { rest: request.rest, tag: resourceTag, outer: undefined },
      }
      for (let s = 0; s < ofResource.items.length; s += 2) {
        enter(reader, ofResource.items, s)
        const ofScope = readFrame(reader, [itemTag])
        const issues = [...resourceIssues]
        const scope = readWireScope(ofScope.rest, issues)
        const source = otelSource(kind, resource, scope, issues)
        const around: Around = { rest: ofScope.rest, tag: itemTag, outer: aroundScope }
        for (let i = 0; i < ofScope.items.length; i += 2) {
          enter(reader, ofScope.items, i)
          const item = readItem(kind, otlp, source, around)
          if (item instanceof WireEvent) {
            if (list.add(item)) yield
          } else for (const event of item) if (list.add(event)) yield
        }
      }
    }
  } catch (error) {
    throw error === reader.signal ? new PipelineError('malformed', `the body is ${reader.failure}`) : error
  }
  return { events: list.events }
}

function enter(reader: WireReader, places: readonly number[], index: number): void {
  reader.at = places[index] as number
  reader.end = places[index + 1] as number
}

/** The events of one item: one for a span or a log, one per data point for a metric. */
function readItem(
  kind: OtlpKind,
  otlp: OtlpReader,
  source: OtelSource,
  around: Around,
): WireEvent | Iterable<WireEvent> {
  if (kind === 'metrics') return readMetric(otlp, source, around)
  const map = kind === 'traces' ? mapSpan : mapLog
  return readEvent(otlp, source, around, map)
}

type MapItem = (otlp: OtlpReader, source: OtelSource, issues: Issue[]) => EventColumns

const mapSpan: MapItem = (otlp, source, issues) => mapOtelSpan(readWireSpan(otlp, issues), source, issues)
const mapLog: MapItem = (otlp, source, issues) => mapOtelLog(readWireLog(otlp, issues), source, issues)

function readEvent(otlp: OtlpReader, source: OtelSource, around: Around, map: MapItem): WireEvent {
  const { reader } = otlp
  const { at, end } = reader
  const issues: Issue[] = [...source.issues]
  let columns: EventColumns
  try {
    columns = map(otlp, source, issues)
  } catch (error) {
    if (error !== reader.signal) throw error
    issues.push(`: ${reader.failure}`)
    columns = { ...source.columns }
  }
  return new WireEvent(columns, issues, reader.bytes.subarray(at, end), around)
}

/** A metric that cannot be read up to its points is one event with that issue. */
function* readMetric(otlp: OtlpReader, source: OtelSource, around: Around): Generator<WireEvent> {
  const { reader } = otlp
  const item = reader.bytes.subarray(reader.at, reader.end)
  const frames = readMetricFrames(reader, around)
  if (typeof frames === 'string') {
    yield new WireEvent({ ...source.columns }, [...source.issues, `: ${frames}`], item, around)
    return
  }
  for (const { metric, kind, points, aroundPoint } of frames) {
    const map: MapItem = (_, from, issues) => mapOtelPoint(readWirePoint[kind](otlp), metric, from, issues)
    for (let index = 0; index < points.length; index += 2) {
      enter(reader, points, index)
      yield readEvent(otlp, source, aroundPoint, map)
    }
  }
}

interface MetricData {
  readonly metric: OtelMetric
  readonly kind: MetricKind
  /** Begin and end of each. */
  readonly points: readonly number[]
  readonly aroundPoint: Around
}

/** What a metric holds, or why it cannot be read. */
function readMetricFrames(reader: WireReader, outer: Around): MetricData[] | string {
  // One of its own: what is wrong in here is wrong with this metric, not with the body.
  const inner = new WireReader(reader.bytes.subarray(reader.at, reader.end))
  const offset = reader.at
  try {
    const ofMetric = readFrame(inner, dataTags)
    if (ofMetric.items.length === 0) return `has none of ${[...dataKinds.values()].join(', ')}`
    const metric = readWireMetric(ofMetric.rest)
    return ofMetric.tags.map((tag, index) => {
      enter(inner, ofMetric.items, index * 2)
      const ofData = readFrame(inner, [pointTag])
      const kind = dataKinds.get(tag) as MetricKind
      const aroundData: Around = { rest: ofMetric.rest, tag, outer }
      return {
        metric: readWireData(metric, kind, ofData.rest),
        kind,
        points: ofData.items.map((place) => place + offset),
        aroundPoint: { rest: ofData.rest, tag: pointTag, outer: aroundData },
      }
    })
  } catch (error) {
    if (!(error instanceof PipelineError) || error.code !== 'malformed') throw error
    return inner.failure === '' ? 'its name or unit is not a protobuf message' : inner.failure
  }
}
