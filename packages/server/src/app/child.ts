import type { ChildProcess } from 'node:child_process'
import type { Deps } from '../core/deps.ts'
import { PipelineError, toPipelineError } from '../core/errors.ts'

export interface ChildSpec<Ready> {
  readonly role: string
  /** Spawn it; called again after each end. */
  start(): ChildProcess
  /** Resolves when the child serves, rejects when the child says why it cannot; `signal` aborts when the child has ended. */
  ready(child: ChildProcess, signal: AbortSignal): Promise<Ready>
}

export interface SupervisedChild<Ready> {
  /** Of the first time it was ready; rejects when it could not be started, or was stopped before. */
  readonly firstReady: Promise<Ready>
  pid(): number | null
  restarts(): number
  /** Ask it to end (SIGTERM), wait, insist (SIGKILL). Never restarted after. */
  stop(graceMs: number): Promise<void>
}

/** A child that ended this often without ever having been ready will not be tried again: something is wrong that a person must mend. */
const maxStartFailures = 5
/** The first restart is immediate; later ones wait, so that a child that cannot live costs little, yet is back within 2 s. */
const backOffMs = [0, 100, 250, 500, 1000]
/** A child that lived this long is healthy again: its back-off starts anew. */
const healthyAfterMs = 10_000

/**
 * Keeps one child process running. `onGivenUp` is told when it cannot be started at all. One that was ready before is tried for
 * ever: the others go on meanwhile, and a full disk or a lack of memory may pass.
 */
export function superviseChild<Ready>(
  spec: ChildSpec<Ready>,
  onGivenUp: (error: PipelineError) => void,
  { clock, logger }: Pick<Deps, 'clock' | 'logger'>,
): SupervisedChild<Ready> {
  const first = Promise.withResolvers<Ready>()
  first.promise.catch(() => {}) // told through onGivenUp too
  const stopping = new AbortController()
  let child: ChildProcess | undefined
  let ended: Promise<unknown> = Promise.resolve()
  let restarts = 0
  let startFailures = 0
  let quickEnds = 0
  let wasEverReady = false

  /** One life of the child: how it ended, and why it was never ready if it told. */
  async function live(): Promise<{ how: string; why: PipelineError | undefined }> {
    const startedAt = clock.now()
    const gone = new AbortController()
    let why: PipelineError | undefined
    try {
      child = spec.start()
    } catch (error) {
      return { how: 'an error at its start', why: toPipelineError(error) }
    }
    const exit = exitOf(child)
    ended = exit
    const pid = child.pid
    spec.ready(child, gone.signal).then(
      (ready) => {
        wasEverReady = true
        first.resolve(ready)
        if (restarts > 0) logger.info({ role: spec.role, pid, ms: clock.now() - startedAt }, 'running again')
      },
      (error: unknown) => {
        if (!gone.signal.aborted) why = toPipelineError(error)
      },
    )
    const how = await exit
    gone.abort(new PipelineError('cancelled', `${spec.role} ended`))
    child = undefined
    return { how, why }
  }

  async function run(): Promise<void> {
    for (;;) {
      const startedAt = clock.now()
      const { how, why } = await live()
      if (stopping.signal.aborted) return first.reject(new PipelineError('cancelled', `${spec.role} was stopped`))
      if (!wasEverReady && (++startFailures >= maxStartFailures || isFinal(why)))
        return giveUp(notStartable(spec.role, startFailures, how, why))
      logger.error({ role: spec.role, how, why: why?.message }, `${spec.role} ended (${how}), starting it again`)
      restarts++
      quickEnds = clock.now() - startedAt > healthyAfterMs ? 0 : quickEnds + 1
      const waitMs = backOffMs[Math.min(quickEnds - 1, backOffMs.length - 1)] ?? 0
      await clock.sleep(waitMs, stopping.signal).catch(() => {})
      if (stopping.signal.aborted) return first.reject(new PipelineError('cancelled', `${spec.role} was stopped`))
    }
  }
  function giveUp(error: PipelineError): void {
    first.reject(error)
    onGivenUp(error)
  }
  const running = run()

  return {
    firstReady: first.promise,
    pid: () => child?.pid ?? null,
    restarts: () => restarts,
    async stop(graceMs) {
      stopping.abort(new PipelineError('cancelled', 'stopping'))
      const target = child
      if (target !== undefined) {
        target.kill('SIGTERM')
        const insist = setTimeout(() => target.kill('SIGKILL'), graceMs)
        await ended
        clearTimeout(insist)
      }
      await running
    },
  }
}

/** Trying again cannot help: the configuration or the data directory must change first. */
function isFinal(why: PipelineError | undefined): boolean {
  return why?.code === 'config' || why?.code === 'newer_version'
}

function notStartable(role: string, times: number, how: string, why: PipelineError | undefined): PipelineError {
  const ends = times === 1 ? 'ended before it was ready' : `ended ${times} times before it was ready`
  const message = `${role} ${ends}, the last time with ${how}${why === undefined ? '' : `: ${why.message}`}`
  const options = { retry: 'never' as const, details: { role, times }, ...(why !== undefined && { cause: why }) }
  return new PipelineError(why?.code === 'config' ? 'config' : 'unavailable', message, options)
}

/** `exit code 1` or `signal SIGKILL`. */
function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    // Errors of a running child (a message or signal that could not be sent) are no end.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(`error ${error.message}`)
    })
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`))
  })
}
