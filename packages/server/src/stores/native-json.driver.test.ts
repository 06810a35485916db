import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EngineUnderTest, startEngine } from '../testing/engine-store.ts'
import { type JsonForm, readJson, storedJson } from './native-json.fixture.ts'

let engine: EngineUnderTest
beforeAll(async () => {
  engine = await startEngine()
})
afterAll(() => engine.close())

const stored = (rows: readonly string[], form: JsonForm) => storedJson(engine, rows, form)

/** What ClickHouse's own parser makes of the text. Each row is a block: within one its types depend on the rows before. */
async function parsed(rows: readonly string[]) {
  await engine.sql('CREATE OR REPLACE TABLE t (id UInt32, j JSON) ENGINE = Memory')
  const body = rows.map((text, id) => `{"id":${id},"j":${text === '' ? '{}' : text}}`).join('\n')
  await engine.sql('INSERT INTO t FORMAT JSONEachRow', [Buffer.from(body)], {
    input_format_try_infer_dates: '0',
    input_format_try_infer_datetimes: '0',
    type_json_skip_duplicated_paths: '1',
    input_format_parallel_parsing: '0',
    max_insert_block_size: '1',
    min_insert_block_size_rows: '1',
    min_insert_block_size_bytes: '1',
  })
  return readJson(engine, 't')
}

/** Arrays of arrays whose elements disagree get types that depend on their order; what they hold is the same. */
function withoutNested(row: Record<string, unknown>): Record<string, unknown> {
  const types = Object.entries(row['types'] as Record<string, string>)
  return { ...row, types: types.map(([path, type]) => [path, /^Array\((Array|Dynamic)/.test(type) ? 'Array' : type]) }
}

/** No path twice: see native-json-faithful.driver.test.ts. */
const keys = ['a', 'b', 'c', 'd.e', 'é', 'k"q', 'x y', '', '__proto__', 'a long name of a key, with a comma', '😀']
const texts = [
  '',
  'x',
  '2020-01-01',
  '2020-01-01 00:00:00',
  '12',
  'é😀',
  '"',
  '\\',
  '\n',
  '\u0000',
  'true',
  'z'.repeat(300),
]
const integers = ['0', '-1', '42', '123456789012345', '9007199254740991', '-9007199254740991']
const floats = [
  '1.5',
  '-0.0',
  '1e5',
  '1E-7',
  '0.1',
  '1e308',
  '5e-324',
  '3.141592653589793',
  '2.2250738585072011e-308',
  '1e21',
]

const json = fc.letrec<{ value: string; array: string; object: string }>((tie) => {
  const text = fc.constantFrom(...texts).map((each) => JSON.stringify(each))
  const number = fc.oneof(
    fc.constantFrom(...integers),
    fc.constantFrom(...floats),
    fc.maxSafeInteger().map(String),
    // Written without a fraction, integers beyond 64 bits are refused by ClickHouse's parser.
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .map((each) => JSON.stringify(each).replace(/^-?\d{17,}$/, '$&.0')),
  )
  const scalar = fc.oneof(text, number, fc.constantFrom('true', 'false', 'null'))
  const arrayOf = (element: fc.Arbitrary<string>) =>
    // Of nothing but nulls, ClickHouse's parser makes empty arrays where the path held arrays before.
    fc
      .array(element, { maxLength: 4 })
      .map((elements) => (elements.every((each) => each === 'null') ? '[]' : `[${elements.join(', ')}]`))
  return {
    value: fc.oneof({ maxDepth: 4 }, scalar, tie('array'), tie('object')),
    // Not compared here, since ClickHouse's parser makes it depend on what the path held before: booleans beside other kinds.
    // Neither are integers beyond 2^53: beside strings and floats they lose digits in ClickHouse's parser, not here.
    array: fc.oneof(
      arrayOf(text),
      arrayOf(fc.constantFrom(...integers, 'null')),
      arrayOf(fc.oneof(text, fc.constantFrom('1', '-7', 'null'))),
      arrayOf(fc.constantFrom('true', 'false', 'null')),
      arrayOf(fc.oneof(fc.constantFrom(...floats), fc.constantFrom('1', '-7', 'null'))),
      arrayOf(tie('object')),
      arrayOf(fc.oneof(tie('object'), fc.constantFrom('1', '"x"', 'null'))),
      // A null beside arrays is null or an empty array to ClickHouse's parser, depending on the other elements: not compared.
      arrayOf(fc.oneof(arrayOf(fc.constantFrom('1', '-2', 'null', '2.5')), arrayOf(text), fc.constant('3'))),
    ),
    object: fc
      .uniqueArray(fc.tuple(fc.constantFrom(...keys), tie('value')), { maxLength: 5, selector: ([key]) => key })
      .map((fields) => `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`),
  }
})

describe('a JSON column', () => {
  it('holds what ClickHouse itself reads from the text, in both forms, for thousands of random objects', async () => {
    for (const seed of [1, 2, 3]) {
      const rows = fc.sample(json.object, { numRuns: 1_000, seed })
      const expected = (await parsed(rows)).map(withoutNested)
      for (const form of ['flattened', 'shared'] as const) {
        const got = (await stored(rows, form)).map(withoutNested)
        for (const [row, each] of expected.entries()) expect(got[row], `${form}: ${rows[row]}`).toEqual(each)
      }
    }
  })

  it('gives an array a type that changes none of its elements', async () => {
    const arrays: Readonly<Record<string, string>> = {
      '[]': 'Nullable(String)',
      '[null]': 'Nullable(String)',
      '["a",null]': 'Nullable(String)',
      '[true,null]': 'Nullable(Bool)',
      '[true,"a"]': 'Dynamic',
      '[1,true]': 'Dynamic',
      '[1.5,true]': 'Dynamic',
      '[1,"a"]': 'Dynamic',
      '[1,-2,9223372036854775807]': 'Nullable(Int64)',
      '[18446744073709551615,1]': 'Nullable(UInt64)',
      '[18446744073709551615,-1]': 'Dynamic',
      '[1,1.5]': 'Nullable(Float64)',
      '[9007199254740993,1.5]': 'Dynamic',
      '[-1,1.5,18446744073709551615]': 'Dynamic',
      '[{}]': 'JSON(max_dynamic_types=16, max_dynamic_paths=256)',
      '[{"a":1},null]': 'Nullable(JSON(max_dynamic_types=16, max_dynamic_paths=256))',
      '[{"a":1},2]': 'Dynamic',
      '[[]]': 'Array(Nullable(String))',
      '[[],[1]]': 'Array(Nullable(Int64))',
      '[[1],[2.5]]': 'Array(Nullable(Float64))',
      '[[9007199254740993],[2.5]]': 'Dynamic',
      '[[1],[2.5],[true]]': 'Dynamic',
      '[[1],["a"]]': 'Dynamic',
      '[[1,"a"],[2]]': 'Array(Dynamic)',
      '[[[]],[1]]': 'Dynamic',
      '[null,[1]]': 'Dynamic',
    }
    const rows = Object.keys(arrays).map((array) => `{"x":${array}}`)
    for (const form of ['flattened', 'shared'] as const) {
      const got = await stored(rows, form)
      for (const [row, type] of Object.values(arrays).entries())
        expect(got[row], form).toMatchObject({ text: rows[row], types: { x: `Array(${type})` } })
    }
  })

  it('keeps integers of 64 bits exact, and takes what ClickHouse refuses in text', async () => {
    const rows = [
      '{"a":18446744073709551615,"b":-9223372036854775808,"c":[9007199254740993,9223372036854775807]}',
      '{"a":18446744073709551616,"b":"\\ud800","c":123456789012345678901234567890}',
      `${'{"a":'.repeat(55)}1${'}'.repeat(55)}`,
    ]
    for (const form of ['flattened', 'shared'] as const) {
      const got = await stored(rows, form)
      expect(got[0]).toMatchObject({
        text: '{"a":18446744073709551615,"b":-9223372036854775808,"c":[9007199254740993,9223372036854775807]}',
        types: { a: 'UInt64', b: 'Int64', c: 'Array(Nullable(Int64))' },
      })
      expect(got[1]).toMatchObject({ types: { a: 'Float64', b: 'String', c: 'Float64' } })
      expect(got[1]?.['text']).toContain('"b":"\ufffd"')
      expect(got[2]?.['types']).toEqual({ [Array.from({ length: 55 }, () => 'a').join('.')]: 'Int64' })
    }
  })

  it('has nothing in rows without text, and nothing at all in a block without rows', async () => {
    const got = await stored(['', '{"a":1}', '', ''], 'flattened')
    expect(got.map((row) => row['text'])).toEqual(['{}', '{"a":1}', '{}', '{}'])
    expect(await stored([], 'flattened')).toEqual([])
  })

  it('keeps values nested deeper than columns can be', async () => {
    const deep = `{"x":${'['.repeat(90)}7${']'.repeat(90)}}`
    const [row] = await stored([deep], 'flattened')
    expect(row?.['text']).toContain('7')
  })
})
