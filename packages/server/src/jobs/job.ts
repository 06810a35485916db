import type { LogRecord, Topic } from '../log/log.ts'

export interface JobContext {
  /** The plan's id: stable over retries of the same range; the base of insert tokens. */
  readonly plan: string
  readonly epoch: number
  /** 1 for the first attempt of this plan. */
  readonly attempt: number
  /** True when an earlier attempt at this plan may have written something: verify before writing. */
  readonly verify: boolean
  readonly signal: AbortSignal
}

/**
 * What is done with the log's records. `process` gets a fixed range (the plan), MUST be idempotent for it, and returns when
 * everything is durable. It never sees or commits positions: the runner does, after it. Throwing with `retry: 'later'`
 * means the world is in the way (tried again without end, with back-off); any other error counts towards the five attempts
 * after which the runner isolates the poison record and dead-letters it.
 */
export interface Job {
  readonly name: string
  readonly from: readonly Topic[]
  /** Topics whose records of one plan are summed up by `process`: kept together when a plan is taken apart to find a poison record. */
  readonly together?: readonly Topic[]
  process(records: readonly LogRecord[], cx: JobContext): Promise<void>
}
