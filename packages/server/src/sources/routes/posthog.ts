import { openPosthogBody } from '../../decoders/posthog-body.ts'
import { decodePosthog, decodePosthogInSteps } from '../../decoders/posthog.ts'
import { problemAnswer } from '../../http/problem.ts'
import type { PipelineError } from '../../core/errors.ts'
import type { HttpAnswer } from '../../http/answer.ts'
import { describePosthog } from '../describe/posthog.ts'
import { jsonTypes } from '../media-types.ts'
import type { Source, SourceRoute } from '../source.ts'
import { ownAnswer } from './own.ts'
import { posthogReplies } from './posthog-replies.ts'

const paths = ['/batch/', '/e/', '/i/v0/e/', '/capture/', '/track/', '/s/', '/i/v0/ai/batch/']

const routes: readonly SourceRoute[] = [
  ...paths.map((path) => ({ path, kind: 'capture' })),
  { path: '/engage/', kind: 'engage' },
]

/** Browsers send gzip as `text/plain`, so that there is no preflight; what the body is, its bytes say. */
export const posthogTypes: readonly string[] = [
  ...jsonTypes,
  'application/octet-stream',
  'application/gzip',
  'application/x-gzip',
]

/**
 * PostHog's capture API, v0. Its libraries take 200 for success and look at nothing else; `status` is what they were once told. posthog-js
 * gives up on every 4xx and comes again on all else, so "later" is 503 here, also where it would be 429 or 408.
 */
export const posthog: Source = {
  name: 'posthog',
  routes,
  replies: posthogReplies,
  accepts: posthogTypes,
  open: openPosthogBody,
  decode: decodePosthog,
  decodeInSteps: decodePosthogInSteps,
  keyInBody: true,
  answer: (receipts, cx) => {
    const answer = ownAnswer(receipts, cx)
    if (answer.status !== 200) return answer
    return { ...answer, body: `{"status":1,${(answer.body as string).slice(1)}` }
  },
  describe: describePosthog,
  refuse: (error, { requestId }) => refuse(error, requestId),
}

function refuse(error: PipelineError, requestId: string): HttpAnswer {
  const answer = problemAnswer(error, requestId)
  if (answer.status !== 429 && answer.status !== 408) return answer
  const later = problemAnswer(error, requestId, { status: 503 })
  return { ...later, status: 503, headers: { 'retry-after': '1', ...later.headers } }
}
