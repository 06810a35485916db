import { recommendationSchemas } from '@millrace/protocol/recommendations'
import { z } from 'zod'
import { fromJsonSchema } from '../../http/describe.ts'
import { jsonTypes, ndjsonTypes } from '../media-types.ts'
import type { SourceDescription } from '../source.ts'
import { bodies } from './bodies.ts'
import { ownAnswers } from './receipts.ts'

const event = z.union(
  Object.entries(recommendationSchemas).map(([name, schema]) =>
    fromJsonSchema(`Recommendation${name[0]!.toUpperCase()}${name.slice(1)}`, schema),
  ),
)
const body = z.union([event, z.array(event), z.looseObject({ events: z.array(event) })])

const example = {
  event_type: 'click',
  timestamp_ms: 1795251600000,
  request_id: '0b8f2f4e-3c1d-4a5b-9e6f-7a8b9c0d1e2f',
  canonical_id: 'tt0111161',
  position: 3,
  engagement_type: 'play',
  dwell_ms: 5400,
}

export const describeRecommendations = (): SourceDescription => ({
  group: 'Sending: recommendations',
  summary: 'Send the events of a recommender',
  description:
    'Requests, rankings, impressions, clicks and errors: one, an array, `{"events":[…]}`, or NDJSON. Each is held against its JSON Schema; one that breaks it, or carries a field of personal data, is quarantined and does not hold up the others.',
  body: {
    ...bodies(jsonTypes, { schema: body, example }),
    ...bodies(ndjsonTypes, { example: `${JSON.stringify(example)}\n` }),
  },
  ...ownAnswers,
})
