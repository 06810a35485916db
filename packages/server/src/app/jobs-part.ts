import type { Deps } from '../core/deps.ts'
import type { Job } from '../jobs/job.ts'
import { createLoad } from '../jobs/load.ts'
import { createRunner, type Runner } from '../jobs/runner.ts'
import type { Log } from '../log/log.ts'
import type { Store } from '../stores/store.ts'
import { type JobName, jobNames } from './worker-config.ts'

const makers: Readonly<Record<JobName, (store: Store, deps: Deps) => Job>> = { load: createLoad }

export interface JobsOptions {
  readonly log: Log
  readonly store: Store
  /** Default: all. */
  readonly names?: readonly JobName[]
  readonly deps: Deps
}

/** A runner for each job that this process does. */
export function createJobs({ log, store, names = jobNames, deps }: JobsOptions): readonly Runner[] {
  return [...new Set(names)].map((name) => createRunner({ job: makers[name](store, deps), log }, deps))
}

/** Why a job has stopped for good; for readiness. */
export async function stoppedJob(runners: readonly Runner[]): Promise<string | undefined> {
  for (const runner of runners) {
    const { job, state, reason } = await runner.status()
    if (state === 'failed') return `${job}: ${reason}`
  }
  return undefined
}
