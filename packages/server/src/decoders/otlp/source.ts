import type { EventColumns, JsonObject } from '@millrace/protocol'
import type { Issue } from '../issues.ts'
import { mapResourceAttributes } from './conventions.ts'
import type { OtelResource, OtelScope, OtlpKind } from './model.ts'

/** What all items of one resource and scope share, made once for them. */
export interface OtelSource {
  /** Copied for each item. */
  readonly columns: Readonly<EventColumns>
  /** `context` of each item, copied at its top level: `resource` has the resource's attributes, `scope` name, version, attributes. */
  readonly context: Readonly<JsonObject> | undefined
  /** What of the resource or scope could not be read: their items cannot be trusted then. */
  readonly issues: readonly Issue[]
}

const eventTypes = { traces: 'trace', logs: 'log', metrics: 'metric' } as const

/** `ns` is service.namespace or "otel" for spans, `otel.logs.<service>` and `otel.metrics.<service>` for the others. */
export function otelSource(
  kind: OtlpKind,
  resource: OtelResource,
  scope: OtelScope | undefined,
  issues: readonly Issue[] = [],
): OtelSource {
  const columns: EventColumns = { event_type: eventTypes[kind], event_source: 'otel' }
  mapResourceAttributes(resource.attributes, columns)
  const { service_name } = columns
  const namespace = resource.attributes['service.namespace']
  if (kind === 'traces') columns.ns = typeof namespace === 'string' && namespace !== '' ? namespace : 'otel'
  else columns.ns = service_name === undefined ? `otel.${kind}` : `otel.${kind}.${service_name}`
  if (kind === 'logs' && scope !== undefined && scope.name !== '') columns.log_logger = scope.name
  return { columns, context: contextOf(resource, scope), issues }
}

function contextOf(resource: OtelResource, scope: OtelScope | undefined): JsonObject | undefined {
  const context: JsonObject = {}
  for (const _ in resource.attributes) {
    context['resource'] = resource.attributes
    break
  }
  if (resource.schemaUrl !== '') context['resource_schema_url'] = resource.schemaUrl
  if (resource.droppedAttributesCount !== 0) {
    context['resource_dropped_attributes_count'] = resource.droppedAttributesCount
  }
  if (resource.entityRefs !== undefined) context['resource_entity_refs'] = resource.entityRefs
  const about = scope === undefined ? undefined : describeScope(scope)
  if (about !== undefined) context['scope'] = about
  for (const _ in context) return context
  return undefined
}

function describeScope(scope: OtelScope): JsonObject | undefined {
  const about: JsonObject = {}
  if (scope.name !== '') about['name'] = scope.name
  if (scope.version !== '') about['version'] = scope.version
  if (scope.attributes !== undefined) about['attributes'] = scope.attributes
  if (scope.droppedAttributesCount !== 0) about['dropped_attributes_count'] = scope.droppedAttributesCount
  if (scope.schemaUrl !== '') about['schema_url'] = scope.schemaUrl
  for (const _ in about) return about
  return undefined
}
