import type { Deps } from '../../core/deps.ts'
import type { Cache, CacheEntry } from '../cache.ts'
import { checkValue, encodeKey } from '../entry-keys.ts'
import { openEnvironment } from './open-environment.ts'

/*
 * entries   key (UTF-8)          → expiry (u48 BE, Unix ms) value
 * expiries  expiry (u48 BE) key  → nothing: the entries in the order in which they end
 * size      'bytes'              → what the entries weigh (f64 LE)
 */
const sizeKey = Buffer.from('bytes')
const nothing = Buffer.alloc(0)
/** What an entry costs beside its key and value: its expiry twice, its key again, LMDB's own bytes. */
const overheadBytes = 48
/** Entries that one transaction takes out beyond what it puts in, so that none holds the others up. */
const sweepBatch = 256

export interface EmbeddedCacheOptions {
  readonly path: string
  /** Beyond it the entries that end soonest go first. */
  readonly maxBytes: number
  readonly sweepEveryMs?: number
}

/** A cache in an LMDB folder, shared by the processes that open it. */
export function createEmbeddedCache(options: EmbeddedCacheOptions, deps: Deps): Cache {
  const { clock, logger } = deps
  const environment = openEnvironment(
    { path: options.path, name: 'cache', durable: false, databases: ['entries', 'expiries', 'size'] },
    deps.metrics,
  )
  const stopping = new AbortController()
  let sweeping: Promise<void> | undefined

  /** The value, unless it is absent or has ended. */
  function live(key: Buffer, now: number): Buffer | undefined {
    const stored = environment.database('entries').get(key)
    return stored !== undefined && stored.readUIntBE(0, 6) > now ? stored : undefined
  }

  /** Takes the entry out and returns the bytes that this freed. */
  function remove(key: Buffer): number {
    const entries = environment.database('entries')
    const stored = entries.get(key)
    if (stored === undefined) return 0
    environment.database('expiries').removeSync(Buffer.concat([stored.subarray(0, 6), key]))
    entries.removeSync(key)
    return weight(key, stored.length - 6)
  }

  function put(entry: EncodedEntry, now: number): number {
    const freed = remove(entry.key)
    const expiry = Buffer.alloc(6)
    expiry.writeUIntBE(Math.max(0, Math.min(Math.ceil(now + entry.ttlMs), 2 ** 48 - 1)), 0, 6)
    environment.database('entries').putSync(entry.key, Buffer.concat([expiry, entry.value]))
    environment.database('expiries').putSync(Buffer.concat([expiry, entry.key]), nothing)
    return weight(entry.key, entry.value.length) - freed
  }

  /** Within a transaction: account for `added` bytes, then take out what has ended and what is too much. */
  function settle(added: number, room: number, now: number): number {
    const size = environment.database('size')
    let bytes = (size.get(sizeKey)?.readDoubleLE(0) ?? 0) + added
    let removed = 0
    const ended = []
    for (const key of environment.database('expiries').getKeys({ limit: room })) ended.push(Buffer.from(key))
    for (const key of ended) {
      if (key.readUIntBE(0, 6) > now && bytes <= options.maxBytes) break
      bytes -= remove(key.subarray(6))
      removed++
    }
    if (added !== 0 || removed !== 0) {
      const counted = Buffer.alloc(8)
      counted.writeDoubleLE(bytes)
      size.putSync(sizeKey, counted)
    }
    return removed
  }

  async function putAll(op: string, entries: readonly CacheEntry[], onlyNew: boolean): Promise<boolean[]> {
    const encoded = entries.map(encodeEntry)
    return await environment.write(op, () => {
      const now = clock.now()
      let added = 0
      const results = encoded.map((entry) => {
        if (onlyNew && live(entry.key, now) !== undefined) return false
        added += put(entry, now)
        return true
      })
      // A full cache gives way to what is put: twice as many entries may go as came.
      settle(added, sweepBatch + 2 * entries.length, now)
      return results
    })
  }

  async function sweep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await clock.sleep(options.sweepEveryMs ?? 10_000, signal)
        let removed = sweepBatch
        while (removed === sweepBatch && !signal.aborted) {
          removed = await environment.write('sweep', () => settle(0, sweepBatch, clock.now()))
        }
      } catch (error) {
        if (!signal.aborted) logger.warn({ err: error }, 'sweeping the embedded cache failed, trying again later')
      }
    }
  }

  async function getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    const encoded = keys.map(encodeKey)
    return await environment.read('get', () => {
      const now = clock.now()
      return encoded.map((key) => {
        const stored = live(key, now)
        return stored === undefined ? undefined : new Uint8Array(stored.subarray(6))
      })
    })
  }

  return {
    async start() {
      environment.open()
      sweeping = sweep(stopping.signal)
    },
    async stop() {
      stopping.abort()
      await sweeping
      await environment.close()
    },
    getMany,
    get: async (key) => (await getMany([key]))[0],
    async set(key, value, ttlMs) {
      await putAll('set', [{ key, value, ttlMs }], false)
    },
    async setMany(entries) {
      await putAll('set', entries, false)
    },
    async delete(keys) {
      const encoded = keys.map(encodeKey)
      await environment.write('delete', () => {
        let freed = 0
        for (const key of encoded) freed += remove(key)
        settle(-freed, sweepBatch, clock.now())
      })
    },
    add: async (key, value, ttlMs) => (await putAll('add', [{ key, value, ttlMs }], true))[0] === true,
    addMany: (entries) => putAll('add', entries, true),
  }
}

interface EncodedEntry {
  readonly key: Buffer
  readonly value: Uint8Array
  readonly ttlMs: number
}

function encodeEntry(entry: CacheEntry): EncodedEntry {
  checkValue(entry.value)
  return { key: encodeKey(entry.key), value: entry.value, ttlMs: entry.ttlMs }
}

const weight = (key: Buffer, valueBytes: number): number => 2 * key.length + valueBytes + overheadBytes
