import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { State } from './state.ts'

/** What a driver's test gives to the suite: an empty store with two independent users of it. */
export interface StateHarness {
  readonly one: State
  readonly other: State
  /** Ends both users and opens the same store again; left out where nothing outlives its users. */
  reopen?(): Promise<State>
  close(): Promise<void>
}

const bytes = (value: string) => new TextEncoder().encode(value)
const text = (value: Uint8Array | undefined) => (value === undefined ? undefined : Buffer.from(value).toString())

/** Every driver of `State` keeps this. */
export function testState(name: string, open: () => Promise<StateHarness>): void {
  describe(`${name} as a state`, () => {
    let harness: StateHarness
    beforeEach(async () => {
      harness = await open()
    })
    afterEach(() => harness.close())

    it('puts a key that is absent, and shows it to every user of the store at once', async () => {
      expect(await harness.one.get('a')).toBeUndefined()
      expect(await harness.one.putIfVersion('a', bytes('1'), 0)).toBe(true)
      const seen = await harness.other.get('a')
      expect(text(seen?.value)).toBe('1')
      expect(seen?.version).toBeGreaterThan(0)
    })

    it('refuses a put over a version that is not the current one, and changes nothing', async () => {
      await harness.one.putIfVersion('a', bytes('1'), 0)
      const first = await harness.one.get('a')
      expect(await harness.other.putIfVersion('a', bytes('2'), 0)).toBe(false)
      expect(await harness.other.putIfVersion('a', bytes('2'), (first?.version ?? 0) + 1)).toBe(false)
      expect(await harness.one.get('a')).toEqual(first)
      expect(await harness.other.putIfVersion('a', bytes('2'), first?.version ?? 0)).toBe(true)
      expect(text((await harness.one.get('a'))?.value)).toBe('2')
    })

    it('deletes only the version that was meant', async () => {
      await harness.one.putIfVersion('a', bytes('1'), 0)
      const version = (await harness.one.get('a'))?.version ?? 0
      expect(await harness.one.deleteIfVersion('a', 0)).toBe(false)
      expect(await harness.one.deleteIfVersion('a', version + 1)).toBe(false)
      expect(await harness.other.deleteIfVersion('a', version)).toBe(true)
      expect(await harness.one.get('a')).toBeUndefined()
      expect(await harness.one.deleteIfVersion('a', version)).toBe(false)
    })

    it('never gives a version of a key twice, not even after a delete', async () => {
      await harness.one.putIfVersion('a', bytes('1'), 0)
      const old = (await harness.one.get('a'))?.version ?? 0
      await harness.one.deleteIfVersion('a', old)
      await harness.one.putIfVersion('a', bytes('1'), 0)
      expect((await harness.one.get('a'))?.version).toBeGreaterThan(old)
      expect(await harness.other.putIfVersion('a', bytes('2'), old)).toBe(false)
    })

    it('lists the keys of a prefix in the order of their bytes', async () => {
      const keys = ['p/b', 'p/a', 'p/\0', 'p/é', 'p/🔑', 'p/\uffee', 'p', 'q/a', 'p/', 'o/z', 'p0']
      for (const key of keys) await harness.one.putIfVersion(key, bytes(key), 0)
      const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
      const listed = await harness.other.list('p/')
      expect(listed.map(({ key }) => key)).toEqual(keys.filter((key) => key.startsWith('p/')).sort(byBytes))
      expect(listed.map(({ value }) => text(value))).toEqual(listed.map(({ key }) => key))
      expect((await harness.other.list('')).map(({ key }) => key)).toEqual([...keys].sort(byBytes))
      expect(await harness.other.list('zz')).toEqual([])
    })

    it('hands out copies: changing a value changes nothing in the store', async () => {
      const value = bytes('1')
      await harness.one.putIfVersion('a', value, 0)
      value[0] = 0
      const read = await harness.one.get('a')
      read?.value.fill(0)
      expect(text((await harness.one.get('a'))?.value)).toBe('1')
    })

    it('loses no update of concurrent users that read, add one and put', async () => {
      const adders = Array.from({ length: 20 }, async (_, i) => {
        const state = i % 2 === 0 ? harness.one : harness.other
        for (;;) {
          const current = await state.get('sum')
          const next = bytes(String(Number(text(current?.value) ?? 0) + 1))
          if (await state.putIfVersion('sum', next, current?.version ?? 0)) return
        }
      })
      await Promise.all(adders)
      expect(text((await harness.one.get('sum'))?.value)).toBe('20')
    })

    it('behaves as a map with versions, whatever the order of calls', async () => {
      const key = fc.constantFrom('a', 'b', 'b/c')
      const call = fc.oneof(
        fc.record({ kind: fc.constant('put' as const), key, fresh: fc.boolean(), value: fc.string() }),
        fc.record({ kind: fc.constant('delete' as const), key, fresh: fc.boolean() }),
      )
      let run = 0
      await fc.assert(
        fc.asyncProperty(fc.array(call, { maxLength: 12 }), async (calls) => {
          const prefix = `run${run++}/`
          const model = new Map<string, string>()
          for (const [i, step] of calls.entries()) {
            const state = i % 2 === 0 ? harness.one : harness.other
            const at = prefix + step.key
            const actual = (await harness.one.get(at))?.version ?? 0
            const version = step.fresh ? actual : actual + 1
            if (step.kind === 'put') {
              expect(await state.putIfVersion(at, bytes(step.value), version)).toBe(step.fresh)
              if (step.fresh) model.set(step.key, text(bytes(step.value)) ?? '')
            } else {
              expect(await state.deleteIfVersion(at, version)).toBe(step.fresh && actual !== 0)
              if (step.fresh) model.delete(step.key)
            }
          }
          const listed = (await harness.other.list(prefix)).map(({ key, value }) => [
            key.slice(prefix.length),
            text(value),
          ])
          expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(model))
        }),
        { numRuns: 20 },
      )
    })

    it('has everything after its users ended and the store was opened again', async (test) => {
      if (harness.reopen === undefined) return test.skip('this store does not outlive its users')
      await harness.one.putIfVersion('a', bytes('1'), 0)
      await harness.one.putIfVersion('b', bytes('2'), 0)
      const before = await harness.other.list('')
      const reopened = await harness.reopen()
      expect(await reopened.list('')).toEqual(before)
      await reopened.stop()
    })

    it('stops twice, and refuses to serve afterwards', async (test) => {
      if (harness.reopen === undefined) return test.skip('this store does not outlive its users')
      await harness.one.stop()
      await harness.one.stop()
      await expect(harness.one.get('a')).rejects.toMatchObject({ code: 'unavailable', retry: 'later' })
    })
  })
}
