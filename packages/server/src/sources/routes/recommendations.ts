import { decodeRecommendations, decodeRecommendationsInSteps } from '../../decoders/recommendations.ts'
import { describeRecommendations } from '../describe/recommendations.ts'
import { jsonTypes, ndjsonTypes } from '../media-types.ts'
import type { Source } from '../source.ts'
import { ownAnswer } from './own.ts'

/** The five events of a recommender, each held against its schema. */
export const recommendations: Source = {
  name: 'recommendations',
  routes: [{ path: '/v1/recommendations', kind: 'recommendations' }],
  accepts: [...jsonTypes, ...ndjsonTypes],
  decode: decodeRecommendations,
  decodeInSteps: decodeRecommendationsInSteps,
  keyInBody: false,
  answer: ownAnswer,
  describe: describeRecommendations,
}
