import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FIRST_CLAIM, Generation, STORED } from './generation.ts'

type Words = readonly [number, number, number, number]
/** Few different words, also at both ends of the table: so that they crowd and stand in each other's way. */
const word = fc.constantFrom(0, 1, -1, -2, 0x7fff_ffff, -0x8000_0000, 12345)
const fingerprint: fc.Arbitrary<Words> = fc.tuple(word, word, fc.constantFrom(0, -1), fc.constant(9))
const key = (words: ArrayLike<number>) => Array.from(words, (value) => value >>> 0).join()

function put(generation: Generation, words: Words, owner: number): boolean {
  const slot = generation.seek(...words)
  return slot < 0 && generation.take(~slot, owner, ...words)
}

describe('a generation', () => {
  it('is a map from fingerprint to owner under any order of takes, confirms and releases', () => {
    const step = fc.record({ kind: fc.constantFrom('claim', 'confirm', 'release', 'store'), words: fingerprint })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const generation = new Generation(64)
        const model = new Map<string, number>()
        for (const { kind, words } of steps) {
          const slot = generation.seek(...words)
          const owner = model.get(key(words))
          expect(slot >= 0 ? generation.owner(slot) : undefined).toBe(owner)
          if (owner === undefined && kind === 'claim') {
            expect(generation.take(~slot, FIRST_CLAIM, ...words)).toBe(true)
            model.set(key(words), FIRST_CLAIM)
          } else if (owner === undefined && kind === 'store') {
            expect(generation.take(~slot, STORED, ...words)).toBe(true)
            model.set(key(words), STORED)
          } else if (owner === FIRST_CLAIM && kind === 'confirm') {
            generation.confirm(slot)
            model.set(key(words), STORED)
          } else if (owner === FIRST_CLAIM && kind === 'release') {
            generation.release(slot)
            model.delete(key(words))
          }
          const owners = [...model.values()]
          expect(generation.stored).toBe(owners.filter((value) => value === STORED).length)
          expect(generation.claimed).toBe(owners.filter((value) => value === FIRST_CLAIM).length)
          expect(generation.filled).toBeGreaterThanOrEqual(owners.length)
        }
        const stored = [...model].filter(([, value]) => value === STORED).map(([text]) => text)
        const written: string[] = []
        for (const batch of generation.sorted(3)) {
          for (let at = 0; at < batch.length; at += 4) written.push(key(batch.subarray(at, at + 4)))
        }
        const bigger = (a: string, b: string) => {
          const [x, y] = [a, b].map((text) => text.split(',').reduce((sum, part) => (sum << 32n) | BigInt(part), 0n))
          return x! < y! ? -1 : x! > y! ? 1 : 0
        }
        expect(written).toEqual(stored.sort(bigger))
      }),
      { numRuns: 300 },
    )
  })

  it('gives the room of released claims back when nothing stands behind them', () => {
    const generation = new Generation(64)
    for (let i = 0; i < 1000; i++) {
      expect(put(generation, [i * 1e6, 1, 2, 3], FIRST_CLAIM)).toBe(true)
      generation.release(generation.seek(i * 1e6, 1, 2, 3))
    }
    expect(generation.filled).toBe(0)
  })

  it('refuses to go beyond its end instead of writing there', () => {
    const generation = new Generation(1)
    let taken = 0
    while (taken < 10_000 && put(generation, [-1, taken, 0, 0], STORED)) taken++
    expect(taken).toBeGreaterThan(1000)
    expect(taken).toBeLessThan(10_000)
    for (let i = 0; i < taken; i += 97) expect(generation.seek(-1, i, 0, 0)).toBeGreaterThanOrEqual(0)
    expect(generation.seek(-1, taken, 0, 0)).toBeLessThan(0)
  })
})
