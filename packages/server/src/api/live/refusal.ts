import type { HttpAnswer } from '../../http/answer.ts'
import { problemAnswer } from '../../http/problem.ts'
import { LiveError } from './live-error.ts'

/** problem+json as everywhere; what is wrong with a topic, filter or cursor has a code of its own. */
export function liveRefusal(error: unknown, requestId: string): HttpAnswer {
  return problemAnswer(error, requestId, error instanceof LiveError ? { code: error.liveCode } : undefined)
}
