import { setTimeout as pause } from 'node:timers/promises'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createRedisServer, redisMissing, type RedisServer } from '../../../../../test/support/redis.ts'
import type { Cache } from '../../kv/cache.ts'
import { createRedisCache } from '../../kv/redis/create-redis-cache.ts'
import { collectorsUnderTest, type CollectorUnderTest } from '../../testing/collectors-under-test.ts'
import { testDeps } from '../../testing/gate-under-test.ts'
import type { AppendFate } from '../../testing/memory-log.ts'

const never = new AbortController().signal
const caches: Cache[] = []
let prefixes = 0

async function connect(server: RedisServer, prefix: string): Promise<Cache> {
  const cache = createRedisCache({ url: server.url, prefix }, testDeps())
  caches.push(cache)
  await cache.start(never)
  return cache
}

const sum = (counts: readonly Readonly<Record<string, number>>[]) =>
  counts.flatMap((count) => Object.values(count)).reduce((total, value) => total + value, 0)

/** How many events are in the log beyond the first of their id. */
const surplus = (ids: readonly string[]) => ids.length - new Set(ids).size

/** Sends until the answer says of each id that it is stored, as a client does. */
async function sendUntilStored(collector: CollectorUnderTest, ids: readonly string[], deadline: number): Promise<void> {
  let open = ids
  while (open.length > 0) {
    if (Date.now() > deadline) throw new Error(`still not stored: ${open.join()}`)
    try {
      const outcomes = await collector.send(open)
      open = open.filter((_, i) => outcomes[i] === 'retry')
    } catch {
      await pause(20)
    }
  }
}

describe.skipIf(redisMissing() !== undefined)('collectors that share a Redis', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await createRedisServer()
    await server.start()
  })
  afterEach(async () => {
    for (const cache of caches.splice(0)) await cache.stop()
  })
  afterAll(() => server?.dispose())

  const id = fc.integer({ min: 0, max: 9 }).map((number) => `e${number}`)
  const batch = fc.record({
    to: fc.integer({ min: 0, max: 2 }),
    afterMs: fc.integer({ min: 0, max: 12 }),
    ids: fc.array(id, { minLength: 1, maxLength: 8 }),
  })
  const fate = fc.constantFrom<AppendFate>('store', 'store', 'store', 'refuse', 'lose-answer', 'unknown')

  it('store each id once however many bring it at the same time, whichever appends fail', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(batch, { minLength: 1, maxLength: 12 }),
        fc.array(fate, { maxLength: 8 }),
        async (batches, fates) => {
          const world = collectorsUnderTest({ partitions: 2, onAppend: (call) => fates[call - 1] ?? 'store' })
          const prefix = `p${prefixes++}:`
          try {
            const collectors: CollectorUnderTest[] = []
            for (let i = 0; i < 3; i++) collectors.push(await world.open(await connect(server, prefix)))
            const answers = await Promise.all(
              batches.map(async ({ to, afterMs, ids }) => {
                await pause(afterMs)
                const outcomes = await collectors[to]!.send(ids).catch(() => undefined)
                return ids.map((sent, i) => [sent, outcomes?.[i]] as const)
              }),
            )
            const said = (outcome: string) => answers.flat().filter(([, told]) => told === outcome)
            // Each is told at most once that it is stored; what is a duplicate is there.
            expect(surplus(said('stored').map(([sent]) => sent))).toBe(0)
            for (const [sent] of said('duplicate')) expect(world.stored()).toContain(sent)
            const sent = new Set(batches.flatMap(({ ids }) => ids))
            await Promise.all(collectors.map((collector) => sendUntilStored(collector, [...sent], Date.now() + 10_000)))
            expect(world.stored().toSorted()).toEqual([...sent].toSorted())
            expect(await Promise.all(collectors.map((collector) => collector.failedOpen()))).toEqual([{}, {}, {}])
          } finally {
            await world.close()
            for (const cache of caches.splice(0)) await cache.stop()
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  it('lose nothing while it is killed again and again, and store no more twice than they admit', async () => {
    const own = await createRedisServer()
    await own.start()
    const world = collectorsUnderTest({ partitions: 2 })
    const breaker = { failures: 5, openMs: 300, timeoutMs: 2000 }
    try {
      const collectors: CollectorUnderTest[] = []
      for (let i = 0; i < 3; i++)
        collectors.push(await world.open(await connect(own, 'kill:'), { breaker, pendingMs: 2000 }))
      const until = Date.now() + 8000
      let made = 0
      const senders = Array.from({ length: 8 }, async (_, sender) => {
        while (Date.now() < until) {
          const ids = Array.from({ length: 5 }, () => `e${made++}`)
          // A client that hears nothing tries the next collector: here it does not even wait.
          await Promise.all([sender, sender + 1].map((at) => sendUntilStored(collectors[at % 3]!, ids, until + 20_000)))
        }
      })
      const killer = (async () => {
        while (Date.now() < until - 1500) {
          await pause(700)
          await own.kill9()
          await pause(300)
          await own.start()
        }
      })()
      await Promise.all([...senders, killer])
      const stored = world.stored()
      const failedOpen = await Promise.all(collectors.map((collector) => collector.failedOpen()))
      expect(new Set(stored).size).toBe(made)
      expect(sum(failedOpen)).toBeGreaterThan(0)
      expect(surplus(stored)).toBeLessThanOrEqual(sum(failedOpen))
      // And when it stays, all is exact again.
      await pause(2500)
      for (const collector of collectors) await collector.send([`again${made++}`])
      const before = sum(await Promise.all(collectors.map((collector) => collector.failedOpen())))
      const last = Array.from({ length: 300 }, () => `e${made++}`)
      await Promise.all(collectors.map((collector) => sendUntilStored(collector, last, Date.now() + 10_000)))
      expect(sum(await Promise.all(collectors.map((collector) => collector.failedOpen())))).toBe(before)
      expect(surplus(world.stored())).toBe(surplus(stored))
    } finally {
      await world.close()
      await own.dispose()
    }
  })
})
