import { z } from 'zod'
import type { Driver } from '../../core/driver.ts'
import type { Cache } from '../cache.ts'
import type { State } from '../state.ts'
import { createEmbeddedCache } from './create-embedded-cache.ts'
import { createEmbeddedState } from './create-embedded-state.ts'

export const embeddedCacheConfig = z.strictObject({
  driver: z.literal('embedded'),
  /** 256 MB: some 2 M limits and claims of 100 bytes; beyond it the entries that end soonest go first. */
  maxBytes: z
    .int()
    .min(1024 * 1024)
    .default(256 * 1024 * 1024),
})
export type EmbeddedCacheConfig = z.output<typeof embeddedCacheConfig>

export const embeddedStateConfig = z.strictObject({ driver: z.literal('embedded') })
export type EmbeddedStateConfig = z.output<typeof embeddedStateConfig>

/** `path`: the folder, `<dataDir>/cache`. */
export function embeddedCacheDriver(path: string): Driver<EmbeddedCacheConfig, Cache> {
  return {
    name: 'embedded',
    config: embeddedCacheConfig,
    create: (config, deps) => createEmbeddedCache({ path, maxBytes: config.maxBytes }, deps),
  }
}

/** `path`: the folder, `<dataDir>/state`. */
export function embeddedStateDriver(path: string): Driver<EmbeddedStateConfig, State> {
  return {
    name: 'embedded',
    config: embeddedStateConfig,
    create: (_config, deps) => createEmbeddedState({ path }, deps),
  }
}
