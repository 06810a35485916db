import type { Deps } from '../core/deps.ts'
import { PipelineError, toPipelineError } from '../core/errors.ts'
import type { Service } from '../core/service.ts'
import type { Log, Membership, Position } from '../log/log.ts'
import { JobStopped } from './attempts.ts'
import { backOffMs } from './back-off.ts'
import type { Job } from './job.ts'
import { createLag, type Lag } from './lag.ts'
import type { PlanLimits } from './planner.ts'
import { runSession, type SessionEvents } from './session.ts'

export interface RunnerOptions {
  readonly job: Job
  readonly log: Log
  readonly limits?: Partial<PlanLimits>
  /** How long `stop` lets work under way finish. */
  readonly stopMs?: number
}

export interface RunnerStatus {
  readonly job: string
  /**
   * `starting`: not yet a member of its group. `running`. `waiting`: the last attempt failed, it tries again. `stopped`: by `stop`.
   * `failed`: it has stopped for good, `reason` says why and what to do.
   */
  readonly state: 'starting' | 'running' | 'waiting' | 'stopped' | 'failed'
  readonly reason: string
  /** Failed attempts at the plan that is being processed. */
  readonly attempts: number
  readonly plan: string
  readonly eventsDone: number
  readonly recordsDone: number
  readonly deadLetters: number
  readonly lag: { readonly events: number; readonly seconds: number }
}

export interface Runner extends Service {
  status(): Promise<RunnerStatus>
}

const settleMs = 5

const keysOf = (owned: readonly Position[]): string =>
  owned
    .map(({ topic, partition }) => `${topic}/${partition}`)
    .toSorted()
    .join()

const defaults: PlanLimits = { events: 50_000, bytes: 32 << 20, ms: 1_000 }

/**
 * Runs one job over the log: assign, read, plan, process, commit. The job never sees a position; all that is known about how far it
 * is, and what it is doing, is in the log, written with its commits (ARCHITECTURE.md, "Exactly once").
 *
 * `start` resolves when the job is a member of its group, or keeps trying in the background when the log is not there yet.
 */
export function createRunner(options: RunnerOptions, deps: Deps): Runner {
  const { job, log } = options
  const { clock, logger } = deps
  const limits = { ...defaults, ...options.limits }
  /** Nothing new is begun. */
  const ending = new AbortController()
  /** What is under way ends too. */
  const aborting = new AbortController()
  const progress = { state: 'starting' as RunnerStatus['state'], reason: '', attempts: 0, plan: '' }
  const done = { events: 0, records: 0, deadLetters: 0 }
  const lag: Lag = createLag(job, log, deps)
  let running: Promise<void> | undefined

  const events: SessionEvents = {
    planned(plan, records) {
      progress.plan = plan.id
      lag.saw(records)
    },
    failed(failure, attempts) {
      progress.state = failure ? 'waiting' : 'running'
      progress.reason = failure ? `${failure.code}: ${failure.message}` : ''
      progress.attempts = failure ? attempts : 0
    },
    buried(count) {
      done.deadLetters += count
    },
    committed(records, eventCount) {
      done.records += records
      done.events += eventCount
      progress.state = 'running'
      progress.reason = ''
      progress.attempts = 0
      progress.plan = ''
    },
  }

  /** One membership, with a session per assignment, until it is lost or the runner ends. */
  const serve = async (joined: () => void): Promise<void> => {
    let session = new AbortController()
    let idle: Promise<unknown> = Promise.resolve()
    let wake: () => void = () => {}
    let isChanged = true
    let told = ''
    const onAssigned = async (owned: readonly Position[]) => {
      isChanged = true
      told = keysOf(owned)
      session.abort(new PipelineError('stale_membership', 'partitions have changed hands'))
      wake()
      // What was read or planned of lost partitions is dropped, and nothing of it is under way any more.
      await idle.catch(() => undefined)
    }
    const membership: Membership = await log.join(job.name, job.from, onAssigned, ending.signal)
    joined()
    try {
      while (!ending.signal.aborted) {
        if (!isChanged) {
          await new Promise<void>((resolve) => {
            wake = resolve
            ending.signal.addEventListener('abort', () => resolve(), { once: true })
          })
          continue
        }
        // Lost partitions are the member's until what follows on `onAssigned` is done. A commit before that would replace the notes
        // that their next owner has to go by.
        if (keysOf(membership.owned()) !== told) {
          await clock.sleep(settleMs, ending.signal).catch(() => undefined)
          continue
        }
        isChanged = false
        session = new AbortController()
        const signals = {
          gather: AbortSignal.any([session.signal, ending.signal]),
          work: AbortSignal.any([session.signal, aborting.signal]),
        }
        const run = runSession({ ...options, limits, membership, events, deps }, signals)
        idle = run
        try {
          await run
        } catch (error) {
          if (!session.signal.aborted) throw error
        }
      }
    } finally {
      await membership.leave().catch((error: unknown) => {
        // The group finds out by itself when the lease ends.
        logger.warn({ job: job.name, err: error }, 'could not leave the group')
      })
    }
  }

  const loop = async (joined: () => void): Promise<void> => {
    for (let failures = 0; !ending.signal.aborted; ) {
      try {
        await serve(() => {
          failures = 0
          progress.state = 'running'
          progress.reason = ''
          joined()
        })
      } catch (error) {
        if (ending.signal.aborted) break
        if (error instanceof JobStopped || toPipelineError(error).code === 'trimmed') {
          const failure = error instanceof JobStopped ? error.failure : toPipelineError(error)
          progress.state = 'failed'
          progress.reason = `${failure.code}: ${failure.message}`
          logger.error({ job: job.name, code: failure.code, err: failure }, 'job has stopped for good')
          joined()
          return
        }
        const failure = toPipelineError(error)
        progress.state = 'waiting'
        progress.reason = `${failure.code}: ${failure.message}`
        // Lost partitions are part of life; everything else deserves a word.
        if (failure.code !== 'stale_membership') logger.warn({ job: job.name, err: failure }, 'job starts over')
        joined()
        await clock.sleep(backOffMs(++failures), ending.signal).catch(() => undefined)
      }
    }
    progress.state = 'stopped'
  }

  return {
    async start(signal) {
      signal.throwIfAborted()
      if (running || ending.signal.aborted)
        throw new PipelineError('internal', `runner of ${job.name} is started twice`)
      await new Promise<void>((resolve) => {
        running = loop(resolve)
      })
      lag.start()
    },
    async stop() {
      ending.abort(new PipelineError('cancelled', `job ${job.name} stops`))
      if (running === undefined) return
      const timer = setTimeout(() => {
        aborting.abort(new PipelineError('cancelled', `job ${job.name} stops`))
      }, options.stopMs ?? 5_000)
      await running
      clearTimeout(timer)
      lag.stop()
    },
    async status() {
      return {
        job: job.name,
        ...progress,
        eventsDone: done.events,
        recordsDone: done.records,
        deadLetters: done.deadLetters,
        lag: await lag.read(),
      }
    },
  }
}
