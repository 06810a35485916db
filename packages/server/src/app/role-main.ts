import { flushCompileCache as keepCompiled } from 'node:module'
import { Registry } from 'prom-client'
import { systemClock } from '../core/clock.ts'
import { type ErrorCode, type PipelineError, toPipelineError } from '../core/errors.ts'
import type { Service } from '../core/service.ts'
import type { Config } from './config.ts'
import { createLogger } from './logger.ts'

/** From a role to the supervisor: that it serves, or why it cannot. */
export type RoleMessage =
  | { readonly type: 'ready'; readonly ready: RoleReady }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string }

/** What a role tells the supervisor when it serves. */
export interface RoleReady {
  /** Of its listener; null when it has none. */
  readonly url: string | null
  /** Null: off, or another process has the port. */
  readonly otlp?: string | null
  readonly grpc?: string | null
}

export interface Role extends Service {
  ready(): RoleReady
}

/**
 * Entry point of the collector's and the worker's process: gets its configuration from the supervisor by IPC, starts its role,
 * and ends with the supervisor. Losing the channel means that the supervisor was killed: everything acknowledged is durable, so it just ends.
 */
const name = process.argv[2] as 'collector' | 'worker'
process.title = `millrace ${name}`
process.on('disconnect', () => process.exit(1))
process.on('SIGINT', () => {}) // the supervisor says when
const config = await new Promise<Config>((resolve) => {
  process.once('message', (message) => resolve((message as { config: Config }).config))
})
const logger = createLogger(config.logLevel, { role: name })
const metrics = new Registry()
metrics.setDefaultLabels({ role: name })
const stopping = new AbortController()
/** Of a process that cannot go on: what it has not written by then, it cannot write. */
const endWithinMs = 3000
let role: Role | undefined

process.on('SIGTERM', () => void end())
process.on('uncaughtException', (error) => fail(error, 'uncaught exception'))
process.on('unhandledRejection', (error) => fail(error, 'unhandled rejection'))

try {
  const { createRole } = await import('./roles.ts')
  role = await createRole(name, config, { clock: systemClock, logger, metrics, fatal: (error) => void endWith(error) })
  await role.start(stopping.signal)
  tell({ type: 'ready', ready: role.ready() }, () => {})
  keepCompiled()
} catch (error) {
  if (!stopping.signal.aborted) {
    const { code, message } = toPipelineError(error)
    tell({ type: 'failed', code, message }, () => fail(error, `${name} could not start`))
  }
}

function tell(message: RoleMessage, then: () => void): void {
  if (process.send === undefined) then()
  else process.send(message, undefined, undefined, then)
}

async function end(): Promise<void> {
  stopping.abort(new Error('stopping'))
  try {
    await role?.stop()
    process.exit(0)
  } catch (error) {
    fail(error, 'could not stop cleanly')
  }
}

/** Who waits for an answer gets it (a 503), then the supervisor starts another process in this one's place. */
async function endWith(error: PipelineError): Promise<void> {
  if (stopping.signal.aborted) return
  logger.error({ code: error.code, why: error.message, details: error.details }, `${name} ends, to be started again`)
  stopping.abort(error)
  await Promise.race([role?.stop(), systemClock.sleep(endWithinMs, new AbortController().signal)]).catch(() => {})
  process.exit(1)
}

function fail(error: unknown, message: string): never {
  const { code, message: why, stack, details } = toPipelineError(error)
  logger.error({ code, why, details, stack }, message)
  process.exit(1)
}
