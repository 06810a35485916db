import type { Service } from '../core/service.ts'

export interface Versioned {
  readonly value: Uint8Array
  /** Opaque; rises with every change of the key. */
  readonly version: number
}

/** Keys, seals, plans, erasures: small, durable when resolved, linearizable over all processes. */
export interface State extends Service {
  get(key: string): Promise<Versioned | undefined>
  /** Keys that start with `prefix`, in byte order. */
  list(prefix: string): Promise<readonly (Versioned & { readonly key: string })[]>
  /** Put when the key's version is still `version` (0: absent). False: somebody was faster, nothing changed. */
  putIfVersion(key: string, value: Uint8Array, version: number): Promise<boolean>
  /** As put: false when the version is another one. */
  deleteIfVersion(key: string, version: number): Promise<boolean>
}
