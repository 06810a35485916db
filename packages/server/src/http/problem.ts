import { type ErrorCode, PipelineError, toPipelineError } from '../core/errors.ts'
import type { HttpAnswer } from './answer.ts'

export const problemMediaType = 'application/problem+json'

export interface ProblemType {
  readonly status: number
  /** Fixed per code; `detail` is the error's message. */
  readonly title: string
  /** What has happened, and what the caller does about it. */
  readonly meaning: string
}

/** The one place where an error becomes a status; the guide, `/openapi.json` and `/docs` are made from it. */
const statuses: Readonly<Partial<Record<ErrorCode, ProblemType>>> = {
  malformed: {
    status: 400,
    title: 'The request cannot be read',
    meaning:
      'A body, parameter or header is not what this route takes; `detail` names it. Nothing of it was stored. Correct it: the same request fails again.',
  },
  query_failed: {
    status: 400,
    title: 'The query failed',
    meaning: 'The engine could not run the SQL; `detail` has its words. Correct the query.',
  },
  unauthorized: {
    status: 401,
    title: 'A valid key is needed',
    meaning:
      'No key came, or one that is unknown or revoked. Send one that `millrace keys create` made, as `Authorization: Bearer <key>`.',
  },
  forbidden: {
    status: 403,
    title: 'The key does not allow this',
    meaning:
      'The key is known, but its scope or its list of origins does not allow this; with `auth: open`, the request did not come from this machine. Use another key.',
  },
  query_refused: {
    status: 403,
    title: 'The query is not allowed',
    meaning: 'The SQL is not a single SELECT, or names something that is not for user SQL. `detail` says what.',
  },
  not_found: {
    status: 404,
    title: 'There is nothing here',
    meaning: 'There is no such route, project or event; `detail` says which of them.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Not with this method',
    meaning: 'The route exists for other methods: the `Allow` header lists them.',
  },
  slow_body: {
    status: 408,
    title: 'The body came too slowly',
    meaning: 'Nothing of it was stored. Send it again, faster or in smaller batches.',
  },
  conflict: {
    status: 409,
    title: 'Somebody else was faster',
    meaning: 'What was to be changed has changed meanwhile. Read it again, then decide.',
  },
  too_large: {
    status: 413,
    title: 'Too large',
    meaning:
      'The body has too many bytes or events; `details` has the limit. Nothing was stored. Send smaller batches.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Not in this format',
    meaning:
      'The content type, charset or encoding is not taken here, or `Accept` asks for what there is not; `detail` lists what there is.',
  },
  limit_exceeded: {
    status: 422,
    title: 'The query met a limit',
    meaning: 'Time, memory or rows of `query` in the configuration. Ask for less, or raise the limit.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many, too fast',
    meaning: 'Nothing was stored. Send it again after `Retry-After` seconds.',
  },
  cancelled: {
    status: 499,
    title: 'The caller went away',
    meaning: 'Never seen by a caller; it stands in metrics and logs.',
  },
  unavailable: {
    status: 503,
    title: 'Not now',
    meaning:
      'The server is starting, stopping, full, or something behind it is away. What has no receipt is not stored: send it again after `Retry-After` seconds.',
  },
  timeout: {
    status: 503,
    title: 'Not in time',
    meaning: 'Something behind the server did not answer in time. Try again after `Retry-After` seconds.',
  },
  unknown_result: {
    status: 503,
    title: 'Not known whether it was stored',
    meaning: 'Send it again with the same ids: what was stored is then a duplicate, and nothing counts twice.',
  },
}

/** Every other code is about our insides. */
const inside: ProblemType = {
  status: 500,
  title: 'Something went wrong here',
  meaning:
    'A fault of the server. Its log tells more under the request id in `instance` and in the header `x-request-id`; events without a receipt may be sent again with the same ids.',
}

/** Every problem that a caller may see, by status; `internal` stands for all that is about our insides. */
export const problemTypes: readonly (ProblemType & { readonly code: ErrorCode })[] = Object.entries({
  ...statuses,
  internal: inside,
})
  .map(([code, type]) => ({ code: code as ErrorCode, ...type }))
  .sort((a, b) => a.status - b.status)

export function problemUrn(code: ErrorCode): string {
  return `urn:millrace:problem:${code}`
}

function statusOf(code: ErrorCode): number {
  return (statuses[code] ?? inside).status
}

/** RFC 9457. What is not a PipelineError, or is about our insides, tells its sender nothing but where to look. */
export function toProblem(error: unknown, requestId: string): Record<string, unknown> {
  const failure = toPipelineError(error)
  const { status, title } = statuses[failure.code] ?? inside
  const isInside = status === 500
  const problem: Record<string, unknown> = {
    type: problemUrn(isInside ? 'internal' : failure.code),
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
    type: problemMediaType,
    headers: errorHeaders(error),
    body: JSON.stringify(extra === undefined ? problem : { ...problem, ...extra }),
  }
}
