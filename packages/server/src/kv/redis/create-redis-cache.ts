import type { Redis } from 'ioredis'
import type { Deps, Logger } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Cache, CacheEntry } from '../cache.ts'
import { checkKey, checkValue } from '../entry-keys.ts'
import { kvErrors, notRunning, storeFailed } from '../kv-errors.ts'
import { connectRedis, operationMs, type RedisConnection } from './connect.ts'
import { inTime } from './in-time.ts'

export interface RedisCacheOptions {
  readonly url: string
  readonly prefix: string
}

/**
 * Many keys in one script: a third of the client's work of as many commands in a pipeline. Two forms of arguments: one value and time to
 * live for all keys, or one pair for each.
 */
const eachPair = `local same = #ARGV == 2
for i = 1, #KEYS do
  local at = same and 1 or 2 * i - 1`
const setScript = `${eachPair}
  redis.call('SET', KEYS[i], ARGV[at], 'PX', ARGV[at + 1])
end`
const addScript = `local added = {}
${eachPair}
  added[i] = redis.call('SET', KEYS[i], ARGV[at], 'PX', ARGV[at + 1], 'NX') and '1' or '0'
end
return table.concat(added)`

/** Of one command: Redis does nothing else meanwhile (about a millisecond). */
const maxKeysAtOnce = 1000
const maxBytesAtOnce = 4 * 1024 * 1024
const longestTtlMs = 2 ** 48

/** A cache on one Redis, shared by all processes that reach it. Times to live are by Redis's clock. */
export function createRedisCache({ url, prefix }: RedisCacheOptions, { logger, metrics }: Deps): Cache {
  const errors = kvErrors(metrics)
  let connection: RedisConnection | undefined

  async function guarded<T>(op: string, action: (client: Redis) => Promise<T>): Promise<T> {
    if (connection === undefined) throw notRunning('the Redis cache')
    try {
      return await inTime(action(connection.client), operationMs)
    } catch (error) {
      if (error instanceof PipelineError) throw error
      errors.inc({ op: `cache_${op}` })
      throw storeFailed('Redis', op, error)
    }
  }

  function keyOf(key: string): string {
    checkKey(key)
    return prefix + key
  }

  async function getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    const named = keys.map(keyOf)
    return await guarded('get', async (client) => {
      const parts: Promise<(Buffer | null)[]>[] = []
      for (let at = 0; at < named.length; at += maxKeysAtOnce)
        parts.push(client.mgetBuffer(named.slice(at, at + maxKeysAtOnce)))
      return (await Promise.all(parts)).flat().map((value) => value ?? undefined)
    })
  }

  /** All commands go out before the first answer; Redis does them in this order. */
  async function run(client: Redis, script: string, entries: readonly CacheEntry[]): Promise<string[]> {
    const parts: Promise<unknown>[] = []
    let from = 0
    let bytes = 0
    for (let i = 0; i < entries.length; i++) {
      bytes += (entries[i] as CacheEntry).value.length
      if (i + 1 - from < maxKeysAtOnce && bytes < maxBytesAtOnce && i + 1 < entries.length) continue
      const part = entries.slice(from, i + 1)
      parts.push(client.eval(script, part.length, ...part.map(({ key }) => prefix + key), ...argumentsOf(part)))
      from = i + 1
      bytes = 0
    }
    return (await Promise.all(parts)) as string[]
  }

  async function addMany(entries: readonly CacheEntry[]): Promise<boolean[]> {
    entries.forEach(checkEntry)
    return await guarded('add', async (client) =>
      Array.from((await run(client, addScript, entries)).join(''), (digit) => digit === '1'),
    )
  }

  async function setMany(entries: readonly CacheEntry[]): Promise<void> {
    entries.forEach(checkEntry)
    await guarded('set', (client) => run(client, setScript, entries))
  }

  return {
    async start(signal) {
      connection = await connectRedis(url, logger, signal)
      await warnOfEviction(connection.client, logger)
    },
    async stop() {
      const closing = connection
      connection = undefined
      await closing?.close()
    },
    getMany,
    get: async (key) => (await getMany([key]))[0],
    setMany,
    set: (key, value, ttlMs) => setMany([{ key, value, ttlMs }]),
    async delete(keys) {
      const named = keys.map(keyOf)
      await guarded('delete', async (client) => {
        const parts: Promise<number>[] = []
        for (let at = 0; at < named.length; at += maxKeysAtOnce)
          parts.push(client.unlink(named.slice(at, at + maxKeysAtOnce)))
        await Promise.all(parts)
      })
    },
    addMany,
    add: async (key, value, ttlMs) => (await addMany([{ key, value, ttlMs }]))[0] === true,
  }
}

function checkEntry({ key, value }: CacheEntry): void {
  checkKey(key)
  checkValue(value)
}

function argumentsOf(entries: readonly CacheEntry[]): (Buffer | number)[] {
  const first = entries[0] as CacheEntry
  const areAlike = entries.every(({ value, ttlMs }) => value === first.value && ttlMs === first.ttlMs)
  return (areAlike ? [first] : entries).flatMap(({ value, ttlMs }) => [
    Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    Math.max(1, Math.min(Math.ceil(ttlMs), longestTtlMs)),
  ])
}

/** A Redis that throws entries away when it is full forgets claims in silence; one that refuses new ones is heard. */
async function warnOfEviction(client: Redis, logger: Logger): Promise<void> {
  if (client.status !== 'ready') return
  const memory = await client.info('memory').catch(() => '')
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1]
  if (policy === undefined || policy === 'noeviction') return
  logger.warn(
    { policy },
    'Redis throws entries away when it is full (maxmemory-policy): ids it forgot may be stored twice; set it to noeviction',
  )
}
