import { z } from 'zod'
import type { SourceDescription, SourceRoute } from '../source.ts'
import { posthogGroup } from './posthog-replies.ts'

const uuid = '0198f7a2-7f5c-7c1e-b1f0-3d9f6d2a4c11'
const when = '2026-11-21T09:00:00.000Z'

const body = z
  .looseObject({
    created_at: z.string().optional(),
    historical_migration: z.boolean().optional(),
    batch: z.array(
      z.looseObject({
        event: z.string(),
        uuid: z.string(),
        distinct_id: z.string(),
        timestamp: z.string(),
        session_id: z.string().nullish(),
        window_id: z.string().nullish(),
        options: z.record(z.string(), z.unknown()).nullish(),
        properties: z.record(z.string(), z.unknown()).nullish(),
      }),
    ),
  })
  .meta({ id: 'PostHogBatch' })

const results = z
  .looseObject({
    results: z.record(
      z.string(),
      z.looseObject({
        result: z
          .enum(['ok', 'drop', 'retry'])
          .describe('`retry`: not stored, send this one again after `Retry-After`'),
        details: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'PostHogResults', description: 'What became of each event, by its uuid' })

const refusal = z
  .looseObject({ error: z.string(), error_description: z.string(), error_uri: z.string() })
  .meta({ id: 'PostHogRefusal' })

const usual = '/i/v1/analytics/events'

export function describePosthogV1({ path }: SourceRoute): SourceDescription {
  return {
    group: posthogGroup,
    summary: 'Send a batch as PostHog’s libraries do, v1',
    description:
      'The key is a Bearer token, the library stands in `PostHog-Sdk-Info` and the client’s clock in `PostHog-Request-Timestamp`. The answer is 200 with a result per event, also when some have to be sent again.',
    ...(path !== usual && { sameAs: usual }),
    body: {
      'application/json': {
        schema: body,
        example: {
          created_at: when,
          batch: [{ event: 'Signed Up', uuid, distinct_id: 'ada', timestamp: when, properties: { plan: 'pro' } }],
        },
      },
    },
    answer: { 'application/json': { schema: results, example: { results: { [uuid]: { result: 'ok' } } } } },
    refusal: { 'application/json': { schema: refusal } },
    partly: {
      'application/json': {
        schema: refusal,
        example: {
          error: 'service_unavailable',
          error_description: 'the log is full: free some space',
          error_uri: 'urn:millrace:problem:unavailable',
        },
      },
    },
  }
}
