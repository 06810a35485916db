import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Deps, silentLogger } from '../../core/deps.ts'
import { memoryState } from '../../testing/memory-state.ts'
import { testCache } from '../cache.contract.ts'
import { testState } from '../state.contract.ts'
import { createEmbeddedCache } from './create-embedded-cache.ts'
import { createEmbeddedState } from './create-embedded-state.ts'
import { embeddedCacheConfig } from './config.ts'
import { embeddedCacheDriver, embeddedStateDriver } from './driver.ts'

const folders: string[] = []
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-kv.'))
  folders.push(path)
  return path
}
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true })
})

/** Time by hand: a sleeper wakes when the time it waits for has come. */
function handClock() {
  let now = 1_800_000_000_000
  const sleepers = new Set<{ at: number; wake: () => void }>()
  return {
    now: () => now,
    sleep: (ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error)
        const sleeper = { at: now + ms, wake: resolve }
        sleepers.add(sleeper)
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      }),
    advance(ms: number) {
      now += ms
      for (const sleeper of sleepers) {
        if (sleeper.at > now) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
    },
  }
}

const depsWith = (clock = handClock()): Deps => ({ clock, logger: silentLogger, metrics: new Registry() })
const started = new AbortController().signal
const bytes = (length: number) => new Uint8Array(length)

testCache('the embedded cache', async () => {
  const clock = handClock()
  const path = folder()
  const one = createEmbeddedCache({ path, maxBytes: 1e8 }, depsWith(clock))
  const other = createEmbeddedCache({ path, maxBytes: 1e8 }, depsWith(clock))
  await one.start(started)
  await other.start(started)
  return {
    one,
    other,
    advance: async (ms) => clock.advance(ms),
    close: async () => {
      await one.stop()
      await other.stop()
    },
  }
})

testState('the embedded state', async () => {
  const path = folder()
  const open = async () => {
    const state = createEmbeddedState({ path }, depsWith())
    await state.start(started)
    return state
  }
  const one = await open()
  const other = await open()
  const close = async () => {
    await one.stop()
    await other.stop()
  }
  return { one, other, close, reopen: async () => close().then(open) }
})

testState('the state in memory', async () => {
  const state = memoryState()
  return { one: state, other: state, close: async () => {} }
})

describe('the embedded cache', () => {
  async function openCache(maxBytes: number) {
    const clock = handClock()
    const cache = createEmbeddedCache({ path: folder(), maxBytes, sweepEveryMs: 1000 }, depsWith(clock))
    await cache.start(started)
    return { cache, clock }
  }
  const present = async (cache: { getMany(keys: string[]): Promise<readonly unknown[]> }, keys: string[]) =>
    (await cache.getMany(keys)).map((value) => value !== undefined)

  it('gives up the entries that end soonest when it is full, and stays within its size', async () => {
    const { cache } = await openCache(10_000)
    await cache.set('soon', bytes(4000), 1000)
    await cache.set('late', bytes(4000), 100_000)
    await cache.set('later', bytes(4000), 200_000)
    expect(await present(cache, ['soon', 'late', 'later'])).toEqual([false, true, true])
    for (let i = 0; i < 50; i++) await cache.set(`n${i}`, bytes(1000), 300_000 + i)
    const kept = (
      await present(
        cache,
        Array.from({ length: 50 }, (_, i) => `n${i}`),
      )
    ).filter(Boolean)
    expect(kept.length).toBeGreaterThan(5)
    expect(kept.length).toBeLessThanOrEqual(10)
    await cache.stop()
  })

  it('accounts for what is replaced, deleted and swept: the room is there again', async () => {
    const { cache, clock } = await openCache(10_000)
    for (let i = 0; i < 30; i++) await cache.set('same', bytes(3000), 50_000)
    for (let i = 0; i < 30; i++) {
      await cache.set('gone', bytes(3000), 50_000)
      await cache.delete(['gone'])
    }
    for (let i = 0; i < 30; i++) {
      await cache.set('ended', bytes(3000), 500)
      clock.advance(1000)
    }
    await cache.set('room', bytes(5000), 60_000)
    expect(await present(cache, ['same', 'room', 'gone', 'ended'])).toEqual([true, true, false, false])
    await cache.stop()
  })

  it('sweeps ended entries without being asked for them', async () => {
    const { cache, clock } = await openCache(1e8)
    const entries = Array.from({ length: 700 }, (_, i) => ({ key: `k${i}`, value: bytes(10), ttlMs: 500 }))
    const keys = entries.map(({ key }) => key)
    await cache.setMany(entries)
    clock.advance(2000)
    // An entry that was not swept is there again when the clock goes back. 700 are more than two batches.
    const left = async () => {
      clock.advance(-2000)
      const found = await present(cache, keys)
      clock.advance(2000)
      return found.filter(Boolean).length
    }
    expect(await left()).toBe(700)
    await vi.waitFor(async () => expect(await left()).toBe(0), { timeout: 10_000 })
    await cache.stop()
  })
})

describe('the embedded drivers', () => {
  it('do no input or output before start, and say unavailable', async () => {
    const deps = depsWith()
    const cache = embeddedCacheDriver('/nowhere').create(embeddedCacheConfig.parse({ driver: 'embedded' }), deps)
    const state = embeddedStateDriver('/nowhere').create({ driver: 'embedded' }, deps)
    await expect(cache.get('a')).rejects.toMatchObject({ code: 'unavailable' })
    await expect(state.get('a')).rejects.toMatchObject({ code: 'unavailable' })
    await cache.stop()
    await state.stop()
  })

  it('refuse unknown keys of the configuration', () => {
    expect(embeddedCacheConfig.safeParse({ driver: 'embedded', maxByte: 1 }).success).toBe(false)
    expect(embeddedCacheConfig.parse({ driver: 'embedded' })).toEqual({ driver: 'embedded', maxBytes: 268_435_456 })
  })
})
