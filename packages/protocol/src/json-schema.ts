import { type Column, columns, writableColumns } from './columns/columns.ts'
import type { ColumnKind, JsonObject } from './columns/kind.ts'
import { eventTypes, validatedColumns } from './event-type.ts'
import { maxIdLength } from './ids.ts'

const schemaByKind: Readonly<Record<ColumnKind, JsonObject>> = {
  string: { type: ['string', 'null'] },
  enum: { type: ['string', 'null'] },
  number: { type: ['number', 'null'] },
  boolean: { type: ['boolean', 'null'] },
  bigint: {
    anyOf: [
      { type: 'integer', minimum: -(2 ** 63), maximum: 2 ** 63 },
      { type: 'string', pattern: '^-?[0-9]{1,19}$' },
      { type: 'null' },
    ],
  },
  timestamp: { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'number' }, { type: 'null' }] },
  json: { type: ['object', 'null'] },
  jsonText: { type: ['object', 'array', 'null'] },
  bytes: { type: ['string', 'null'], contentEncoding: 'base64' },
}

const text = { type: 'string', minLength: 1 }
const schemaByName: Readonly<Partial<Record<Column['name'], JsonObject>>> = {
  id: {
    anyOf: [{ type: 'string', maxLength: maxIdLength }, { type: 'integer' }, { type: 'null' }],
    description:
      'unique id of the event; made when missing: from the content when the event has a timestamp, else at random',
  },
  event_type: { enum: [...eventTypes] },
  event_name: text,
  ns: {
    type: ['string', 'null'],
    description: 'namespace that the dialect names; grants nothing; the project when missing',
  },
  labels: { type: ['object', 'null'], additionalProperties: { type: ['string', 'number', 'boolean', 'null'] } },
}

/** JSON Schema 2020-12 of one event of `/v1/events`. Columns that the server sets are read-only: what is sent for them is not used. */
export function eventJsonSchema(): JsonObject {
  const properties: [string, JsonObject][] = columns.map((column) => [
    column.name,
    {
      description: column.meaning,
      ...(schemaByName[column.name] ?? schemaByKind[column.kind]),
      ...(writableColumns.includes(column) ? {} : { readOnly: true }),
    },
  ])
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://millrace.dev/schema/v1/event.json',
    title: 'Event',
    description: 'One event of POST /v1/events. Null is the same as missing; times are RFC 3339 or Unix milliseconds.',
    type: 'object',
    required: ['event_type', 'event_name'],
    properties: Object.fromEntries(properties),
    allOf: eventTypes
      .filter((type) => validatedColumns(type).length > 0)
      .map((type) => ({
        if: { properties: { event_type: { const: type } }, required: ['event_type'] },
        // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
        then: {
          required: [...validatedColumns(type)],
          properties: Object.fromEntries(validatedColumns(type).map((name) => [name, { not: { enum: [null, ''] } }])),
        },
      })),
  }
}
