import type { ErrorCode, PipelineError } from '../../core/errors.ts'
import type { Outcome, Receipt } from '../../core/outcome.ts'
import { isObject } from '../../decoders/issues.ts'
import { openPosthogBody } from '../../decoders/posthog-body.ts'
import { decodePosthog, decodePosthogInSteps } from '../../decoders/posthog.ts'
import { type HttpAnswer, jsonAnswer } from '../../http/answer.ts'
import { problemAnswer, problemUrn, toProblem } from '../../http/problem.ts'
import { describePosthogV1 } from '../describe/posthog-v1.ts'
import type { AnswerContext, Source } from '../source.ts'
import { posthogTypes } from './posthog.ts'

/** What v1 says of one event: `drop` and `retry` reach the application's error handler and the library's next attempt. */
export interface PosthogResult {
  readonly result: 'ok' | 'drop' | 'retry'
  readonly details?: string
}

const results: Readonly<Record<Outcome, PosthogResult['result']>> = {
  stored: 'ok',
  duplicate: 'ok',
  dropped: 'drop',
  quarantined: 'drop',
  retry: 'retry',
}

/** Of several parts of one event, the worst is told: one that has to come again brings the others with it. */
const rank = { ok: 0, drop: 1, retry: 2 } as const

/**
 * PostHog's capture API, v1: 200 with `{"results":{"<uuid>":{"result","details"}}}`, and `Retry-After` when some have to come again.
 * Refusals of whole requests are `{"error","error_description","error_uri"}`. Its libraries come again on 408, 500, 502, 503 and 504;
 * 429 was final for the first of them, so it is 503 here.
 */
export const posthogV1: Source = {
  name: 'posthog',
  routes: [
    { path: '/i/v1/analytics/events', kind: 'v1' },
    { path: '/i/v1/ai/events', kind: 'v1' },
  ],
  accepts: posthogTypes,
  open: openPosthogBody,
  decode: decodePosthog,
  decodeInSteps: decodePosthogInSteps,
  keyInBody: true,
  answer: answerByUuid,
  describe: describePosthogV1,
  refuse: (error, { requestId }) => refuse(error, requestId),
}

function answerByUuid(receipts: readonly Receipt[], { batch }: AnswerContext): HttpAnswer {
  const byUuid = new Map<string, PosthogResult>()
  let hasRetry = false
  for (const [index, receipt] of receipts.entries()) {
    const uuid = uuidOf(batch.events[index]?.original) ?? receipt.id
    const result = resultOf(receipt)
    hasRetry ||= result.result === 'retry'
    const before = byUuid.get(uuid)
    if (before === undefined || rank[result.result] > rank[before.result]) byUuid.set(uuid, result)
  }
  // By hand: a uuid may be `__proto__`.
  const entries = [...byUuid].map(([uuid, result]) => `${JSON.stringify(uuid)}:${JSON.stringify(result)}`)
  const answer = jsonAnswer(undefined)
  return {
    ...answer,
    ...(hasRetry && { headers: { 'retry-after': '1' } }),
    body: `{"results":{${entries.join(',')}}}`,
  }
}

/** As the library wrote it: it looks its events up by that. */
function uuidOf(event: unknown): string | undefined {
  const uuid = isObject(event) ? event['uuid'] : undefined
  return typeof uuid === 'string' && uuid !== '' ? uuid : undefined
}

function resultOf({ outcome, reason, issues }: Receipt): PosthogResult {
  const result = results[outcome]
  switch (outcome) {
    case 'stored':
      return { result }
    case 'duplicate':
      return { result, details: 'duplicate' }
    case 'retry':
      return { result, details: 'not_persisted' }
    case 'dropped':
    case 'quarantined': {
      const what = issues === undefined || issues.length === 0 ? '' : `: ${issues.join('; ')}`
      return { result, details: `${outcome}${reason === undefined ? '' : `, ${reason}`}${what}` }
    }
  }
}

/** v1's own words for what went wrong. */
const tags: Readonly<Partial<Record<ErrorCode, string>>> = {
  malformed: 'request_parsing_error',
  unauthorized: 'invalid_api_token',
  forbidden: 'invalid_api_token',
  slow_body: 'body_read_timeout',
  too_large: 'payload_too_large',
  unsupported_media_type: 'unsupported_content_type',
  rate_limited: 'rate_limited',
  unavailable: 'service_unavailable',
  timeout: 'service_unavailable',
  unknown_result: 'service_unavailable',
}

function refuse(error: PipelineError, requestId: string): HttpAnswer {
  const { status, headers } = problemAnswer(error, requestId)
  const problem = toProblem(error, requestId)
  const answer = jsonAnswer(
    {
      error: tags[error.code] ?? 'internal_error',
      error_description: problem['detail'],
      error_uri: problemUrn(problem['code'] as ErrorCode),
    },
    status === 429 ? 503 : status,
  )
  const later = status === 429 || status === 408 || status >= 500
  return { ...answer, headers: { ...(later && { 'retry-after': '1' }), ...headers } }
}
