import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonicalJson } from './canonical-json.ts'

it('writes equal values as one text, whatever the order of their keys', () => {
  expect(canonicalJson({ b: 1, a: [true, null, { d: 'x', c: 1.5 }] })).toBe('{"a":[true,null,{"c":1.5,"d":"x"}],"b":1}')
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const turned = Object.fromEntries(Object.entries(value).toReversed())
      expect(canonicalJson(turned)).toBe(canonicalJson(value))
    }),
  )
})

it('tells exact integers apart, and writes bytes, -0 and absent members', () => {
  expect(canonicalJson([9007199254740993n, 9007199254740992n, -0, Uint8Array.of(1, 2)])).toBe(
    '[9007199254740993,9007199254740992,0,"AQI="]',
  )
  expect(canonicalJson({ a: undefined, b: null })).toBe('{"b":null}')
})

it('writes any text as JSON.stringify does', () => {
  const unit = fc.oneof(fc.nat(0xffff), fc.nat(0x7f), fc.integer({ min: 0xd7fe, max: 0xe001 }))
  fc.assert(
    fc.property(fc.array(unit), (units) => {
      const text = String.fromCharCode(...units)
      expect(canonicalJson({ [text]: text })).toBe(JSON.stringify({ [text]: text }))
    }),
    { numRuns: 500 },
  )
})
