import { readFileSync } from 'node:fs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { columnByNumber, columns, findColumn, isColumnName, writableColumns } from './columns.ts'
import { columnGroups, removedColumns } from './registry.ts'
import type { ColumnName, ColumnValue, EventColumns } from './types.ts'

const lock = JSON.parse(readFileSync(new URL('../../columns.lock.json', import.meta.url), 'utf8')) as Record<
  string,
  { number: number; kind: string }
>

describe('the unified schema', () => {
  it('has 165 event columns, 3 of the graph and 7 of the engine (S3-24, X3-01, X3-02)', () => {
    const count = (part: string) => columns.filter((column) => column.part === part).length
    expect([count('event'), count('graph'), count('engine'), count('millrace')]).toEqual([165, 3, 7, 5])
  })

  it('has the groups of S3 with their sizes (S3-24, X3-01)', () => {
    const sizes = columnGroups.map((group) => group.columns.length)
    expect(sizes).toEqual([4, 11, 4, 5, 6, 6, 12, 10, 11, 13, 10, 5, 4, 10, 7, 5, 10, 4, 7, 5, 13, 6, 7, 5])
    expect(columnGroups.map((group) => group.number)).toEqual(sizes.map((_, index) => index + 1))
    expect(columnGroups[0].columns.map((column) => column.name)).toEqual(['id', 'event_type', 'event_name', 'ns'])
    expect(columns.filter((column) => column.groupName === 'FlexiblePayloads').map((column) => column.name)).toEqual([
      'data',
      'attributes',
      'labels',
      'context',
      'properties',
      'traits',
    ])
  })

  it('numbers the columns of S3 1 to 175 in order, and ours from 200 on', () => {
    const numbers = columns.map((column) => column.number)
    expect(numbers).toEqual([...Array.from({ length: 175 }, (_, index) => index + 1), 200, 201, 202, 203, 204])
  })

  it('names each column once', () => {
    expect(new Set(columns.map((column) => column.name)).size).toBe(columns.length)
  })

  it('keeps every number and kind that the lock file holds', () => {
    for (const [name, locked] of Object.entries(lock)) {
      const column = findColumn(name)
      if (column === undefined) expect(removedColumns).toContain(locked.number)
      else expect({ name, number: column.number, kind: column.kind }).toEqual({ name, ...locked })
    }
    for (const column of columns) expect(lock).toHaveProperty(column.name)
  })

  it('has a JSON type only where S3 says json, and the kinds of S3 elsewhere (X3-03)', () => {
    const ofKind = (kind: string) => columns.filter((column) => column.kind === kind).map((column) => column.name)
    expect(ofKind('json')).toEqual(['data', 'attributes', 'labels', 'context', 'properties', 'traits'])
    expect(ofKind('jsonText')).toEqual(['db_before', 'db_after', 'metric_buckets', 'metric_quantiles'])
    expect(ofKind('bytes')).toEqual(['replay_data'])
    expect(ofKind('timestamp')).toEqual(['timestamp', 'started_at', 'ended_at', 'ingested_at', 'expires_at'])
    expect(ofKind('bigint')).toEqual(['timestamp_ns', 'log_position'])
    expect(ofKind('boolean')).toEqual(['is_leaf', 'is_root', 'bot_verified', 'is_duplicate'])
  })

  it('lets a client write the 165 event columns, event_source and visibility', () => {
    expect(writableColumns).toHaveLength(167)
    expect(writableColumns.map((column) => column.name)).not.toContain('project')
  })

  it('finds a column by name or number, and nothing by names of Object.prototype', () => {
    expect(findColumn('vital_value')?.kind).toBe('number')
    expect(columnByNumber(25)?.name).toBe('timestamp')
    expect(isColumnName('__proto__') || isColumnName('constructor') || isColumnName('toString')).toBe(false)
  })

  it('types every column by its kind', () => {
    expectTypeOf<ColumnValue<'timestamp_ns'>>().toEqualTypeOf<bigint>()
    expectTypeOf<ColumnValue<'properties'>>().toEqualTypeOf<Record<string, unknown>>()
    expectTypeOf<EventColumns['timestamp']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<EventColumns['replay_data']>().toEqualTypeOf<Uint8Array | undefined>()
    expectTypeOf<'sesion_id'>().not.toExtend<ColumnName>()
  })
})
