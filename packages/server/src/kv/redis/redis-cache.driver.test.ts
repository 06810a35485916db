import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createRedisServer, redisMissing, type RedisServer } from '../../../../../test/support/redis.ts'
import { eventually } from '../../../../../test/support/instance.ts'
import { systemClock } from '../../core/clock.ts'
import type { Deps, Logger } from '../../core/deps.ts'
import { testCache } from '../cache.contract.ts'
import type { Cache } from '../cache.ts'
import { redisCacheConfig } from './config.ts'
import { redisCacheDriver } from './driver.ts'

const missing = redisMissing()
const never = new AbortController().signal
const bytes = (text: string) => new TextEncoder().encode(text)

interface Written {
  readonly level: keyof Logger
  readonly text: string
}

function depsWithLog(): Deps & { readonly lines: Written[] } {
  const lines: Written[] = []
  const note = (level: keyof Logger) => (fields: object, message: string) =>
    void lines.push({ level, text: `${message} ${JSON.stringify(fields)}` })
  const logger: Logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
  return { clock: systemClock, logger, metrics: new Registry(), lines }
}

const opened: Cache[] = []
async function open(url: string, deps: Deps, prefix = `t${randomBytes(6).toString('hex')}:`): Promise<Cache> {
  const cache = redisCacheDriver.create({ driver: 'redis', url, prefix }, deps)
  opened.push(cache)
  await cache.start(never)
  return cache
}

async function errorsOf(deps: Deps): Promise<Record<string, number>> {
  const metric = await deps.metrics.getSingleMetric('millrace_kv_errors_total')?.get()
  return Object.fromEntries((metric?.values ?? []).map(({ labels, value }) => [String(labels['op']), value]))
}

describe.skipIf(missing !== undefined)('Redis', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await createRedisServer()
    await server.start()
  })
  afterEach(async () => {
    for (const cache of opened.splice(0)) await cache.stop()
  })
  afterAll(() => server?.dispose())

  testCache('Redis', async () => {
    const prefix = `t${randomBytes(6).toString('hex')}:`
    const [one, other] = [await open(server.url, depsWithLog(), prefix), await open(server.url, depsWithLog(), prefix)]
    return {
      one,
      other,
      advance: (ms) => pause(ms),
      async close() {
        await one.stop()
        await other.stop()
      },
    }
  })

  it('takes more keys at once than one script may hold, in their order', async () => {
    const cache = await open(server.url, depsWithLog())
    const entries = Array.from({ length: 2500 }, (_, i) => ({
      key: `k${i % 2400}`,
      value: bytes(`v${i}`),
      ttlMs: 60_000,
    }))
    expect(await cache.addMany(entries)).toEqual(entries.map((_, i) => i < 2400))
    await cache.setMany(entries)
    const values = await cache.getMany(entries.map(({ key }) => key))
    expect(values.map((value) => Buffer.from(value ?? []).toString())).toEqual(
      entries.map((_, i) => `v${i < 100 ? i + 2400 : i}`),
    )
    await cache.delete(entries.map(({ key }) => key))
    expect((await cache.getMany(['k0', 'k2399'])).every((value) => value === undefined)).toBe(true)
    expect(await cache.addMany([])).toEqual([])
  })

  it('keeps the keys of two prefixes apart', async () => {
    const [shop, blog] = [
      await open(server.url, depsWithLog(), 'shop:'),
      await open(server.url, depsWithLog(), 'blog:'),
    ]
    expect(await shop.add('a', bytes('1'), 60_000)).toBe(true)
    expect(await blog.add('a', bytes('2'), 60_000)).toBe(true)
    expect(Buffer.from((await shop.get('a')) ?? []).toString()).toBe('1')
  })

  it('starts without Redis, says so once, and serves when Redis comes', async () => {
    const late = await createRedisServer()
    const deps = depsWithLog()
    try {
      const cache = await open(late.url, deps)
      await expect(cache.get('a')).rejects.toMatchObject({ code: 'unavailable', retry: 'later' })
      await late.start()
      await eventually(() =>
        cache.set('a', bytes('1'), 60_000).then(
          () => true,
          () => undefined,
        ),
      )
      expect(deps.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
      expect(deps.lines.at(-1)).toMatchObject({ level: 'info', text: expect.stringContaining('Redis is back') })
    } finally {
      await late.dispose()
    }
  })

  it('fails and counts while Redis is gone, and goes on when it is back, empty', async () => {
    const own = await createRedisServer()
    const deps = depsWithLog()
    try {
      await own.start()
      const cache = await open(own.url, deps)
      await cache.set('a', bytes('1'), 60_000)
      await own.kill9()
      await eventually(() =>
        cache.add('b', bytes('1'), 60_000).then(
          () => undefined,
          () => true,
        ),
      )
      await expect(cache.getMany(['a'])).rejects.toMatchObject({ code: 'unavailable' })
      const errors = await errorsOf(deps)
      expect(errors['cache_add']).toBeGreaterThan(0)
      expect(errors['cache_get']).toBe(1)
      await own.start()
      await eventually(() =>
        cache.add('c', bytes('1'), 60_000).then(
          (added) => added || undefined,
          () => undefined,
        ),
      )
      expect(await cache.get('a')).toBeUndefined()
    } finally {
      await own.dispose()
    }
  })

  it('gives a Redis that does not answer two seconds, and does not stay with its connection', async () => {
    const own = await createRedisServer()
    try {
      await own.start()
      const cache = await open(own.url, depsWithLog())
      own.signal('SIGSTOP')
      await expect(cache.get('a')).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/timed out/),
      })
      own.signal('SIGCONT')
      await eventually(() =>
        cache.set('a', bytes('1'), 60_000).then(
          () => true,
          () => undefined,
        ),
      )
    } finally {
      own.signal('SIGCONT')
      await own.dispose()
    }
  })

  it('takes what Redis answered while this process stood still', async () => {
    const cache = await open(server.url, depsWithLog())
    await cache.set('paused', bytes('1'), 60_000)
    const asked = cache.get('paused')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3200)
    expect(Buffer.from((await asked)!).toString()).toBe('1')
    expect(await cache.get('paused')).toBeDefined()
  })

  it('stops within two seconds while Redis does not answer', async () => {
    const own = await createRedisServer()
    try {
      await own.start()
      const cache = await open(own.url, depsWithLog())
      own.signal('SIGSTOP')
      const asked = cache.get('a').catch((error: unknown) => error)
      await cache.stop()
      expect(await asked).toMatchObject({ code: 'unavailable' })
    } finally {
      own.signal('SIGCONT')
      await own.dispose()
    }
  })

  it('refuses to start with a wrong or missing password, and never shows it', async () => {
    const locked = await createRedisServer(['--requirepass', 'right'])
    try {
      await locked.start()
      for (const login of ['', ':wrong-secret@', 'nobody:wrong-secret@']) {
        const url = locked.url.replace('redis://', `redis://${login}`)
        const deps = depsWithLog()
        const refused = await open(url, deps).catch((error: unknown) => error)
        expect(refused).toMatchObject({ code: 'config', message: expect.stringContaining('correct cache.url') })
        expect(String(refused) + JSON.stringify(deps.lines)).not.toContain('wrong-secret')
      }
      const cache = await open(locked.url.replace('redis://', 'redis://:right@'), depsWithLog())
      expect(await cache.add('a', bytes('1'), 60_000)).toBe(true)
    } finally {
      await locked.dispose()
    }
  })

  it('refuses what a full Redis cannot take, and warns of one that would throw entries away', async () => {
    const small = await createRedisServer(['--maxmemory', '1500kb', '--maxmemory-policy', 'allkeys-lru'])
    const full = await createRedisServer(['--maxmemory', '1500kb', '--maxmemory-policy', 'noeviction'])
    try {
      await small.start()
      await full.start()
      const deps = depsWithLog()
      await open(small.url, deps)
      expect(deps.lines).toMatchObject([{ level: 'warn', text: expect.stringMatching(/maxmemory-policy.*noeviction/) }])
      const cache = await open(full.url, depsWithLog())
      const entries = Array.from({ length: 40 }, (_, i) => ({
        key: `k${i}`,
        value: randomBytes(100_000),
        ttlMs: 60_000,
      }))
      await expect(
        (async () => {
          for (const entry of entries) await cache.addMany([entry])
        })(),
      ).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/OOM/) })
    } finally {
      await small.dispose()
      await full.dispose()
    }
  })
})

describe('the configuration of the Redis cache', () => {
  it('takes addresses with and without TLS, user, password and database', () => {
    for (const url of ['redis://cache', 'redis://cache:6380/2', 'rediss://me:p%40ss@cache:6380', 'redis://:p@10.0.0.1'])
      expect(redisCacheConfig.parse({ driver: 'redis', url })).toEqual({ driver: 'redis', url, prefix: 'millrace:' })
  })

  it('refuses what is no address of a Redis', () => {
    for (const url of ['', 'cache:6379', 'http://cache', 'redis://', 'redis://a b', 'redis://cache/name'])
      expect(redisCacheConfig.safeParse({ driver: 'redis', url }).success, url).toBe(false)
  })
})
