import { type ErrorCode, PipelineError, toPipelineError } from '../core/errors.ts'
import type { HttpAnswer } from './answer.ts'

const problemType = 'application/problem+json'

/** The one place where an error becomes a status. `title` is fixed per code; `detail` is the error's message. */
const statuses: Readonly<Partial<Record<ErrorCode, readonly [status: number, title: string]>>> = {
  malformed: [400, 'The request cannot be read'],
  unauthorized: [401, 'A valid key is needed'],
  forbidden: [403, 'The key does not allow this'],
  not_found: [404, 'There is nothing here'],
  method_not_allowed: [405, 'Not with this method'],
  slow_body: [408, 'The body came too slowly'],
  conflict: [409, 'Somebody else was faster'],
  too_large: [413, 'Too large'],
  unsupported_media_type: [415, 'Not in this format'],
  query_failed: [400, 'The query failed'],
  query_refused: [403, 'The query is not allowed'],
  limit_exceeded: [422, 'The query met a limit'],
  rate_limited: [429, 'Too many, too fast'],
  cancelled: [499, 'The caller went away'],
  unavailable: [503, 'Not now'],
  timeout: [503, 'Not in time'],
  unknown_result: [503, 'Not known whether it was stored'],
}

/** Every other code is about our insides. */
const inside = [500, 'Something went wrong here'] as const

function statusOf(code: ErrorCode): number {
  return (statuses[code] ?? inside)[0]
}

/** RFC 9457. What is not a PipelineError, or is about our insides, tells its sender nothing but where to look. */
export function toProblem(error: unknown, requestId: string): Record<string, unknown> {
  const failure = toPipelineError(error)
  const [status, title] = statuses[failure.code] ?? inside
  const isInside = status === 500
  const problem: Record<string, unknown> = {
    type: `urn:millrace:problem:${isInside ? 'internal' : failure.code}`,
    title,
    status,
    code: isInside ? 'internal' : failure.code,
    detail: isInside ? `the server's log tells more under request id ${requestId}` : failure.message,
    instance: `urn:millrace:request:${requestId}`,
  }
  if (!isInside && Object.keys(failure.details).length > 0) problem['details'] = failure.details
  return problem
}

/** Headers that belong to an error whatever the body's format: `Retry-After`, `WWW-Authenticate`, `Allow`, `Accept-…`. */
export function errorHeaders(error: unknown): Record<string, string> {
  const failure = toPipelineError(error)
  const status = statusOf(failure.code)
  const headers: Record<string, string> = {}
  if (status === 503 || status === 429) headers['retry-after'] = String(retryAfter(failure))
  // Bearer, not Basic: a browser would show its own login window.
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="millrace"'
  const { allow, accept, acceptEncoding } = failure.details
  if (typeof allow === 'string') headers['allow'] = allow
  if (typeof accept === 'string') headers['accept-post'] = accept
  if (typeof acceptEncoding === 'string') headers['accept-encoding'] = acceptEncoding
  return headers
}

/** Whole seconds, 1 to 300: analytics-next ignores more and reads only integers. */
function retryAfter(error: PipelineError): number {
  return Math.min(300, Math.max(1, Math.ceil(error.retryAfterSeconds ?? 1)))
}

/** `extra`: members that a dialect adds, e.g. receipts or Segment's `success`. */
export function problemAnswer(
  error: unknown,
  requestId: string,
  extra?: Readonly<Record<string, unknown>>,
): HttpAnswer {
  const problem = toProblem(error, requestId)
  return {
    status: problem['status'] as number,
    type: problemType,
    headers: errorHeaders(error),
    body: JSON.stringify(extra === undefined ? problem : { ...problem, ...extra }),
  }
}
