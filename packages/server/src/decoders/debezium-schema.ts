import { isObject } from './issues.ts'

type Json = Readonly<Record<string, unknown>>

/** Columns of one table are a few hundred at most; more is nobody's table. */
const maxColumns = 2000

/**
 * What a Kafka Connect schema adds to the values of a row: which column is a decimal, a date, microseconds … Kept beside the row,
 * since base64 bytes of a decimal are nothing without their scale:
 *
 *   { "amount": "org.apache.kafka.connect.data.Decimal(scale=2)", "created": "io.debezium.time.MicroTimestamp" }
 *
 * The rest of the schema says what the values themselves show, and is left out.
 */
export function semanticTypes(schema: unknown): Readonly<Record<string, string>> | undefined {
  const row = fieldOf(schema, 'after') ?? fieldOf(schema, 'before')
  if (row === undefined) return undefined
  let types: Record<string, string> | undefined
  for (const field of fieldsOf(row)) {
    const { field: column, name, parameters } = field
    if (typeof column !== 'string' || typeof name !== 'string' || name === '' || column === '__proto__') continue
    types ??= {}
    types[column] = name + spell(parameters)
  }
  return types
}

/** `dbserver1.inventory.customers.Key` → its parts without the last, when the schema is a key's. */
export function keyNames(schema: unknown): readonly string[] | undefined {
  if (!isObject(schema) || typeof schema['name'] !== 'string') return undefined
  const parts = schema['name'].split('.')
  return parts.length > 1 && parts.at(-1) === 'Key' ? parts.slice(0, -1) : undefined
}

function fieldOf(schema: unknown, name: string): Json | undefined {
  return fieldsOf(schema).find(({ field }) => field === name)
}

function fieldsOf(schema: unknown): readonly Json[] {
  if (!isObject(schema) || !Array.isArray(schema['fields'])) return []
  return (schema['fields'] as unknown[]).slice(0, maxColumns).filter(isObject)
}

function spell(parameters: unknown): string {
  if (!isObject(parameters)) return ''
  const pairs = Object.entries(parameters).filter(([, value]) => typeof value === 'string')
  return pairs.length === 0 ? '' : `(${pairs.map(([key, value]) => `${key}=${value as string}`).join(', ')})`
}
