/** What a column holds, in memory and everywhere else. The table is the whole mapping; each codec follows it.
 *
 * | kind      | in memory                        | record (protobuf)        | ClickHouse                       | JSON of /v1/events        |
 * | --------- | -------------------------------- | ------------------------ | -------------------------------- | ------------------------- |
 * | string    | string                           | string                   | String, '' = absent              | string                    |
 * | enum      | string, few different in practice| string                   | LowCardinality(String)           | string                    |
 * | number    | number (finite)                  | double                   | Nullable(Float64)                | number                    |
 * | boolean   | boolean                          | bool                     | Nullable(Bool)                   | boolean                   |
 * | bigint    | bigint, signed 64 bit            | sfixed64                 | Nullable(Int64)                  | integer or decimal string |
 * | timestamp | Unix ms (number, may have a fraction: cut) | sint64         | Nullable(DateTime64(3, 'UTC'))   | RFC 3339 or Unix ms       |
 * | json      | plain object                     | string (JSON text)       | JSON                             | object                    |
 * | jsonText  | any JSON value                   | string (JSON text)       | String (JSON text), '' = absent  | object or array           |
 * | bytes     | Uint8Array                       | bytes                    | String                           | base64 string             |
 */
export type ColumnKind =
  | 'string'
  | 'enum'
  | 'number'
  | 'boolean'
  | 'bigint'
  | 'timestamp'
  | 'json'
  | 'jsonText'
  | 'bytes'

/** How much a value says about a person: nothing; something when joined with more; or a person directly (or free text that may). */
export type PiiClass = 'none' | 'low' | 'high'

/**
 * Who sets a column, and where the record carries it:
 * - `event`: the sender or the gate, per event; a field of the record's `Event`
 * - `envelope`: one value for all events of a record; a field of the record's envelope, never repeated per event
 * - `store`: computed where the event is stored (`day`, `hour`, `log_position`); in no record
 */
export type Carrier = 'event' | 'envelope' | 'store'

/** S3's three parts of the schema, and what Millrace adds. */
export type ColumnPart = 'event' | 'graph' | 'engine' | 'millrace'

export type JsonObject = Record<string, unknown>

/** Memory type of a column kind. */
export interface KindValues {
  string: string
  enum: string
  number: number
  boolean: boolean
  bigint: bigint
  timestamp: number
  json: JsonObject
  jsonText: unknown
  bytes: Uint8Array
}
