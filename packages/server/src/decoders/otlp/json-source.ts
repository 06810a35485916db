import { expected, type Issue, isObject } from '../issues.ts'
import { jsonAttributes, jsonText, jsonUint32 } from './json-values.ts'
import { emptyResource, emptyScope, type OtelResource, type OtelScope } from './model.ts'

/** A Resource of OTLP's JSON; what stands beside it (`schemaUrl`) is the caller's. */
export function readJsonResource(input: unknown, schemaUrl: unknown, issues: Issue[]): OtelResource {
  const resource = emptyResource()
  resource.schemaUrl = jsonText(schemaUrl, '/resource/schemaUrl', issues)
  if (input === undefined || input === null) return resource
  if (!isObject(input)) {
    issues.push(expected('/resource', 'object', input))
    return resource
  }
  resource.attributes = jsonAttributes(input['attributes'], '/resource/attributes', issues) ?? {}
  resource.droppedAttributesCount = jsonUint32(
    input['droppedAttributesCount'] ?? input['dropped_attributes_count'],
    '/resource/droppedAttributesCount',
    issues,
  )
  const entityRefs = input['entityRefs'] ?? input['entity_refs']
  if (Array.isArray(entityRefs) && entityRefs.length > 0) {
    resource.entityRefs = entityRefs.map((ref) => (isObject(ref) ? readEntityRef(ref) : ref))
  }
  return resource
}

function readEntityRef(ref: Record<string, unknown>): Record<string, unknown> {
  const { schemaUrl, idKeys, descriptionKeys, ...others } = ref
  return {
    ...others,
    ...(schemaUrl !== undefined && { schema_url: schemaUrl }),
    ...(idKeys !== undefined && { id_keys: idKeys }),
    ...(descriptionKeys !== undefined && { description_keys: descriptionKeys }),
  }
}

export function readJsonScope(input: unknown, schemaUrl: unknown, issues: Issue[]): OtelScope {
  const scope = emptyScope()
  scope.schemaUrl = jsonText(schemaUrl, '/scope/schemaUrl', issues)
  if (input === undefined || input === null) return scope
  if (!isObject(input)) {
    issues.push(expected('/scope', 'object', input))
    return scope
  }
  scope.name = jsonText(input['name'], '/scope/name', issues)
  scope.version = jsonText(input['version'], '/scope/version', issues)
  scope.attributes = jsonAttributes(input['attributes'], '/scope/attributes', issues)
  scope.droppedAttributesCount = jsonUint32(
    input['droppedAttributesCount'] ?? input['dropped_attributes_count'],
    '/scope/droppedAttributesCount',
    issues,
  )
  return scope
}
