import { columns } from '../columns/columns.ts'
import type { ColumnKind } from '../columns/kind.ts'

/** How a column stands in the record; one word per way of reading and writing. */
export type FieldCode = 'text' | 'json' | 'anyJson' | 'bytes' | 'double' | 'boolean' | 'fixed64' | 'time'

export interface EventField {
  readonly name: string
  readonly kind: ColumnKind
  readonly number: number
  readonly code: FieldCode
  /** Protobuf tag: number and wire type. */
  readonly tag: number
  /** Whether the record writes it per event. */
  readonly carried: boolean
}

const codes: Readonly<Record<ColumnKind, FieldCode>> = {
  string: 'text',
  enum: 'text',
  number: 'double',
  boolean: 'boolean',
  bigint: 'fixed64',
  timestamp: 'time',
  json: 'json',
  jsonText: 'anyJson',
  bytes: 'bytes',
}

export function wireTypeOf(code: FieldCode): 0 | 1 | 2 {
  if (code === 'double' || code === 'fixed64') return 1
  return code === 'boolean' || code === 'time' ? 0 : 2
}

/** By column name; without a prototype, so that no name of a client's can hit one. */
export const eventFields: Readonly<Record<string, EventField | undefined>> = Object.assign(
  Object.create(null) as object,
  Object.fromEntries(
    columns.map(({ name, kind, number, carrier }): [string, EventField] => {
      const code = codes[kind]
      return [name, { name, kind, number, code, tag: (number << 3) | wireTypeOf(code), carried: carrier === 'event' }]
    }),
  ),
)
