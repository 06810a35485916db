import type { Deps } from '../core/deps.ts'
import { startInOrder } from '../core/start-in-order.ts'
import { createApiPart } from './api-part.ts'
import { openBehindLog } from './behind-log.ts'
import type { Config } from './config.ts'
import { createJobs, stoppedJob } from './jobs-part.ts'
import type { Role } from './role-main.ts'
import { writeRunFile } from './run-file.ts'

/** Jobs and the API in one process, as `millrace start` has them. The store is opened (and its tables migrated) before anything asks or loads. */
export function createWorkerRole(config: Config, deps: Deps): Role {
  const opened = openBehindLog(config, deps, { migrates: true, only: 'worker' })
  const { state, log, keys, store } = opened
  const runners = createJobs({ log, store, deps })
  const api = createApiPart({
    config,
    opened,
    jobs: () => Promise.all(runners.map((runner) => runner.status())),
    checks: { jobs: () => stoppedJob(runners) },
    role: 'worker',
    deps,
  })
  const all = startInOrder([state, log, keys, store, ...runners, ...api.parts])
  return {
    async start(signal) {
      await all.start(signal)
      writeRunFile(config.dataDir, 'worker', { url: api.url() })
    },
    stop: () => all.stop(),
    ready: () => ({ url: api.url() }),
  }
}
