import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { type LogPosition, packLogPosition, unpackLogPosition, writeLogPosition } from './log-position.ts'

const arbitrary: fc.Arbitrary<LogPosition> = fc.record(
  {
    epoch: fc.integer({ min: 1, max: 255 }),
    partition: fc.integer({ min: 0, max: 255 }),
    offset: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    index: fc.integer({ min: 0, max: 65_535 }),
  },
  { noNullPrototype: true },
)

it('gives back what was packed, also as the eight bytes of a UInt64', () => {
  fc.assert(
    fc.property(arbitrary, (position) => {
      const packed = packLogPosition(position)
      expect(unpackLogPosition(packed)).toEqual(position)
      const bytes = new DataView(new ArrayBuffer(8))
      writeLogPosition(bytes, 0, position.epoch, position.partition, position.offset, position.index)
      expect(bytes.getBigUint64(0, true)).toBe(packed)
    }),
  )
})

it('sorts as epoch, partition, offset, index do', () => {
  const order = (position: LogPosition) => [position.epoch, position.partition, position.offset, position.index]
  fc.assert(
    fc.property(arbitrary, arbitrary, (a, b) => {
      const [left, right] = [order(a), order(b)]
      const at = left.findIndex((value, index) => value !== right[index])
      const before = at >= 0 && (left[at] as number) < (right[at] as number)
      expect(packLogPosition(a) < packLogPosition(b)).toBe(before)
    }),
  )
})

it('is 0x01020000000a0003 for epoch 1, partition 2, offset 10, index 3', () => {
  expect(packLogPosition({ epoch: 1, partition: 2, offset: 10, index: 3 })).toBe(0x01020000000a0003n)
})

it('refuses parts out of range, on writing and on reading', () => {
  const sound = { epoch: 1, partition: 0, offset: 0, index: 0 }
  expect(() => packLogPosition({ ...sound, epoch: 0 })).toThrow(
    'epoch 0 of a log position is not a whole number 1 to 255',
  )
  expect(() => packLogPosition({ ...sound, partition: 256 })).toThrow('partition 256')
  expect(() => packLogPosition({ ...sound, offset: 2 ** 32 })).toThrow('offset 4294967296')
  expect(() => packLogPosition({ ...sound, index: 65_536 })).toThrow('index 65536')
  expect(() => packLogPosition({ ...sound, offset: 1.5 })).toThrow('offset 1.5')
  expect(() => unpackLogPosition(-1n)).toThrow('not an unsigned 64-bit number')
  expect(() => unpackLogPosition(5n)).toThrow('epoch 0')
})
