import type { Driver } from '../../core/driver.ts'
import type { Log } from '../log.ts'
import { type EmbeddedLogConfig, embeddedLogConfig } from './config.ts'
import { createEmbeddedLog } from './create-embedded-log.ts'

/** `dir`: the folder, `<dataDir>/log`. On a local disk: LMDB does not work on network file systems. */
export function embeddedLogDriver(dir: string): Driver<EmbeddedLogConfig, Log> {
  return {
    name: 'embedded',
    config: embeddedLogConfig,
    create: ({ partitions }, deps) => createEmbeddedLog({ dir, partitions }, deps),
  }
}
