import { collectDefaultMetrics } from 'prom-client'
import type { Deps } from '../core/deps.ts'
import type { Config } from './config.ts'
import type { Role } from './role-main.ts'

/** Each role is loaded only by the process that plays it. */
export async function createRole(name: 'collector' | 'worker', config: Config, deps: Deps): Promise<Role> {
  collectDefaultMetrics({ register: deps.metrics }) // `process_*` and `nodejs_*`, labelled with the role as all others
  if (name === 'collector') return (await import('./collector-role.ts')).createCollectorRole(config, deps)
  return (await import('./worker-role.ts')).createWorkerRole(config, deps)
}
