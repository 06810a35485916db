import { expect, it } from 'vitest'
import { createIdDeriver, deriveId, hasLostCharacters, idText, vitalId } from './ids.ts'

it('writes an id that is a number as a decimal', () => {
  const numbers = [42, -7, 1.5, 9007199254740993n, 2n ** 64n - 1n, -(2n ** 63n), 0, -0]
  expect(numbers.map(idText)).toEqual([
    '42',
    '-7',
    '1.5',
    '9007199254740993',
    '18446744073709551615',
    '-9223372036854775808',
    '0',
    '0',
  ])
})

it('takes no number for an id that may stand for several, or that no 64 bits hold', () => {
  const numbers = [2 ** 53, 1e21, -1e300, 2n ** 64n, -(2n ** 63n) - 1n, 12345678901234567890123n]
  expect(numbers.map(idText)).toEqual(numbers.map(() => undefined))
})

it('tells ids that lost characters from text', () => {
  expect(['m-1', '', 'é😀', 'a\ud800', '\udc00\ud800', 'a\ufffdb'].map(hasLostCharacters)).toEqual([
    false,
    false,
    false,
    true,
    true,
    true,
  ])
})

it('takes nothing else for an id', () => {
  expect([{ a: 1 }, ['x'], true, null, undefined, Number.NaN, Infinity].map(idText)).toEqual(Array.from({ length: 7 }))
})

it('derives the same ids for a retried body, and different ones for equal events within a body', () => {
  const body = [
    { event: 'a', timestamp: 5 },
    { event: 'a', timestamp: 5 },
    { timestamp: 5, event: 'b', n: 9007199254740993n },
    { event: 'a', timestamp: 5 },
  ]
  const first = body.map(createIdDeriver('key'))
  expect(body.map(createIdDeriver('key'))).toEqual(first)
  expect(new Set(first).size).toBe(4)
  expect(first).toEqual([0, 1, 0, 2].map((occurrence, index) => deriveId('key', body[index], occurrence)))
})

it('derives by the key and every digit of the content, not by the order of members', () => {
  expect(deriveId('key', { a: 1, b: 2 }, 0)).toBe(deriveId('key', { b: 2, a: 1 }, 0))
  expect(deriveId('key', { a: 9007199254740993n }, 0)).not.toBe(deriveId('key', { a: 9007199254740992n }, 0))
  expect(deriveId('key', { a: 1 }, 0)).not.toBe(deriveId('other', { a: 1 }, 0))
})

it('derives for ever the same: a change would let retries across an update through as new events', () => {
  const event = { event: 'a', timestamp: 5, properties: { price: 1.5, big: 9007199254740993n, list: [null, true] } }
  expect(deriveId('key', event, 0)).toBe('derived_QtP1zJAbWfzzUXnDqlEtVYRb')
})

it('tells the values of one web vital apart', () => {
  expect(vitalId('v3-1', 12.5)).toBe('vital_v3-1_12.5')
})
