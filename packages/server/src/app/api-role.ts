import type { Deps } from '../core/deps.ts'
import { startInOrder } from '../core/start-in-order.ts'
import { createApiPart } from './api-part.ts'
import { openBehindLog } from './behind-log.ts'
import type { Config } from './config.ts'
import type { Role } from './role-main.ts'
import { readWorkerReports } from './worker-reports.ts'

/** `millrace api`: questions alone. What the workers do is known from their reports. */
export function createApiRole(config: Config, deps: Deps): Role {
  const opened = openBehindLog(config, deps, { migrates: false })
  const { state, log, keys, store } = opened
  const api = createApiPart({
    config,
    opened,
    jobs: () => readWorkerReports(state, deps.clock.now()),
    role: 'api',
    deps,
  })
  const all = startInOrder([state, log, keys, store, ...api.parts])
  return {
    start: (signal) => all.start(signal),
    stop: () => all.stop(),
    ready: () => ({ url: api.url() }),
  }
}
