import type { Driver } from '../../core/driver.ts'
import type { Cache } from '../cache.ts'
import type { State } from '../state.ts'
import {
  type EmbeddedCacheConfig,
  embeddedCacheConfig,
  type EmbeddedStateConfig,
  embeddedStateConfig,
} from './config.ts'
import { createEmbeddedCache } from './create-embedded-cache.ts'
import { createEmbeddedState } from './create-embedded-state.ts'

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
