import type { Deps } from '../core/deps.ts'
import type { Authenticate } from '../core/principal.ts'
import { createAuthenticate } from '../gate/authenticate.ts'
import { createKeyRing, type KeyRing } from '../kv/key-ring.ts'
import type { State } from '../kv/state.ts'
import type { Log } from '../log/log.ts'
import type { ClickHouseAddress } from '../stores/clickhouse/connection.ts'
import { createClickHouseStore } from '../stores/clickhouse/driver.ts'
import type { Store } from '../stores/store.ts'
import type { Config } from './config.ts'
import { openLog, openState, storeAddress } from './drivers.ts'
import { projectsOf } from './projects.ts'

/** What every process behind the log has, whatever it does with it. */
export interface BehindLog {
  readonly projects: () => Config['projects']
  readonly state: State
  readonly log: Log
  readonly keys: KeyRing
  readonly authenticate: Authenticate
  readonly address: ClickHouseAddress
  readonly store: Store
}

/** `migrates`: of a deployment only the workers bring the tables up to date. `only`: as `openLog` has it. */
export function openBehindLog(
  config: Config,
  deps: Deps,
  { migrates, only }: { readonly migrates: boolean; readonly only?: 'worker' },
): BehindLog {
  const projects = () => projectsOf(config)
  const state = openState(config, deps)
  const keys = createKeyRing({ state, projects, deps })
  const address = storeAddress(config)
  return {
    projects,
    state,
    log: openLog(config, deps, only),
    keys,
    authenticate: createAuthenticate({ auth: config.auth, projects, keys }),
    address,
    store: createClickHouseStore({ address, migrates, logger: deps.logger }),
  }
}
