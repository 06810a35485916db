import { join } from 'node:path'
import type { Deps } from '../core/deps.ts'
import { embeddedStateDriver } from '../kv/embedded/driver.ts'
import type { State } from '../kv/state.ts'
import { embeddedLogDriver } from '../log/embedded/driver.ts'
import type { Log } from '../log/log.ts'
import type { Config } from './config.ts'

/** Driver name → implementation: the only table of it. */
export function openLog(config: Config, deps: Deps): Log {
  return embeddedLogDriver(join(config.dataDir, 'log')).create(config.log, deps)
}

export function openState(config: Config, deps: Deps): State {
  return embeddedStateDriver(join(config.dataDir, 'state')).create(config.state, deps)
}

/** Projects of the configuration, `default` always among them. */
export function projectsOf(config: Config): Config['projects'] {
  return { default: { keys: [] }, ...config.projects }
}
