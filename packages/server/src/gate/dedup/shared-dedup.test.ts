import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { collectorsUnderTest, type CollectorUnderTest } from '../../testing/collectors-under-test.ts'
import { memoryCache } from '../../testing/memory-cache.ts'
import { memoryState } from '../../testing/memory-state.ts'
import { silentLogger } from '../../core/deps.ts'
import type { Log } from '../../log/log.ts'
import { testDeps } from '../../testing/gate-under-test.ts'
import { memoryLog } from '../../testing/memory-log.ts'
import { createDedupIndex } from './create-dedup-index.ts'
import { CLAIMED, DUPLICATE, PENDING } from './dedup-index.ts'

const never = new AbortController().signal
let world: ReturnType<typeof collectorsUnderTest> | undefined
afterEach(() => world?.close())

function openWorld(options: Parameters<typeof collectorsUnderTest>[0] = {}) {
  world = collectorsUnderTest(options)
  return world
}

function prints({ dedup }: CollectorUnderTest, ...ids: string[]): Uint8Array {
  const out = new Uint8Array(ids.length * 16)
  for (const [i, id] of ids.entries()) dedup.fingerprint('shop', id, out, i * 16)
  return out
}
const claim = async (collector: CollectorUnderTest, ...ids: string[]) =>
  await collector.dedup.claim(prints(collector, ...ids), Date.now())

describe('collectors that share a cache', () => {
  it('store an id once, whichever of them it comes to', async () => {
    const { open, stored } = openWorld()
    const cache = memoryCache()
    const [a, b] = [await open(cache), await open(cache.another())]
    expect(await a.send(['x', 'y', 'x'])).toEqual(['stored', 'stored', 'duplicate'])
    expect(await b.send(['z', 'x', 'z'])).toEqual(['stored', 'duplicate', 'duplicate'])
    expect(stored()).toEqual(['x', 'y', 'z'])
    expect([await a.failedOpen(), await b.failedOpen()]).toEqual([{}, {}])
  })

  it('let the second wait for the first, and store what the first could not', async () => {
    const first = Promise.withResolvers<void>()
    const { open, stored } = openWorld({
      async onAppend(call) {
        if (call === 1) await first.promise
        return call === 1 ? 'refuse' : 'store'
      },
    })
    const cache = memoryCache()
    const [a, b] = [await open(cache), await open(cache.another())]
    const failing = a.send(['x', 'y'])
    await pause(50)
    const waiting = b.send(['w', 'x'])
    // What waits for nobody is stored at once.
    while (stored().length === 0) await pause(5)
    expect(stored()).toEqual(['w'])
    first.resolve()
    await expect(failing).rejects.toMatchObject({ code: 'unavailable' })
    expect(await waiting).toEqual(['stored', 'stored'])
    expect(await a.send(['x', 'y'])).toEqual(['duplicate', 'stored'])
    expect(stored()).toEqual(['w', 'x', 'y'])
  })

  it('leave only a claim that ends by itself when they are killed before the append', async () => {
    const { open, stored } = openWorld()
    const cache = memoryCache()
    const dying = cache.another()
    const [a, b] = [await open(dying, { pendingMs: 600 }), await open(cache, { pendingMs: 600 })]
    expect((await claim(a, 'x')).states[0]).toBe(CLAIMED)
    await dying.stop()
    expect((await claim(b, 'x')).states[0]).toBe(PENDING)
    expect(await b.send(['x'])).toEqual(['stored'])
    expect(stored()).toEqual(['x'])
    expect(await b.failedOpen()).toEqual({})
  })

  it('know from the log what one stored that was killed before it could say so', async () => {
    const { open, log, stored } = openWorld()
    const cache = memoryCache()
    const dying = cache.another()
    const [a, b] = [await open(dying, { pendingMs: 400 }), await open(cache, { pendingMs: 400 })]
    await dying.stop()
    expect(await a.send(['x'])).toEqual(['stored'])
    expect(log.all('events')).toHaveLength(1)
    await pause(450)
    expect(await b.send(['x'])).toEqual(['duplicate'])
    expect(stored()).toEqual(['x'])
  })

  it('know as they start what was stored before', async () => {
    const { open } = openWorld()
    const [cache, empty] = [memoryCache(), memoryCache()]
    expect(await (await open(cache)).send(['x', 'y'])).toEqual(['stored', 'stored'])
    expect(await (await open(empty)).send(['y', 'z'])).toEqual(['duplicate', 'stored'])
  })

  it('keep a claim for as long as its append takes', async () => {
    const slow = Promise.withResolvers<void>()
    const { open, stored } = openWorld({
      async onAppend(call) {
        if (call === 1) await slow.promise
        return 'store' as const
      },
    })
    const cache = memoryCache()
    const [a, b] = [await open(cache, { pendingMs: 300 }), await open(cache.another(), { pendingMs: 300 })]
    const appending = a.send(['x'])
    await pause(900)
    const other = await claim(b, 'x')
    expect(other.states[0]).toBe(PENDING)
    other.release()
    slow.resolve()
    expect(await appending).toEqual(['stored'])
    expect(await b.send(['x'])).toEqual(['duplicate'])
    expect(stored()).toEqual(['x'])
    expect(await a.failedOpen()).toEqual({})
  })

  it('do not append what they claimed too long ago', async () => {
    const { open, stored } = openWorld()
    const cache = memoryCache()
    let isCut = false
    const cut = cache.another({
      onCall() {
        if (isCut) throw new Error('cut off')
      },
    })
    const breaker = { failures: 1000, openMs: 1000, timeoutMs: 1000 }
    const [a, b] = [await open(cut, { pendingMs: 300, breaker }), await open(cache, { pendingMs: 300 })]
    const mine = await claim(a, 'x')
    isCut = true
    expect(mine.isHeld?.()).toBe(true)
    await pause(350)
    expect(mine.isHeld?.()).toBe(false)
    expect(await b.send(['x'])).toEqual(['stored'])
    mine.release()
    isCut = false
    expect(await a.send(['x'])).toEqual(['duplicate'])
    expect(stored()).toEqual(['x'])
  })

  it('say so when an append ended after its claim', async () => {
    const { open } = openWorld()
    const dying = memoryCache()
    const a = await open(dying, { pendingMs: 200 })
    const late = await claim(a, 'x', 'y')
    await dying.stop()
    await pause(250)
    late.confirm([])
    expect(await a.failedOpen()).toEqual({ late: 2 })
  })

  it('tell apart, within one batch, what is new, stored by another, and under way with another', async () => {
    const { open } = openWorld()
    const cache = memoryCache()
    const [a, b] = [await open(cache), await open(cache.another())]
    await a.send(['stored'])
    const open1 = await claim(a, 'under way')
    const mixed = await claim(b, 'new', 'stored', 'under way', 'also new', 'new')
    expect([...mixed.states]).toEqual([CLAIMED, DUPLICATE, PENDING, CLAIMED, 3])
    open1.release()
    await mixed.others
    mixed.release()
    const after = await claim(a, 'new', 'also new', 'under way')
    expect([...after.states]).toEqual([CLAIMED, CLAIMED, CLAIMED])
    after.release()
  })

  it('take back what an end that did not reach the cache left there', async () => {
    const { open } = openWorld()
    const cache = memoryCache()
    let isCut = false
    const a = await open(
      cache.another({
        onCall(op) {
          if (isCut && op === 'delete') throw new Error('cut off')
        },
      }),
    )
    const first = await claim(a, 'x')
    isCut = true
    first.release()
    expect(await a.send(['x'])).toEqual(['stored'])
  })
})

describe('a shared cache that fails', () => {
  const breaker = { failures: 5, openMs: 200, timeoutMs: 50 }

  it('holds no event up for long, and is left alone after five failures, and asked again later', async () => {
    const { open, stored } = openWorld()
    let calls = 0
    let isHanging = false
    const cache = memoryCache({
      onCall() {
        calls++
        if (isHanging) return new Promise(() => undefined)
      },
    })
    const a = await open(cache, { breaker })
    isHanging = true
    calls = 0
    for (let i = 0; i < 12; i++) expect(await a.send([`e${i}`])).toEqual(['stored'])
    const asked = calls
    expect(asked).toBeLessThan(12)
    expect((await a.failedOpen())['cache']).toBe(12)
    isHanging = false
    await pause(250)
    expect(await a.send(['last'])).toEqual(['stored'])
    expect(calls).toBeGreaterThan(asked)
    expect((await a.failedOpen())['cache']).toBe(12)
    expect(stored()).toHaveLength(13)
  })

  it('does not keep a collector from starting, and is used when it comes', async () => {
    const { open } = openWorld()
    let isAway = true
    const cache = memoryCache({
      onCall() {
        if (isAway) throw new Error('away')
      },
    })
    const a = await open(cache, { breaker })
    expect(await a.send(['x'])).toEqual(['stored'])
    isAway = false
    expect(await a.send(['y'])).toEqual(['stored'])
    expect((await a.failedOpen())['cache']).toBe(1)
    expect(cache.size).toBeGreaterThan(0)
  })

  it('still lets each id be stored once when it is empty again: others have read the log', async () => {
    const { open, stored } = openWorld()
    const cache = memoryCache()
    const [a, b] = [await open(cache), await open(cache.another())]
    await a.send(['x', 'y'])
    await pause(50)
    cache.forget()
    expect(await b.send(['x', 'z'])).toEqual(['duplicate', 'stored'])
    expect(stored()).toEqual(['x', 'y', 'z'])
    expect(await b.failedOpen()).toEqual({ forgotten: 1 })
  })

  it('is told again what is under way when it lost its memory', async () => {
    const { open } = openWorld()
    const cache = memoryCache()
    const [a, b] = [await open(cache, { pendingMs: 1200 }), await open(cache.another(), { pendingMs: 1200 })]
    const mine = await claim(a, 'x')
    cache.forget()
    await pause(400)
    const theirs = await claim(b, 'x')
    expect(theirs.states[0]).toBe(PENDING)
    theirs.release()
    mine.release()
  })
})

describe('collectors that do not belong together', () => {
  it('are told so at their start: another state means other fingerprints', async () => {
    const { open } = openWorld()
    const cache = memoryCache()
    await open(cache)
    await expect(open(cache.another(), { state: memoryState() })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('the same state'),
    })
  })

  it('know nothing of each other on logs of different epochs', async () => {
    const { open } = openWorld({ epoch: 1 })
    const cache = memoryCache()
    expect(await (await open(cache)).send(['x'])).toEqual(['stored'])
    const elsewhere = collectorsUnderTest({ epoch: 2 })
    try {
      // Another log, another epoch: its secret differs too, and so do its keys in the cache.
      expect(await (await elsewhere.open(cache.another())).send(['x'])).toEqual(['stored'])
    } finally {
      await elsewhere.close()
    }
  })
})

describe('following the log', () => {
  it('goes on where the log was trimmed, and says what it missed', async () => {
    const memory = memoryLog()
    let hold: Promise<void> | undefined
    const log: Log = {
      ...memory,
      async read(from, limit, signal) {
        await hold
        return await memory.read(from, { ...limit, waitMs: Math.min(limit.waitMs, 10) }, signal)
      },
    }
    const errors: string[] = []
    const deps = {
      ...testDeps(),
      logger: { ...silentLogger, error: (_: object, text: string) => void errors.push(text) },
    }
    const dir = mkdtempSync(join(tmpdir(), 'millrace-follow-'))
    const index = createDedupIndex({ dir, log, state: memoryState(), windowMs: 1e9, maxBytes: 1e9, follow: true, deps })
    await index.start(never)
    const print = (id: string) => {
      const out = new Uint8Array(16)
      index.fingerprint('shop', id, out, 0)
      return out
    }
    const put = async (id: string) =>
      await memory.append(
        [{ topic: 'events', partition: 0, value: new Uint8Array(20), fingerprints: print(id) }],
        {},
        never,
      )
    const knows = (id: string) => {
      const claim = index.claim(print(id), Date.now())
      claim.release()
      return claim.states[0] === DUPLICATE
    }
    try {
      await put('first')
      await expect.poll(() => knows('first')).toBe(true)
      const gate = Promise.withResolvers<void>()
      hold = gate.promise
      await pause(30)
      await put('missed')
      await memory.trim({ topic: 'events', partition: 0, offset: 2 })
      gate.resolve()
      await expect.poll(() => errors.join()).toMatch(/no longer holds records/)
      await put('last')
      await expect.poll(() => knows('last')).toBe(true)
      expect(knows('missed')).toBe(false)
    } finally {
      await index.stop()
      rmSync(dir, { recursive: true, force: true })
    }
  })
})
