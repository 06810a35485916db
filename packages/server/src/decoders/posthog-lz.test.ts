import * as fc from 'fast-check'
import lz from 'lz-string'
import { describe, expect, it } from 'vitest'
import { inflateLz64 } from './posthog-lz.ts'

describe('lz-string as base64', () => {
  it('gives back what the library compressed', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.json(),
      fc.tuple(fc.string({ minLength: 1, maxLength: 5 }), fc.nat(2000)).map(([part, times]) => part.repeat(times)),
    )
    fc.assert(
      fc.property(text, (original) => {
        expect(inflateLz64(lz.compressToBase64(original), 1e6)).toBe(original)
      }),
      { numRuns: 300 },
    )
  })

  it('stops at the limit: a kilobyte may stand for a megabyte', () => {
    const bomb = lz.compressToBase64('A'.repeat(1_000_000))
    expect(bomb.length).toBeLessThan(4000)
    expect(inflateLz64(bomb, 999_999)).toBe('too large')
    expect(inflateLz64(bomb, 1_000_000)?.length).toBe(1_000_000)
  })

  it('is undefined for what is no such text, and never more', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        const inflated = inflateLz64(text, 1000)
        expect(inflated === undefined || inflated.length <= 1000).toBe(true)
      }),
      { numRuns: 500 },
    )
    const whole = lz.compressToBase64('{"event":"x","properties":{"a":"some text of it"}}')
    for (let length = 0; length < whole.length - 4; length++) {
      expect(inflateLz64(whole.slice(0, length), 1000), `of ${length}`).not.toBe('too large')
    }
    expect(inflateLz64(whole.slice(0, 20), 1000)).toBeUndefined()
  })
})
