import { describe, expect, it } from 'vitest'
import { clickHouseColumns } from './clickhouse.ts'
import { columns } from './columns/columns.ts'
import { validatedColumns } from './event-type.ts'
import { eventJsonSchema } from './json-schema.ts'

const typeOf = (name: string) => clickHouseColumns.find((column) => column.name === name)?.type

describe('the table events', () => {
  it('has every column once, in order', () => {
    expect(clickHouseColumns.map((column) => column.name)).toEqual(columns.map((column) => column.name))
  })

  it('keeps 0 apart from absent, and what every row has without NULL (G3-7)', () => {
    expect(typeOf('id')).toBe('String')
    expect(typeOf('event_type')).toBe('LowCardinality(String)')
    expect(typeOf('vital_value')).toBe('Nullable(Float64)')
    expect(typeOf('bot_verified')).toBe('Nullable(Bool)')
    expect(typeOf('timestamp_ns')).toBe('Nullable(Int64)')
    expect(typeOf('started_at')).toBe("Nullable(DateTime64(3, 'UTC'))")
    expect(typeOf('timestamp')).toBe("DateTime64(3, 'UTC')")
    expect(typeOf('expires_at')).toBe("DateTime('UTC')")
    expect(typeOf('properties')).toBe('JSON')
    expect(typeOf('db_before')).toBe('String')
    expect(typeOf('log_position')).toBe('UInt64')
  })

  it('computes day and hour from the timestamp, and nothing else', () => {
    const computed = clickHouseColumns.filter((column) => column.isComputed)
    expect(computed.map((column) => [column.name, column.type, column.defaultExpression])).toEqual([
      ['hour', 'UInt8', 'toHour(timestamp)'],
      ['day', 'Date', 'toDate(timestamp)'],
    ])
  })
})

describe('the JSON Schema of /v1/events', () => {
  const schema = eventJsonSchema() as {
    properties: Record<string, { readOnly?: boolean; description: string }>
    required: string[]
    allOf: { if: { properties: { event_type: { const: 'log' } } }; then: { required: string[] } }[]
  }

  it('has every column with its meaning, read-only where the server sets it', () => {
    expect(Object.keys(schema.properties)).toEqual(columns.map((column) => column.name))
    expect(schema.properties['project']?.readOnly).toBe(true)
    expect(schema.properties['http_url']?.readOnly).toBeUndefined()
    expect(Object.values(schema.properties).every((property) => property.description !== '')).toBe(true)
  })

  it('asks for type and name, and for what each type needs (X3-06, X3-07)', () => {
    expect(schema.required).toEqual(['event_type', 'event_name'])
    expect(schema.allOf).toHaveLength(9)
    for (const rule of schema.allOf) {
      expect(rule.then.required).toEqual(validatedColumns(rule.if.properties.event_type.const))
    }
  })
})
