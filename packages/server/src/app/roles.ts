import { collectDefaultMetrics } from 'prom-client'
import type { Deps } from '../core/deps.ts'
import type { Config } from './config.ts'
import type { Role } from './role-main.ts'

/** `worker` is jobs and API in one process, as under a supervisor. */
export type RoleName = 'collector' | 'worker' | 'jobs' | 'api'

/** Each role is loaded only by the process that plays it. */
export async function createRole(name: RoleName, config: Config, deps: Deps): Promise<Role> {
  collectDefaultMetrics({ register: deps.metrics }) // `process_*` and `nodejs_*`, labelled with the role as all others
  if (name === 'collector') return (await import('./collector-role.ts')).createCollectorRole(config, deps)
  if (name === 'jobs') return (await import('./jobs-role.ts')).createJobsRole(config, deps)
  if (name === 'api') return (await import('./api-role.ts')).createApiRole(config, deps)
  return (await import('./worker-role.ts')).createWorkerRole(config, deps)
}
