import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/deps.ts'
import { PipelineError, toPipelineError } from '../core/errors.ts'
import type { LogRecord } from '../log/log.ts'
import { backOffMs } from './back-off.ts'
import type { Job } from './job.ts'
import type { Plan } from './plan.ts'

export const attemptsMax = 5

export interface AttemptOptions {
  readonly job: Job
  readonly epoch: number
  readonly clock: Clock
  readonly logger: Logger
  /** Told of each failure; undefined when it is over. */
  readonly onFailure: (failure: PipelineError | undefined, attempt: number) => void
}

/** The job stops for good: only a person, or a newer Millrace, can help. */
export class JobStopped extends Error {
  readonly failure: PipelineError
  constructor(failure: PipelineError) {
    super(failure.message, { cause: failure })
    this.failure = failure
  }
}

export interface Poison {
  readonly record: LogRecord
  readonly failure: PipelineError
}

/** What keeps a failure from being the records' fault: it is tried again without end. */
export function isOurs(failure: PipelineError): boolean {
  return failure.retry === 'later' || failure.code === 'unknown_result' || failure.code === 'unavailable'
}

/** Codes that others' errors carry too (protocol's RecordError), told apart by the code alone. */
function failureOf(error: unknown): PipelineError {
  const code = (error as { code?: unknown } | undefined)?.code
  if (!(error instanceof PipelineError) && error instanceof Error && (code === 'corrupt' || code === 'newer_version'))
    return new PipelineError(code, error.message, { cause: error })
  return toPipelineError(error)
}

/**
 * Process the records of a plan until it is done, undefined; or until it has failed `limit` times by what is not ours, the failure.
 * Throws JobStopped for a record of a newer version, and the signal's reason when it aborts.
 */
export async function attempt(
  records: readonly LogRecord[],
  plan: { readonly id: string; readonly verify: boolean },
  limit: number,
  options: AttemptOptions,
  signal: AbortSignal,
): Promise<PipelineError | undefined> {
  const { job, epoch, clock, logger } = options
  let { verify } = plan
  let failures = 0
  for (let number = 1; ; number++) {
    signal.throwIfAborted()
    try {
      await job.process(records, { plan: plan.id, epoch, attempt: number, verify, signal })
      if (number > 1) options.onFailure(undefined, number)
      return undefined
    } catch (error) {
      signal.throwIfAborted()
      const failure = failureOf(error)
      options.onFailure(failure, number)
      if (failure.code === 'newer_version') throw new JobStopped(failure)
      const fields = { job: job.name, plan: plan.id, attempt: number, code: failure.code, err: failure }
      if (!isOurs(failure) && ++failures >= limit) {
        logger.error(fields, 'processing failed')
        return failure
      }
      logger.warn(fields, 'processing failed, trying again')
      verify = true
      await clock.sleep(backOffMs(number), signal)
    }
  }
}

/**
 * Find the records that cannot be processed, by processing each alone; all others are stored when this resolves. Records of topics
 * that the job sums up are first tried together: then what they become is what the whole plan would have made of them.
 */
export async function isolate(
  plan: Plan,
  records: readonly LogRecord[],
  options: AttemptOptions,
  signal: AbortSignal,
): Promise<readonly Poison[]> {
  const together = records.filter((record) => options.job.together?.includes(record.topic))
  const alone = records.filter((record) => !together.includes(record))
  const poison: Poison[] = []
  const units = alone.map((record) => [record])
  if (together.length > 0) {
    const failure =
      together.length === 1
        ? new PipelineError('internal', 'alone anyway')
        : await attempt(together, { id: `${plan.id}/sums`, verify: true }, 1, options, signal)
    if (failure) units.push(...together.map((record) => [record]))
  }
  for (const [record] of units as [LogRecord][]) {
    const id = `${plan.id}/${record.topic}-${record.partition}-${record.offset}`
    const failure = await attempt([record], { id, verify: true }, 1, options, signal)
    if (failure) poison.push({ record, failure })
  }
  return poison
}
