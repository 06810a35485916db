import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mayHoldLongInteger, parseJson, stringifyJson } from './json.ts'

describe('exact JSON', () => {
  it('keeps every digit of integers beyond 2^53', () => {
    const text =
      '{"a":9007199254740993,"b":[-9223372036854775808,18446744073709551615],"c":123456789012345678901234567890}'
    expect(parseJson(text)).toEqual({
      a: 9007199254740993n,
      b: [-9223372036854775808n, 18446744073709551615n],
      c: 123456789012345678901234567890n,
    })
    expect(stringifyJson(parseJson(text))).toBe(text)
  })

  it('keeps integers up to 2^53, fractions and exponents as numbers', () => {
    const text = '[9007199254740991, 1234567890123456, 0.12345678901234567, 12345678901234567.5, 1e30]'
    expect(parseJson(text)).toEqual(JSON.parse(text))
  })

  it('looks like JSON.parse for any text without long integers, errors included', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(stringifyJson(parseJson(text))).toBe(stringifyJson(JSON.parse(text)))
      }),
    )
    for (const bad of ['', '{', '[1,]', '{"a":12345678901234567', '12345678901234567x', 'nul']) {
      expect(() => parseJson(bad)).toThrow(SyntaxError)
    }
  })

  it('finds a long integer wherever it stands', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 40 }),
        fc.bigInt({ min: 10n ** 15n, max: 10n ** 40n }),
        fc.boolean(),
        (before, digits, isNegative) => {
          const text = `[${JSON.stringify(before)},${isNegative ? '-' : ''}${digits}]`
          expect(mayHoldLongInteger(text)).toBe(true)
        },
      ),
    )
  })

  it('takes the fast path for long digits in strings and fractions', () => {
    expect(mayHoldLongInteger('{"id":"12345678901234567890","x":0.12345678901234567890,"h":"a1234567890123456"}')).toBe(
      false,
    )
    expect(mayHoldLongInteger('{"n":123456789012345}')).toBe(false)
  })

  it('keeps a __proto__ key as data on both paths, and sets no prototype', () => {
    for (const text of ['{"__proto__":{"x":1},"n":1}', '{"__proto__":{"x":1},"n":12345678901234567890}']) {
      const value = parseJson(text) as object
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
      expect(Object.keys(value)).toEqual(['__proto__', 'n'])
      expect(stringifyJson(value)).toBe(text)
    }
    const lone = stringifyJson(JSON.parse('{"__proto__":"\\ud800","k\\udfff":1}'))
    expect(lone).toBe('{"__proto__":"\ufffd","k\ufffd":1}')
  })

  it('writes lone surrogates as U+FFFD and leaves text that only looks like their escape', () => {
    expect(stringifyJson({ a: '\ud800', b: '\ud83d\ude00', c: '\\ud800' })).toBe(
      '{"a":"\ufffd","b":"\ud83d\ude00","c":"\\\\ud800"}',
    )
  })

  it('writes null for what JSON has no word for', () => {
    expect(stringifyJson(undefined)).toBe('null')
    expect(stringifyJson([Number.NaN, undefined, 1n])).toBe('[null,null,1]')
  })

  it('takes text nested 10,000 deep', () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`
    expect(() => parseJson(deep)).not.toThrow()
  })
})
