import { z } from 'zod'

type Json = Readonly<Record<string, unknown>>

/**
 * What is wrong with a value, by a schema of an OpenAPI document; empty when nothing is.
 * `if`/`then` of the event's schema is left out: the protocol's own tests hold events against it.
 */
export function createSchemaCheck(document: { readonly components: { readonly schemas: Json } }) {
  const $defs = local(document.components.schemas) as Json
  const made = new Map<string, z.ZodType>()
  return (schema: Json, value: unknown): readonly string[] => {
    const key = JSON.stringify(schema)
    const check = made.get(key) ?? z.fromJSONSchema({ ...(local(schema) as object), $defs } as never)
    made.set(key, check)
    const result = check.safeParse(value)
    return result.success
      ? []
      : result.error.issues.map((issue) => `/${issue.path.join('/')}: ${JSON.stringify(issue)}`)
  }
}

/** References as JSON Schema alone knows them, and no conditions. */
function local(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(local)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      if (key === '$ref') return [[key, String(inner).replace('#/components/schemas/', '#/$defs/')]]
      if (key === 'allOf' && Array.isArray(inner) && inner.every((each: object) => 'if' in each)) return []
      return [[key, local(inner)]]
    }),
  )
}
