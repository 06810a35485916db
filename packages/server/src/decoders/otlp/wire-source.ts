import type { Issue } from '../issues.ts'
import { WireReader } from '../wire.ts'
import { emptyResource, emptyScope, type OtelResource, type OtelScope } from './model.ts'
import { OtlpReader } from './wire-values.ts'

/**
 * What a frame says beside its items:
 *
 *   ResourceSpans, ResourceLogs, ResourceMetrics = resource 1, (scopes 2), schema_url 3
 *   ScopeSpans, ScopeLogs, ScopeMetrics          = scope 1, (items 2), schema_url 3
 *   Resource = attributes 1, dropped_attributes_count 2, entity_refs 3
 *   InstrumentationScope = name 1, version 2, attributes 3, dropped_attributes_count 4
 *   EntityRef = schema_url 1, type 2, id_keys 3, description_keys 4
 */
export function readWireResource(rest: Uint8Array, issues: Issue[]): OtelResource {
  const resource = emptyResource()
  readRest(rest, '/resource', issues, resource, (otlp) => {
    const { reader } = otlp
    while (reader.at < reader.end) {
      const tag = reader.uint32()
      if (tag === 10) otlp.attribute(resource.attributes)
      else if (tag === 16) resource.droppedAttributesCount = reader.uint32()
      else if (tag === 26) (resource.entityRefs ??= []).push(readEntityRef(otlp))
      else otlp.skip(tag)
    }
  })
  return resource
}

export function readWireScope(rest: Uint8Array, issues: Issue[]): OtelScope {
  const scope = emptyScope()
  readRest(rest, '/scope', issues, scope, (otlp) => {
    const { reader } = otlp
    while (reader.at < reader.end) {
      const tag = reader.uint32()
      if (tag === 10) scope.name = reader.string()
      else if (tag === 18) scope.version = reader.string()
      else if (tag === 26) scope.attributes = otlp.attribute(scope.attributes)
      else if (tag === 32) scope.droppedAttributesCount = reader.uint32()
      else otlp.skip(tag)
    }
  })
  return scope
}

/** A resource or scope that cannot be read is an issue of each of its items; other resources go on. */
function readRest(
  rest: Uint8Array,
  pointer: string,
  issues: Issue[],
  into: { schemaUrl: string },
  read: (otlp: OtlpReader) => void,
): void {
  const reader = new WireReader(rest)
  const otlp = new OtlpReader(reader)
  const { end } = reader
  try {
    while (reader.at < end) {
      const tag = reader.uint32()
      if (tag === 10) {
        reader.end = reader.enter()
        read(otlp)
        reader.end = end
      } else if (tag === 26) into.schemaUrl = reader.string()
      else otlp.skip(tag)
    }
  } catch (error) {
    if (error !== reader.signal) throw error
    issues.push(`${pointer}: ${reader.failure}`)
  }
}

function readEntityRef(otlp: OtlpReader): Record<string, unknown> {
  const { reader } = otlp
  const outer = reader.end
  const stop = reader.enter()
  reader.end = stop
  const ref: { schema_url?: string; type?: string; id_keys?: string[]; description_keys?: string[] } = {}
  while (reader.at < stop) {
    const tag = reader.uint32()
    if (tag === 10) ref.schema_url = reader.string()
    else if (tag === 18) ref.type = reader.string()
    else if (tag === 26) (ref.id_keys ??= []).push(reader.string())
    else if (tag === 34) (ref.description_keys ??= []).push(reader.string())
    else otlp.skip(tag)
  }
  reader.end = outer
  return ref
}
