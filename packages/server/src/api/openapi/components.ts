import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

export type JsonSchema = Readonly<Record<string, unknown>>

/** Turns the routes' own schemas into the document's, and collects those with a name under `components/schemas`. */
export interface Components {
  /** `input`: what a client may send; `output`: what it gets. */
  of(schema: z.ZodType, io: 'input' | 'output'): JsonSchema
  /** By name, once everything has been turned. */
  schemas(): Readonly<Record<string, JsonSchema>>
}

const local = '#/$defs/'
const shared = '#/components/schemas/'

export function createComponents(): Components {
  const named = new Map<string, JsonSchema>()
  return {
    of(schema, io) {
      // Within an object, so that a schema which has a name itself becomes a reference like any other.
      const { properties, $defs = {} } = z.toJSONSchema(z.object({ it: schema }), {
        io,
        target: 'draft-2020-12',
        unrepresentable: 'any',
        override: ({ jsonSchema }) => leaveOutSafeIntegers(jsonSchema),
      }) as unknown as { properties: { it: JsonSchema }; $defs?: Readonly<Record<string, JsonSchema>> }
      for (const [name, definition] of Object.entries($defs)) {
        const { id: _, ...plain } = lifted(definition) as JsonSchema
        const before = named.get(name)
        if (before !== undefined && !isDeepStrictEqual(before, plain))
          throw new Error(`two schemas are named ${name}: one name, one meaning`)
        named.set(name, plain)
      }
      return lifted(properties.it) as JsonSchema
    },
    schemas: () => Object.fromEntries([...named].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

/** That an integer is exact in a double goes without saying; only bounds that somebody wrote say something. */
function leaveOutSafeIntegers(schema: { minimum?: number; maximum?: number }): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
}

/** References point to where the document keeps named schemas. */
function lifted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lifted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      key === '$ref' && typeof inner === 'string' && inner.startsWith(local)
        ? [key, shared + inner.slice(local.length)]
        : [key, lifted(inner)],
    ),
  )
}
