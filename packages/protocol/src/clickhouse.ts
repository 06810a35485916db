import { type Column, columns } from './columns/columns.ts'
import type { ColumnKind } from './columns/kind.ts'

/** One column of ClickHouse's table `events`; the server's DDL and block writer are made from these. */
export interface ClickHouseColumn {
  readonly name: Column['name']
  readonly number: number
  readonly kind: ColumnKind
  readonly type: string
  /** DEFAULT expression of the table. */
  readonly defaultExpression?: string
  /** Never sent: the table computes it from another column. */
  readonly isComputed: boolean
  readonly comment: string
}

const typeByKind: Readonly<Record<ColumnKind, string>> = {
  string: 'String',
  enum: 'LowCardinality(String)',
  number: 'Nullable(Float64)',
  boolean: 'Nullable(Bool)',
  bigint: 'Nullable(Int64)',
  timestamp: "Nullable(DateTime64(3, 'UTC'))",
  json: 'JSON',
  jsonText: 'String',
  bytes: 'String',
}

/** Columns that every row has: no NULL, and types that suit what they are for (partition key, TTL, dedup). */
const typeByName: Readonly<Partial<Record<Column['name'], string>>> = {
  timestamp: "DateTime64(3, 'UTC')",
  ingested_at: "DateTime64(3, 'UTC')",
  expires_at: "DateTime('UTC')",
  day: 'Date',
  hour: 'UInt8',
  schema_version: 'UInt32',
  plan_version: 'UInt32',
  log_position: 'UInt64',
  is_duplicate: 'Bool',
}

/** Of UTC, since `timestamp` is. */
const computed: Readonly<Partial<Record<Column['name'], string>>> = {
  day: 'toDate(timestamp)',
  hour: 'toHour(timestamp)',
}

export const clickHouseColumns: readonly ClickHouseColumn[] = columns.map((column) => {
  const expression = computed[column.name]
  return {
    name: column.name,
    number: column.number,
    kind: column.kind,
    type: typeByName[column.name] ?? typeByKind[column.kind],
    ...(expression === undefined ? {} : { defaultExpression: expression }),
    isComputed: expression !== undefined,
    comment: column.meaning,
  }
})
