/** Every failure that is about us (or about a whole request), never about one event: those are verdicts. */
export type ErrorCode =
  | 'malformed' // the request cannot be read at all
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'slow_body'
  | 'too_large'
  | 'unsupported_media_type'
  | 'rate_limited'
  | 'unavailable' // try again later: full, starting, stopping, a store away
  | 'timeout'
  | 'cancelled' // the caller went away
  | 'limit_exceeded' // a query met a limit of `query`
  | 'query_refused' // user SQL that the cage does not let through
  | 'query_failed' // user SQL that the engine could not run
  | 'trimmed' // the log no longer holds that position
  | 'stale_membership' // a commit by a generation that no longer owns its partitions
  | 'corrupt' // a checksum, version or length that cannot be
  | 'newer_version' // a record or directory written by a newer release: stop and say so, never guess
  | 'unknown_result' // a write whose outcome we do not know: verify before doing it again
  | 'config'
  | 'conflict'
  | 'internal'

export type Retry = 'never' | 'later'

export interface PipelineErrorOptions {
  readonly retry?: Retry
  /** Seconds after which the caller should try again; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number
  /** Numbers, enums, names and lengths only: never strings of an event. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** The one error class. `code` and `retry` steer what happens next; nobody matches on the message. */
export class PipelineError extends Error {
  override readonly name = 'PipelineError'
  readonly code: ErrorCode
  readonly retry: Retry
  readonly retryAfterSeconds: number | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: PipelineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retry =
      options.retry ?? (code === 'unavailable' || code === 'rate_limited' || code === 'timeout' ? 'later' : 'never')
    this.retryAfterSeconds = options.retryAfterSeconds
    this.details = options.details ?? {}
  }
}

/** Narrow an unknown `catch` value; wraps what is not ours as `internal`. */
export function toPipelineError(error: unknown): PipelineError {
  if (error instanceof PipelineError) return error
  return new PipelineError('internal', error instanceof Error ? error.message : String(error), { cause: error })
}
