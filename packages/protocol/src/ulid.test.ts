import { expect, it } from 'vitest'
import { createUlid } from './ulid.ts'

it('writes time and randomness in Crockford base 32', () => {
  const make = createUlid({ now: () => 1_469_918_176_385, random: (bytes) => void bytes.fill(0xff) })
  expect(make()).toBe('01ARYZ6S41ZZZZZZZZZZZZZZZZ')
  const zero = createUlid({ now: () => 0, random: (bytes) => void bytes.fill(0) })
  expect(zero()).toBe('00000000000000000000000000')
  expect(zero()).toBe('00000000000000000000000001')
})

it('spreads the 80 random bits over its digits in order', () => {
  const make = createUlid({
    now: () => 0,
    random: (bytes) => bytes.set([0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf]),
  })
  expect(make().slice(10)).toBe('0123456789ABCDEF')
})

it('rises within a millisecond, when the clock goes back, and when the random part overflows', () => {
  const times = [5, 5, 5, 3, 4, 6]
  const make = createUlid({ now: () => times.shift() ?? 6, random: (bytes) => void bytes.fill(0xff) })
  const ids = Array.from({ length: 7 }, make)
  expect(ids).toEqual([...ids].sort())
  expect(new Set(ids).size).toBe(7)
})

it('makes 10,000 different ones that sort as they were made', () => {
  const make = createUlid()
  const ids = Array.from({ length: 10_000 }, make)
  expect(ids).toEqual([...new Set(ids)].sort())
  expect(ids.every((id) => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(id))).toBe(true)
})

it('refuses a time that does not fit', () => {
  for (const time of [-1, Number.NaN, 2 ** 48]) {
    expect(createUlid({ now: () => time })).toThrow(`time ${time} does not fit into a ULID`)
  }
})
