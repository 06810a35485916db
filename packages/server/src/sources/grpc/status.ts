import { toPipelineError } from '../../core/errors.ts'
import { errorHeaders, toProblem } from '../../http/problem.ts'

/** gRPC's numbers, those that are answered here. */
export const codes = {
  ok: 0,
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const

export interface GrpcStatus {
  readonly code: number
  readonly message: string
  /** When to come again; only where that is of use. */
  readonly retryAfterSeconds?: number
  /** What the same refusal is over HTTP: what the metrics count. */
  readonly httpStatus: number
}

/** By HTTP's status, so that an error means the same in both (http/problem.ts); what is not here is INTERNAL. */
const codeOf: Readonly<Record<number, number>> = {
  400: codes.invalidArgument,
  401: codes.unauthenticated,
  403: codes.permissionDenied,
  404: codes.unimplemented,
  405: codes.unimplemented,
  408: codes.deadlineExceeded,
  413: codes.resourceExhausted,
  415: codes.unimplemented,
  429: codes.resourceExhausted,
  499: codes.cancelled,
  503: codes.unavailable,
  504: codes.deadlineExceeded,
}

/**
 * Clients send again on UNAVAILABLE, and on RESOURCE_EXHAUSTED only with a delay beside it: so a message that is too large has none
 * and is dropped, a rate limit has one.
 */
export function statusOfError(error: unknown, requestId: string): GrpcStatus {
  const failure = toPipelineError(error)
  const problem = toProblem(failure, requestId)
  const httpStatus = failure.code === 'cancelled' ? 499 : (problem['status'] as number)
  const isOverdue = failure.code === 'timeout'
  const retryAfter = isOverdue ? undefined : errorHeaders(failure)['retry-after']
  return {
    code: isOverdue ? codes.deadlineExceeded : (codeOf[httpStatus] ?? codes.internal),
    message: problem['detail'] as string,
    ...(retryAfter !== undefined && { retryAfterSeconds: Number(retryAfter) }),
    httpStatus,
  }
}
