import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import { type Cache, maxKeyBytes, maxValueBytes } from './cache.ts'

/** What a driver's test gives to the suite: an empty store with two independent users of it. */
export interface CacheHarness {
  readonly one: Cache
  readonly other: Cache
  /** Lets time pass for the store: a manual clock, or a real wait. */
  advance(ms: number): Promise<void>
  close(): Promise<void>
}

const text = (value: Uint8Array | undefined) => (value === undefined ? undefined : Buffer.from(value).toString())
const bytes = (value: string) => new TextEncoder().encode(value)
const minute = 60_000

/** Every driver of `Cache` keeps this. */
export function testCache(name: string, open: () => Promise<CacheHarness>): void {
  describe(`${name} as a cache`, () => {
    let harness: CacheHarness
    beforeEach(async () => {
      harness = await open()
    })
    afterEach(() => harness.close())

    it('gives back what was set, to every user of the store', async () => {
      await harness.one.set('a', bytes('1'), minute)
      expect(text(await harness.one.get('a'))).toBe('1')
      expect(text(await harness.other.get('a'))).toBe('1')
      expect(await harness.other.get('b')).toBeUndefined()
    })

    it('keeps what was set last', async () => {
      await harness.one.set('a', bytes('1'), minute)
      await harness.other.set('a', bytes('2'), minute)
      expect(text(await harness.one.get('a'))).toBe('2')
    })

    it('answers many keys in their order', async () => {
      await harness.one.setMany([
        { key: 'a', value: bytes('1'), ttlMs: minute },
        { key: 'b', value: bytes('2'), ttlMs: minute },
      ])
      expect((await harness.one.getMany(['b', 'x', 'a', 'b'])).map(text)).toEqual(['2', undefined, '1', '2'])
      expect(await harness.one.getMany([])).toEqual([])
    })

    it('keeps empty values, NUL bytes, long keys and keys of every script apart', async () => {
      const keys = ['k', 'k\0', 'k\0a', 'ключ', '鍵', '🔑', 'k'.repeat(maxKeyBytes)]
      for (const [i, key] of keys.entries()) await harness.one.set(key, new Uint8Array(i), minute)
      expect((await harness.one.getMany(keys)).map((value) => value?.length)).toEqual(keys.map((_, i) => i))
    })

    it('forgets what was deleted', async () => {
      await harness.one.set('a', bytes('1'), minute)
      await harness.one.set('b', bytes('2'), minute)
      await harness.other.delete(['a', 'never'])
      expect((await harness.one.getMany(['a', 'b'])).map(text)).toEqual([undefined, '2'])
    })

    it('forgets an entry when its time is over, and not before', async () => {
      await harness.one.set('short', bytes('1'), 400)
      await harness.one.set('long', bytes('2'), minute)
      expect(text(await harness.one.get('short'))).toBe('1')
      await harness.advance(500)
      expect((await harness.other.getMany(['short', 'long'])).map(text)).toEqual([undefined, '2'])
    })

    it('counts the time from the last put', async () => {
      await harness.one.set('a', bytes('1'), 400)
      await harness.one.set('a', bytes('2'), minute)
      await harness.advance(500)
      expect(text(await harness.one.get('a'))).toBe('2')
    })

    it('adds only what is not there, and again when its time is over', async () => {
      expect(await harness.one.add('a', bytes('1'), 400)).toBe(true)
      expect(await harness.other.add('a', bytes('2'), minute)).toBe(false)
      expect(text(await harness.one.get('a'))).toBe('1')
      await harness.advance(500)
      expect(await harness.other.add('a', bytes('3'), minute)).toBe(true)
      expect(text(await harness.one.get('a'))).toBe('3')
    })

    it('adds what was deleted', async () => {
      await harness.one.add('a', bytes('1'), minute)
      await harness.one.delete(['a'])
      expect(await harness.other.add('a', bytes('2'), minute)).toBe(true)
    })

    it('lets exactly one of 50 concurrent callers add a key', async () => {
      const callers = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? harness.one : harness.other))
      const results = await Promise.all(callers.map((cache, i) => cache.add('a', bytes(String(i)), minute)))
      expect(results.filter(Boolean)).toHaveLength(1)
      expect(text(await harness.one.get('a'))).toBe(String(results.indexOf(true)))
    })

    it('adds many at once, the first of equal keys first', async () => {
      await harness.one.add('b', bytes('old'), minute)
      const entries = ['a', 'b', 'a', 'c'].map((key, i) => ({ key, value: bytes(String(i)), ttlMs: minute }))
      expect(await harness.one.addMany(entries)).toEqual([true, false, false, true])
      expect((await harness.one.getMany(['a', 'b', 'c'])).map(text)).toEqual(['0', 'old', '3'])
    })

    it('refuses keys and values beyond the limits', async () => {
      const tooLong: (() => Promise<unknown>)[] = [
        () => harness.one.get(''),
        () => harness.one.set('k'.repeat(maxKeyBytes + 1), bytes('1'), minute),
        () => harness.one.add('\ud800', bytes('1'), minute),
        () => harness.one.set('a', new Uint8Array(maxValueBytes + 1), minute),
      ]
      for (const call of tooLong) await expect(call()).rejects.toMatchObject({ code: 'internal' })
    })

    it('stops twice, and refuses to serve afterwards', async () => {
      await harness.one.stop()
      await harness.one.stop()
      await expect(harness.one.get('a')).rejects.toBeInstanceOf(PipelineError)
      await expect(harness.one.get('a')).rejects.toMatchObject({ code: 'unavailable', retry: 'later' })
    })
  })
}
