import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EngineUnderTest, startEngine } from '../testing/engine-store.ts'
import { blockBody } from './block-body.ts'
import { FixedColumn, StringArrayColumn, StringColumn } from './native-column.ts'
import { LowCardinalityColumn } from './native-low-cardinality.ts'
import type { BlockColumn } from './store.ts'

let engine: EngineUnderTest
beforeAll(async () => {
  engine = await startEngine()
})
afterAll(() => engine.close())

async function roundTrip(type: string, rows: number, column: BlockColumn): Promise<unknown[]> {
  await engine.sql(`CREATE OR REPLACE TABLE c (n UInt64 DEFAULT rowNumberInAllBlocks(), v ${type}) ENGINE = Memory`)
  await engine.sql('INSERT INTO c (v) FORMAT Native', blockBody({ table: 'c', rows, columns: [column] }))
  return (await engine.rows('SELECT v FROM c ORDER BY n')).map((row) => row['v'])
}

describe('a column in Native encoding', () => {
  it('of strings holds any bytes, and an empty string where a row was left out', async () => {
    const column = new StringColumn('v')
    column.appendText(1, 'é😀')
    column.appendText(2, 'x'.repeat(100_000))
    column.appendRun(4, 2, 'run')
    const got = await roundTrip('String', 7, column.finish(7))
    expect(got).toEqual(['', 'é😀', 'x'.repeat(100_000), '', 'run', 'run', ''])
  })

  it('of nullable numbers, booleans and times tells 0 and false from absent', async () => {
    const numbers = new FixedColumn('v', 'Float64', 8, true)
    numbers.appendFloat(1, 0)
    numbers.appendFloat(2, -1.5)
    expect(await roundTrip('Nullable(Float64)', 4, numbers.finish(4))).toEqual([null, 0, -1.5, null])

    const integers = new FixedColumn('v', 'Int64', 8, true)
    integers.appendU64(0, BigInt.asUintN(64, -(2n ** 63n)))
    integers.appendInteger(2, -7)
    expect(await roundTrip('Nullable(Int64)', 3, integers.finish(3))).toEqual(['-9223372036854775808', null, '-7'])

    const booleans = new FixedColumn('v', 'Bool', 1, true)
    booleans.appendInteger(1, 0)
    booleans.appendInteger(2, 1)
    expect(await roundTrip('Nullable(Bool)', 3, booleans.finish(3))).toEqual([null, false, true])

    const times = new FixedColumn('v', "DateTime64(3, 'UTC')", 8, true)
    times.appendInteger(0, 1_793_491_200_123)
    times.appendInteger(2, -1)
    expect(await roundTrip("Nullable(DateTime64(3, 'UTC'))", 3, times.finish(3))).toEqual([
      '2026-11-01 00:00:00.123',
      null,
      '1969-12-31 23:59:59.999',
    ])
  })

  it('of arrays of strings keeps empty arrays and empty strings apart', async () => {
    const column = new StringArrayColumn('v')
    column.append(1, ['a', ''])
    column.append(3, [''])
    expect(await roundTrip('Array(String)', 5, column.finish(5))).toEqual([[], ['a', ''], [], [''], []])
  })

  it.each([3, 200, 300, 8_000, 8_191, 8_192, 20_000])(
    'of low cardinality holds %i different values',
    async (distinct) => {
      const column = new LowCardinalityColumn('v')
      const expected: string[] = []
      for (let row = 0; row < 25_000; row++) {
        const value = row % 5 === 4 ? '' : `value-${row % distinct}`
        expected.push(value)
        if (value !== '') column.appendText(row, value)
      }
      column.appendRun(25_000, 3, 'the end')
      const got = await roundTrip('LowCardinality(String)', 25_004, column.finish(25_004))
      expect(got).toEqual([...expected, 'the end', 'the end', 'the end', ''])
    },
  )

  it('is valid without rows', async () => {
    expect(await roundTrip('LowCardinality(String)', 0, new LowCardinalityColumn('v').finish(0))).toEqual([])
    expect(await roundTrip('String', 0, new StringColumn('v').finish(0))).toEqual([])
  })

  it('refuses a second value for a row', () => {
    const column = new FixedColumn('v', 'Float64', 8, true)
    column.appendFloat(3, 1)
    expect(() => column.appendFloat(3, 2)).toThrow(/set twice/)
    const strings = new StringColumn('v')
    strings.appendText(0, 'a')
    expect(() => strings.appendText(0, 'b')).toThrow(/set twice/)
  })
})
