import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteSize, duration, showBytes, showDuration } from './units.ts'

describe('duration', () => {
  it.each([
    ['31 d', 2_678_400_000],
    ['10s', 10_000],
    ['1.5 h', 5_400_000],
    ['250ms', 250],
    [' 5 m ', 300_000],
    ['7', 7],
    [1234, 1234],
    ['0 s', 0],
  ])('reads %j', (written, ms) => {
    expect(duration.parse(written)).toBe(ms)
  })

  it.each(['', 'x', '5 y', '-5 s', '5 s s', '1e3 s', '5 D', '1,5 h', '9999999999999999 d', -1, Infinity, true, null])(
    'refuses %j',
    (written) => {
      expect(duration.safeParse(written).success).toBe(false)
    },
  )
})

describe('byteSize', () => {
  it.each([
    ['4 GB', 4e9],
    ['512MB', 512e6],
    ['1 GiB', 2 ** 30],
    ['1 kib', 1024],
    ['2TB', 2e12],
    ['12 B', 12],
    ['0.5 KB', 500],
    [99, 99],
  ])('reads %j', (written, bytes) => {
    expect(byteSize.parse(written)).toBe(bytes)
  })

  it.each(['4 G', 'GB', '4 GBB', '10 PB', '-1 MB', [], {}])('refuses %j', (written) => {
    expect(byteSize.safeParse(written).success).toBe(false)
  })
})

it('takes any text without throwing anything but a refusal', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { success, data } = duration.safeParse(text)
      expect(!success || Number.isSafeInteger(data)).toBe(true)
    }),
  )
})

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1500, '1.5 KB'],
  [123_456_789, '123 MB'],
  [4e9, '4 GB'],
])('shows %d bytes as %s', (bytes, shown) => expect(showBytes(bytes)).toBe(shown))

it.each([
  [12.4, '12 ms'],
  [1500, '1.5 s'],
  [90_000, '1.5 min'],
  [5_400_000, '1.5 h'],
  [86_400_000 * 31, '31 d'],
])('shows %d ms as %s', (ms, shown) => expect(showDuration(ms)).toBe(shown))
