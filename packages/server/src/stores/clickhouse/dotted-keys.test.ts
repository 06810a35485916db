import { parseJson, stringifyJson } from '@millrace/protocol'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseWithDots } from './dotted-keys.ts'

const value = fc.letrec<{ any: unknown; object: object }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
    fc.boolean(),
    fc.constantFrom(null, '":', '\\":{', '%2E', ':'),
    tie('object'),
    fc.array(tie('any')),
  ),
  object: fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', '":{', 'a.b', '\\', '')), tie('any')),
})).any

it('reads any JSON without such keys as the parser does, also where it has to look at every character', () => {
  fc.assert(
    fc.property(fc.array(value), (row) => {
      for (const each of [row, [...row, '%2E']]) {
        const line = stringifyJson(each)
        expect(parseWithDots(line)).toStrictEqual(parseJson(line))
        const spaced = line.replace(/^\[/, '[ ').replace(/\]$/, ' ] ')
        expect(parseWithDots(spaced)).toStrictEqual(parseJson(line))
      }
    }),
    { numRuns: 2_000 },
  )
})

it.each([
  ['[{"a":1,"a":{"b":2}}]', [{ a: 1, 'a.b': 2 }]],
  ['[":", {"a":"\\"","a":{"b":{}}}]', [':', { a: '"', 'a.b': {} }]],
  ['[{"a":{"b":2},"a%2Eb":1}]', [{ a: { b: 2 }, 'a.b': 1 }]],
  ['[{"a%2Eb":1,"a":{"c":2}}]', [{ 'a%2Eb': 1, a: { c: 2 } }]],
  ['[{"a":{"b":{"c":2}},"a%2Eb":{"c":1}}]', [{ a: { b: { c: 2 } }, 'a.b': { c: 1 } }]],
  ['[{"a":{"b":5,"b":{"c":1},"b%2Ec":2}}]', [{ a: { b: 5, 'b.c': 1, 'b%2Ec': 2 } }]],
  [
    '[{"a":{"b":1},"b":{"b":1}}, [{"a":null,"a":{"b":[{"c":1,"c":{"d":2}}]}}]]',
    [{ a: { b: 1 }, b: { b: 1 } }, [{ a: null, 'a.b': [{ c: 1, 'c.d': 2 }] }]],
  ],
])('reads %s', (line, row) => {
  expect(parseWithDots(line)).toStrictEqual(row)
})

it.each(['', '[', '[1', '[{"a":1,"a":{"b":}}]', '["%2E', '[{"%2E":1', '[%2E]', '[{"%2E" 1}]'])(
  'refuses what is not JSON: %s',
  (line) => {
    expect(() => parseWithDots(line)).toThrow(SyntaxError)
  },
)
