import { parseJson } from '@millrace/protocol'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type EngineUnderTest, startEngine } from '../testing/engine-store.ts'
import { storedJson } from './native-json.fixture.ts'

let engine: EngineUnderTest
beforeAll(async () => {
  engine = await startEngine()
})
afterAll(() => engine.close())

const forms = ['flattened', 'shared'] as const

const scalar = fc.oneof(
  fc.constantFrom('null', 'true', 'false', '1', '-1', '0', '0.5', '-2.5e-7', '""', '"a"', '"1"', '"true"', '"é😀"'),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true, max: 1e15, min: -1e15 }).map((each) => JSON.stringify(each)),
  fc.string({ maxLength: 3 }).map((each) => JSON.stringify(each)),
)
const { array } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, scalar, tie('array'), tie('object')),
  array: fc.oneof(
    fc.array(tie('value'), { maxLength: 5 }).map((items) => `[${items.join(',')}]`),
    fc.array(scalar, { maxLength: 5 }).map((items) => `[${items.join(',')}]`),
  ),
  object: fc
    .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c'), tie('value')), { maxLength: 3, selector: ([key]) => key })
    .map((fields) => `{${fields.map(([key, value]) => `"${key}":${value}`).join(',')}}`),
}))

/** In an object, null and an empty object are as good as absent; in an array they are elements. */
function withoutAbsent(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAbsent)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => [key, withoutAbsent(inner)] as const)
  return Object.fromEntries(entries.filter(([, inner]) => inner !== null && !isEmpty(inner)))
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
}

it('reads any JSON array back as it was, every element of its own type and digit for digit', async () => {
  for (const seed of [1, 2, 3, Date.now()]) {
    const rows = fc.sample(array, { numRuns: 1_000, seed }).map((text) => `{"x":${text}}`)
    for (const form of forms) {
      const got = await storedJson(engine, rows, form)
      for (const [row, text] of rows.entries())
        expect(parseJson(String(got[row]?.['text'])), `seed ${seed}, ${form}: ${text}`).toEqual(
          withoutAbsent(parseJson(text)),
        )
    }
  }
})

const dotted: readonly (readonly [text: string, paths: Readonly<Record<string, number>>])[] = [
  ['{"a.b":1,"a":{"b":2}}', { 'a.b': 2, 'a%2Eb': 1 }],
  ['{"a":{"b":2},"a.b":1}', { 'a.b': 2, 'a%2Eb': 1 }],
  ['{"a.b.c":1,"a":{"b.c":2,"b":{"c":3}}}', { 'a.b.c': 3, 'a.b%2Ec': 2, 'a%2Eb%2Ec': 1 }],
  ['{"a.b":{"c":1},"a":{"b.c":2}}', { 'a.b.c': 1, 'a.b%2Ec': 2 }],
  ['{"a":{"b.c":2},"a.b":{"c":1}}', { 'a.b.c': 1, 'a.b%2Ec': 2 }],
  ['{"a%2Eb":3,"a.b":1,"a":{"b":2}}', { 'a.b': 2, 'a%2Eb': 3, 'a%2Eb%': 1 }],
  ['{"http.method":1,"http":{"status":2}}', { 'http.method': 1, 'http.status': 2 }],
  ['{"a":1,"a.b":2}', { a: 1, 'a.b': 2 }],
  ['{"":1,".":2,"a.":3,"a":{"":4}}', { '': 1, '.': 2, 'a.': 4, 'a%2E': 3 }],
]

it('keeps every value whose path another one has too, whatever the order of the keys', async () => {
  for (const form of forms) {
    const rows = dotted.map(([text]) => text)
    await storedJson(engine, rows, form)
    const got = await engine.rows('SELECT JSONAllPaths(j) AS paths FROM j WHERE id < 1000000 ORDER BY id')
    for (const [row, [text, paths]] of dotted.entries()) {
      expect(got[row]?.['paths'], `${form}: ${text}`).toEqual(Object.keys(paths).toSorted())
      for (const [path, value] of Object.entries(paths)) {
        if (path.startsWith('.') || path === '' || path.endsWith('.')) continue
        const [each] = await engine.rows(`SELECT j.\`${path}\` AS value FROM j WHERE id = ${row}`)
        expect(Number(each?.['value']), `${form}: ${path} of ${text}`).toBe(value)
      }
    }
  }
})

it('shows such keys as they were sent where dots are told apart', async () => {
  await storedJson(
    engine,
    dotted.map(([text]) => text),
    'flattened',
  )
  const settings = { json_type_escape_dots_in_keys: '1', output_format_json_quote_64bit_integers: '0' }
  const [row] = await engine.rows('SELECT toJSONString(j) AS text FROM j WHERE id = 0', settings)
  expect(JSON.parse(String(row?.['text']))).toEqual({ 'a.b': 1, a: { b: 2 } })
})
