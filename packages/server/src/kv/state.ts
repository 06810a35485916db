import type { Service } from '../core/service.ts'

export interface Versioned {
  readonly value: Uint8Array
  /** Opaque, never 0; rises with every change of the key, also over a delete, so that no version of a key ever comes back. */
  readonly version: number
}

/**
 * Keys, seals, plans, erasures: small, durable when resolved (synced), linearizable over all processes: a read sees every
 * write that had resolved anywhere before it was asked. Limits of keys and values are the cache's.
 */
export interface State extends Service {
  get(key: string): Promise<Versioned | undefined>
  /** Keys that start with `prefix` (all with ''), in the order of their UTF-8 bytes. */
  list(prefix: string): Promise<readonly (Versioned & { readonly key: string })[]>
  /** Put when the key's version is still `version` (0: absent). False: somebody was faster, nothing changed. */
  putIfVersion(key: string, value: Uint8Array, version: number): Promise<boolean>
  /** Delete when the key's version is still `version`. False: it is another one, or there is no such key. */
  deleteIfVersion(key: string, version: number): Promise<boolean>
}
