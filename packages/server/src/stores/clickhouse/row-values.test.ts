import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCompactRows } from './compact-rows.ts'
import { conversionOf } from './row-values.ts'

describe('conversionOf', () => {
  it.each([
    ['UInt64', 5, '5'],
    ['Int64', -5n, '-5'],
    ['UInt256', 2n ** 200n, String(2n ** 200n)],
    ['UInt32', 5, 5],
    ['Float64', 1.5, 1.5],
    ['Nullable(Int64)', null, null],
    ['Nullable(Int64)', 7, '7'],
    ['LowCardinality(Nullable(UInt64))', 7, '7'],
    ['Array(Array(UInt64))', [[1], [2, 3]], [['1'], ['2', '3']]],
    ['Array(String)', ['1'], ['1']],
    ['Map(String, Array(Int64))', { a: [1] }, { a: ['1'] }],
    ['Tuple(UInt64, Float64, String)', [1, 2, 'x'], ['1', 2, 'x']],
    ['Tuple(a UInt64, `b c` Float64)', { a: 1, 'b c': 2 }, { a: '1', 'b c': 2 }],
    ["Tuple(Enum8('a, (b' = 1), UInt64)", ['a, (b', 1], ['a, (b', '1']],
    ['SimpleAggregateFunction(sum, UInt64)', 1, '1'],
    ['JSON', { a: 1, b: [2n ** 60n] }, { a: 1, b: [String(2n ** 60n)] }],
    ['Dynamic', 12, 12],
    ["DateTime64(3, 'UTC')", '2026-05-01T00:00:00.000Z', '2026-05-01T00:00:00.000Z'],
  ])('%s', (type, value, expected) => {
    expect(conversionOf(type)(value)).toEqual(expected)
  })
})

describe('readCompactRows', () => {
  async function* cut(bytes: Buffer, sizes: readonly number[]) {
    let from = 0
    for (let index = 0; from < bytes.length; index++) {
      const size = sizes[index % sizes.length] ?? 1
      yield bytes.subarray(from, from + size)
      from += size
    }
  }

  it('reads the same rows however the answer is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.integer())),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        async (rows, sizes) => {
          const text = ['["text","number"]', '["String","Int64"]', ...rows.map((row) => JSON.stringify(row))].join('\n')
          const { columns, rows: found } = await readCompactRows(cut(Buffer.from(text), sizes))
          expect(columns).toEqual([
            { name: 'text', type: 'String' },
            { name: 'number', type: 'Int64' },
          ])
          const all: unknown[] = []
          for await (const row of found) all.push(row)
          expect(all).toEqual(rows.map(([first, second]) => [first, String(second)]))
        },
      ),
    )
  })

  it('says so when the answer ends before its header', async () => {
    await expect(readCompactRows(cut(Buffer.from('["a"]'), [100]))).rejects.toMatchObject({ code: 'unavailable' })
  })
})
