import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../../../core/errors.ts'

export interface Login {
  readonly user: string
  readonly password: string
}

/**
 * `data/run/engine.json`, mode 0600: how to reach the running engine. Written anew, atomically, each time it starts, when it
 * serves; the port and every password are then others.
 */
export interface EngineRun {
  readonly pid: number
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly database: string
  /** Our own user, who may do everything in our database. */
  readonly service: Login
  /** Read-only user of each project. */
  readonly asking: Readonly<Record<string, Login>>
}

export function engineRunFile(dataDir: string): string {
  return join(dataDir, 'run', 'engine.json')
}

export function writeEngineRun(file: string, run: EngineRun): void {
  const next = `${file}.${run.pid}`
  writeFileSync(next, JSON.stringify(run), { mode: 0o600 })
  renameSync(next, file)
}

/** Throws `unavailable` when no engine has written it yet. */
export function readEngineRun(file: string): EngineRun {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as EngineRun
  } catch (cause) {
    throw new PipelineError('unavailable', 'the store engine is not running yet', { cause, retryAfterSeconds: 1 })
  }
}
