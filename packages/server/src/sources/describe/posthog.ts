import { z } from 'zod'
import { jsonTypes } from '../media-types.ts'
import type { SourceDescription, SourceRoute } from '../source.ts'
import { bodies } from './bodies.ts'
import { posthogGroup } from './posthog-replies.ts'
import { ownAnswers } from './receipts.ts'

const id = z.union([z.string(), z.number()]).nullish()
const object = z.record(z.string(), z.unknown()).nullish()
const time = z.union([z.string(), z.number()]).nullish()

const event = z
  .looseObject({
    event: z.string().optional().describe('its name; `/engage/` needs none'),
    uuid: z.string().nullish().describe('the event’s id'),
    distinct_id: id,
    properties: object,
    $set: object,
    $set_once: object,
    timestamp: time.describe('when it happened: ISO 8601 (UTC where no zone is said), or Unix ms'),
    offset: z.number().nullish().describe('instead of a timestamp: milliseconds before it was sent'),
    api_key: z.string().nullish().describe('the key; also as `token`, and in the properties'),
  })
  .meta({ id: 'PostHogEvent' })

const body = z.union([
  event,
  z.array(event),
  z.looseObject({
    batch: z.array(event),
    api_key: z.string().nullish(),
    sent_at: time.describe('when it was sent, by the client’s clock: corrects the times of a clock that is wrong'),
  }),
])

const okAnswer = Object.fromEntries(
  Object.entries(ownAnswers.answer).map(([type, { example }]) => [
    type,
    {
      schema: z
        .looseObject({ status: z.literal(1), success: z.literal(true), stored: z.int() })
        .meta({ id: 'PostHogStored', description: 'What PostHog’s libraries expect, with our counts and receipts' }),
      example: { status: 1, ...(example as object) },
    },
  ]),
)

const usual = '/batch/'

/** All its routes take every form. */
export function describePosthog({ path, kind }: SourceRoute): SourceDescription {
  const isEngage = kind === 'engage'
  return {
    group: posthogGroup,
    summary: isEngage ? 'Set properties of people, as PostHog’s libraries do' : 'Send events as PostHog’s libraries do',
    description:
      'One event, an array of them, or a batch. Gzip is understood without `content-encoding`; base64, `data=` of a form and lz-string (`compression=lz64`) too.',
    ...(path !== usual && !isEngage && { sameAs: usual }),
    body: bodies(jsonTypes, {
      schema: body,
      example: {
        api_key: 'phc_key',
        batch: [
          {
            event: 'Signed Up',
            uuid: '0198f7a2-7f5c-7c1e-b1f0-3d9f6d2a4c11',
            distinct_id: 'ada',
            properties: { plan: 'pro' },
            timestamp: '2026-11-21T09:00:00.000Z',
          },
        ],
        sent_at: '2026-11-21T09:00:01.000Z',
      },
    }),
    answer: okAnswer,
    partly: ownAnswers.partly,
  }
}
