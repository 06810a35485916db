import type { ChildProcess } from 'node:child_process'
import type { Deps } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'

export interface ChildSpec<Ready> {
  readonly role: string
  /** Spawn it; called again after each end. */
  start(): ChildProcess
  /** Resolves when the child serves; `signal` aborts when the child has ended. */
  ready(child: ChildProcess, signal: AbortSignal): Promise<Ready>
}

export interface SupervisedChild<Ready> {
  /** Of the first time it was ready; rejects when it could not be started. */
  readonly firstReady: Promise<Ready>
  pid(): number | null
  restarts(): number
  /** Ask it to end (SIGTERM), wait, insist (SIGKILL). Never restarted after. */
  stop(graceMs: number): Promise<void>
}

/** A child that ended this often in a row without ever being ready will not be tried again. */
const maxStartFailures = 5
/** The first restart is immediate; later ones wait, so that a child that cannot live costs little, yet is back within 2 s. */
const backOffMs = [0, 100, 250, 500, 1000]
/** A child that lived this long is healthy again: its back-off starts anew. */
const healthyAfterMs = 10_000

/** Keeps one child process running. `onGivenUp` is told when it cannot be started at all. */
export function superviseChild<Ready>(
  spec: ChildSpec<Ready>,
  onGivenUp: (error: PipelineError) => void,
  { clock, logger }: Deps,
): SupervisedChild<Ready> {
  const first = Promise.withResolvers<Ready>()
  first.promise.catch(() => {}) // told through onGivenUp too
  const stopping = new AbortController()
  let child: ChildProcess | undefined
  let ended: Promise<void> = Promise.resolve()
  let restarts = 0
  let startFailures = 0
  let quickEnds = 0

  const run = async () => {
    for (;;) {
      const startedAt = clock.now()
      const gone = new AbortController()
      let wasReady = false
      child = spec.start()
      const exit = exitOf(child)
      ended = exit.then(() => {})
      const readiness = spec.ready(child, gone.signal).then((ready) => {
        wasReady = true
        startFailures = 0
        first.resolve(ready)
        if (restarts > 0)
          logger.info({ role: spec.role, pid: child?.pid, ms: clock.now() - startedAt }, 'running again')
      })
      readiness.catch(() => {}) // its end is what counts
      const how = await exit
      gone.abort(new PipelineError('cancelled', `${spec.role} ended`))
      child = undefined
      if (stopping.signal.aborted) return
      logger.error({ role: spec.role, how, wasReady }, `${spec.role} ended (${how}), starting it again`)
      if (!wasReady && ++startFailures >= maxStartFailures) {
        const error = new PipelineError(
          'unavailable',
          `${spec.role} ended ${startFailures} times before it was ready; the last time with ${how}`,
          { retry: 'never' },
        )
        first.reject(error)
        onGivenUp(error)
        return
      }
      restarts++
      quickEnds = clock.now() - startedAt > healthyAfterMs ? 0 : quickEnds + 1
      await clock.sleep(backOffMs[Math.min(quickEnds, backOffMs.length - 1)]!, stopping.signal).catch(() => {})
      if (stopping.signal.aborted) return
    }
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

/** `exit code 1` or `signal SIGKILL`. */
function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`error ${error.message}`))
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`))
  })
}
