import { decodeSegment, decodeSegmentInSteps } from '../../decoders/segment.ts'
import { problemAnswer, toProblem } from '../../http/problem.ts'
import { describeSegment } from '../describe/segment.ts'
import { jsonTypes } from '../media-types.ts'
import type { Source, SourceRoute } from '../source.ts'
import { ownAnswer } from './own.ts'
import { segmentReplies } from './segment-replies.ts'

/** The long forms of server libraries and the one-letter forms of the browser library. */
const kinds = [
  'batch',
  'track',
  'identify',
  'page',
  'screen',
  'group',
  'alias',
  'import',
  't',
  'i',
  'p',
  's',
  'g',
  'a',
  'b',
]

const routes: readonly SourceRoute[] = kinds.map((kind) => ({ path: `/v1/${kind}`, kind }))

/**
 * Segment's HTTP API. Its libraries drop a batch on 400, 401, 403, 404, 413 and 415, and send it again on 408, 429 and 503: just what
 * those mean here. 410, which they take for "later", and 501, 505, 511 are never answered. `success` is what they print.
 */
export const segment: Source = {
  name: 'segment',
  routes,
  replies: segmentReplies,
  accepts: jsonTypes,
  decode: decodeSegment,
  decodeInSteps: decodeSegmentInSteps,
  keyInBody: true,
  answer: ownAnswer,
  describe: describeSegment,
  refuse: (error, { requestId }) =>
    problemAnswer(error, requestId, { success: false, message: toProblem(error, requestId)['detail'] }),
}
