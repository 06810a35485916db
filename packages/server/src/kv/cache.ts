import type { Service } from '../core/service.ts'

/** Keys are well-formed, non-empty strings of at most this many bytes of UTF-8. */
export const maxKeyBytes = 1024
/** Values are at most this long. */
export const maxValueBytes = 1024 * 1024

/**
 * Claims, limits, features: fast, shared by processes, and MAY be lost at any time (a restart, a full cache, a fail-over).
 * A key or value beyond the limits above is refused with `internal`; a store that does not answer with `unavailable`.
 * An entry is gone `ttlMs` after it was put, by the driver's clock; what was put last counts, also for the time to live.
 */
export interface Cache extends Service {
  get(key: string): Promise<Uint8Array | undefined>
  /** One answer per key, in the keys' order. */
  getMany(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]>
  set(key: string, value: Uint8Array, ttlMs: number): Promise<void>
  setMany(entries: readonly CacheEntry[]): Promise<void>
  delete(keys: readonly string[]): Promise<void>
  /** Atomic over all processes: true when this call put it, false when it was there (the entry stays as it was). */
  add(key: string, value: Uint8Array, ttlMs: number): Promise<boolean>
  /** As `add` for each, in order: a key that comes twice is put by its first. */
  addMany(entries: readonly CacheEntry[]): Promise<readonly boolean[]>
}

export interface CacheEntry {
  readonly key: string
  readonly value: Uint8Array
  readonly ttlMs: number
}
