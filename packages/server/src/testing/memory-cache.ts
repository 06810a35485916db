import { type Clock, systemClock } from '../core/clock.ts'
import { PipelineError } from '../core/errors.ts'
import type { Cache, CacheEntry } from '../kv/cache.ts'
import { checkValue, encodeKey } from '../kv/entry-keys.ts'

export interface MemoryCacheOptions {
  readonly clock?: Clock
  /** Called before each operation; what it throws is the operation's failure. */
  readonly onCall?: (op: 'get' | 'set' | 'delete' | 'add') => void | Promise<void>
}

export interface MemoryCache extends Cache {
  /** Another user of the same entries; with trouble of its own. */
  another(options?: MemoryCacheOptions): MemoryCache
  /** As a restart without persistence. */
  forget(): void
  readonly size: number
}

type Entries = Map<string, { readonly value: Uint8Array; readonly until: number }>

/** A cache in memory that keeps the contract. */
export function memoryCache(options: MemoryCacheOptions = {}): MemoryCache {
  return openUser(new Map(), options)
}

function openUser(entries: Entries, { clock = systemClock, onCall }: MemoryCacheOptions): MemoryCache {
  let isStopped = false

  async function call<T>(op: 'get' | 'set' | 'delete' | 'add', action: () => T): Promise<T> {
    if (isStopped) throw new PipelineError('unavailable', 'the cache is stopped')
    await onCall?.(op)
    return action()
  }

  const live = (key: string) => {
    const entry = entries.get(key)
    return entry !== undefined && entry.until > clock.now() ? entry.value.slice() : undefined
  }
  const put = ({ key, value, ttlMs }: CacheEntry) => {
    entries.set(key, { value: value.slice(), until: clock.now() + ttlMs })
  }
  const check = (entry: CacheEntry) => {
    encodeKey(entry.key)
    checkValue(entry.value)
  }

  async function getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    keys.forEach(encodeKey)
    return await call('get', () => keys.map(live))
  }
  async function setMany(given: readonly CacheEntry[]): Promise<void> {
    given.forEach(check)
    await call('set', () => given.forEach(put))
  }
  async function addMany(given: readonly CacheEntry[]): Promise<boolean[]> {
    given.forEach(check)
    return await call('add', () =>
      given.map((entry) => {
        if (live(entry.key) !== undefined) return false
        put(entry)
        return true
      }),
    )
  }

  return {
    async start() {},
    async stop() {
      isStopped = true
    },
    getMany,
    get: async (key) => (await getMany([key]))[0],
    setMany,
    set: (key, value, ttlMs) => setMany([{ key, value, ttlMs }]),
    addMany,
    add: async (key, value, ttlMs) => (await addMany([{ key, value, ttlMs }]))[0] === true,
    async delete(keys) {
      keys.forEach(encodeKey)
      await call('delete', () => keys.forEach((key) => entries.delete(key)))
    },
    another: (more = {}) => openUser(entries, { clock, ...more }),
    forget: () => entries.clear(),
    get size() {
      return entries.size
    },
  }
}
