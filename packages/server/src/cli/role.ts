import { flushCompileCache as keepCompiled } from 'node:module'
import { styleText } from 'node:util'
import { Registry } from 'prom-client'
import { loadConfig } from '../app/config.ts'
import { type LoneReady, playRole } from '../app/foreground.ts'
import type { LoneRole } from '../app/lock.ts'
import { createLogger } from '../app/logger.ts'
import { systemClock } from '../core/clock.ts'
import { toPipelineError } from '../core/errors.ts'
import { CliError, exitCodes } from './exit.ts'
import { print, say } from './output.ts'

/** Whoever stops us waits 10 s. What was acknowledged is durable, so nothing is lost by ending earlier than everything would like. */
const stopWithinMs = 9000

/** `millrace collector`, `worker`, `api`: one role in this process, until SIGTERM or SIGINT. */
export async function role(name: LoneRole, flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { config } = await loadConfig(flags)
  const logger = createLogger(config.logLevel, { role: name })
  const metrics = new Registry()
  metrics.setDefaultLabels({ role: name })
  process.title = `millrace ${name}`

  const stopping = new AbortController()
  const ending = Promise.withResolvers<undefined>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      stopping.abort(new Error('stopping'))
      ending.resolve(undefined)
    })
  const crash = (error: unknown, what: string): never => {
    const { code, message: why, stack, details } = toPipelineError(error)
    logger.error({ code, why, details, stack }, what)
    process.exit(exitCodes.failure)
  }
  process.on('uncaughtException', (error) => crash(error, 'uncaught exception'))
  process.on('unhandledRejection', (error) => crash(error, 'unhandled rejection'))

  let player: Awaited<ReturnType<typeof playRole>>
  try {
    player = await playRole(name, config, { clock: systemClock, logger, metrics }, stopping.signal)
  } catch (error) {
    if (stopping.signal.aborted) process.exit(exitCodes.ok)
    const { message, code } = toPipelineError(error)
    throw new CliError(message, code === 'config' ? exitCodes.config : exitCodes.failure, { cause: error })
  }
  keepCompiled()
  announce(name, player.ready)
  const failure = await Promise.race([ending.promise, player.ended.catch((error: unknown) => toPipelineError(error))])
  if (process.stderr.isTTY && failure === undefined) say('stopping: finishing what is under way …')
  setTimeout(() => crash(new Error(`not done within ${stopWithinMs / 1000} s`), 'stopped early'), stopWithinMs).unref()
  await player.stop().catch((error: unknown) => crash(error, 'could not stop cleanly'))
  if (failure !== undefined) crash(failure, `${name} cannot go on; start it again`)
  process.exit(exitCodes.ok)
}

function announce(name: LoneRole, ready: LoneReady): void {
  if (!process.stdout.isTTY) return print(`millrace ready ${JSON.stringify(ready)}`)
  const address = ready.collector ?? ready.api ?? ready.worker
  say(
    `${styleText('bold', `millrace ${name} is ready`)} ${styleText('dim', `after ${ready.ms} ms`)}${address === null ? '' : `  ${address}`}`,
  )
}
