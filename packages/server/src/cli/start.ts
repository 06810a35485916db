import { flushCompileCache as keepCompiled } from 'node:module'
import { systemClock } from '../core/clock.ts'
import { PipelineError, toPipelineError } from '../core/errors.ts'
import { loadConfig } from '../app/config.ts'
import { createLogger } from '../app/logger.ts'
import { createSupervisor, type Ready } from '../app/supervisor.ts'
import { banner } from './banner.ts'
import { CliError, exitCodes } from './exit.ts'
import { print, say } from './output.ts'

/** `millrace start`: supervisor, engine, collector and worker; ends with SIGINT or SIGTERM. */
export async function start(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { config } = await loadConfig(flags)
  const logger = createLogger(config.logLevel, { role: 'supervisor' })
  process.title = 'millrace supervisor'
  const ending = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.resolve())

  let supervisor: Awaited<ReturnType<typeof createSupervisor>>
  try {
    supervisor = await createSupervisor(config, { clock: systemClock, logger })
  } catch (error) {
    const { message, code } = toPipelineError(error)
    throw new CliError(message, code === 'config' ? exitCodes.config : exitCodes.failure, { cause: error })
  }
  const failed = supervisor.ended.catch((error: unknown) => error as PipelineError)
  supervisor.ready.then(
    () => keepCompiled(),
    () => {},
  )
  supervisor.ready.then(announce, () => {})
  const error = await Promise.race([ending.promise, failed])
  if (process.stderr.isTTY && error === undefined) say('stopping: finishing what is under way …')
  await supervisor.stop()
  if (error instanceof PipelineError)
    throw new CliError(
      `${error.message}; the lines above say more`,
      error.code === 'config' ? exitCodes.config : exitCodes.failure,
      { cause: error },
    )
}

function announce(ready: Ready): void {
  if (process.stdout.isTTY) say(banner(ready))
  else print(`millrace ready ${JSON.stringify(ready)}`)
}
