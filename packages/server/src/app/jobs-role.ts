import { createProbes } from '../api/probes.ts'
import type { Deps } from '../core/deps.ts'
import { startInOrder } from '../core/start-in-order.ts'
import { openBehindLog } from './behind-log.ts'
import type { Config } from './config.ts'
import { createJobs, stoppedJob } from './jobs-part.ts'
import { createWatch } from './readiness.ts'
import type { Role } from './role-main.ts'
import { createStatus } from './status.ts'
import { createWorkerReport } from './worker-reports.ts'

/** `millrace worker`: jobs alone. Its listener has probes, metrics and the status of its jobs, which it also reports for the API. */
export function createJobsRole(config: Config, deps: Deps): Role {
  const { host, port, jobs } = config.worker
  const opened = openBehindLog(config, deps, { migrates: true })
  const { state, log, keys, store, authenticate, projects } = opened
  const runners = createJobs({ log, store, names: jobs, deps })
  const statusOf = () => Promise.all(runners.map((runner) => runner.status()))
  const watch = createWatch(
    {
      async tables(signal) {
        await store.query('SELECT 1', {}, { seconds: 2 }, signal)
        return undefined
      },
      jobs: () => stoppedJob(runners),
    },
    deps,
  )
  const probes =
    port === false
      ? undefined
      : createProbes({
          host,
          port,
          limits: config.api.limits,
          mode: config.auth,
          authenticate,
          projects: Object.keys(projects()),
          status: createStatus({ config, log, store, jobs: statusOf, role: 'worker', deps }).read,
          readiness: () => watch.problem(),
          deps,
        })
  const report = createWorkerReport({ state, jobs: statusOf, deps })
  const all = startInOrder([
    state,
    log,
    keys,
    store,
    ...runners,
    watch,
    ...(probes === undefined ? [] : [probes]),
    report,
  ])
  return {
    start: (signal) => all.start(signal),
    stop: () => all.stop(),
    ready: () => ({ url: probes?.url() ?? null }),
  }
}
