import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeCursor, encodeCursor } from './cursor.ts'

const places = fc
  .tuple(
    fc.array(fc.integer({ min: 0, max: 2 ** 32 }), { minLength: 1, maxLength: 256 }),
    fc.nat(),
    fc.integer({ min: 0, max: 10_000 }),
  )
  .map(([offsets, at, index]) =>
    offsets.map((offset, partition) => ({ offset, index: partition === at % offsets.length ? index : 0 })),
  )

it('gives back every place', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 255 }), places, (epoch, wanted) => {
      expect(decodeCursor(encodeCursor(epoch, wanted))).toEqual({ epoch, places: wanted })
    }),
  )
})

it('is not followed when it was cut or changed', () => {
  fc.assert(
    fc.property(places, fc.nat(), fc.constantFrom('A', 'z', '-', '9'), (wanted, at, character) => {
      const text = encodeCursor(7, wanted)
      expect(decodeCursor(text.slice(0, -3))).toBeUndefined()
      const place = 3 + (at % (text.length - 3))
      const changed = text.slice(0, place) + character + text.slice(place + 1)
      const decoded = decodeCursor(changed)
      // The last character of base64 may carry bits that mean nothing; and a checksum of 16 bits misses one change in 65,536.
      if (decoded !== undefined && place < text.length - 1)
        expect(encodeCursor(decoded.epoch, decoded.places)).toBe(changed)
    }),
  )
})

it.each(['', 'm1.', 'm1.x', 'm1.AAAA', 'm1.!!!!!!', 'm2.agABAQDDhw', 'an-event-id', `m1.${'A'.repeat(5000)}`])(
  '%j is none',
  (text) => expect(decodeCursor(text)).toBeUndefined(),
)

it('takes 14 characters for one partition and 60 for eight: it stands on every event', () => {
  expect(encodeCursor(106, [{ offset: 1, index: 1 }]).length).toBeLessThanOrEqual(14)
  const eight = Array.from({ length: 8 }, () => ({ offset: 100_000_000, index: 0 }))
  expect(encodeCursor(106, eight).length).toBeLessThanOrEqual(63)
})
