import type { Service } from '../core/service.ts'

/** Claims, limits, features: fast, shared by processes, and MAY be lost at any time. Keys and values are small. */
export interface Cache extends Service {
  get(key: string): Promise<Uint8Array | undefined>
  getMany(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]>
  set(key: string, value: Uint8Array, ttlMs: number): Promise<void>
  setMany(entries: readonly CacheEntry[]): Promise<void>
  delete(keys: readonly string[]): Promise<void>
  /** Atomic over all processes: true when this call put it, false when it was there. */
  add(key: string, value: Uint8Array, ttlMs: number): Promise<boolean>
  addMany(entries: readonly CacheEntry[]): Promise<readonly boolean[]>
}

export interface CacheEntry {
  readonly key: string
  readonly value: Uint8Array
  readonly ttlMs: number
}
