import type { DecodedBatch } from '../../core/batch.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Issue } from '../issues.ts'
import { WireReader } from '../wire.ts'
import { EventList, WireEvent } from './events.ts'
import type { OtlpKind } from './model.ts'
import { type OtelSource, otelSource } from './source.ts'
import { mapOtelSpan } from '../transformers/otel-span.ts'
import { type Around, readFrame, tagOf } from './wire-frame.ts'
import { readWireResource, readWireScope } from './wire-source.ts'
import { readWireSpan } from './wire-span.ts'
import { OtlpReader } from './wire-values.ts'

/** Resources of a request, items of a scope; scopes are also under the number that they had for a while in 2022. */
const resourceTag = tagOf(1)
const scopeTags = [tagOf(2), tagOf(1000)]
const itemTag = tagOf(2)

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
          if (list.add(readSpan(otlp, source, around))) yield
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

function readSpan(otlp: OtlpReader, source: OtelSource, around: Around): WireEvent {
  const { reader } = otlp
  const { at, end } = reader
  const issues: Issue[] = [...source.issues]
  try {
    const columns = mapOtelSpan(readWireSpan(otlp, issues), source, issues)
    return new WireEvent(columns, issues, reader.bytes.subarray(at, end), around)
  } catch (error) {
    if (error !== reader.signal) throw error
    issues.push(`: ${reader.failure}`)
    return new WireEvent({ ...source.columns }, issues, reader.bytes.subarray(at, end), around)
  }
}
