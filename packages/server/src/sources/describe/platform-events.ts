import { z } from 'zod'
import { platformCategories } from '../../decoders/platform-event-types.ts'
import { jsonTypes, ndjsonTypes } from '../media-types.ts'
import type { SourceDescription } from '../source.ts'
import { bodies } from './bodies.ts'
import { ownAnswers } from './receipts.ts'

const id = z.union([z.string(), z.number()]).nullish()
const time = z.union([z.string(), z.number()]).nullish()
const object = z.record(z.string(), z.unknown()).nullish()

const event = z
  .looseObject({
    event_id: id.describe('the event’s id'),
    event_type: z.string().describe('`entity.action`, e.g. `project.created`'),
    event_category: z
      .enum(platformCategories)
      .nullish()
      .describe('decides how long it is kept; known types need not say it'),
    user_id: id,
    entity_type: z.string().nullish(),
    entity_id: id,
    event_data: object,
    metadata: object.describe('session_id, user_agent, referrer, page_url, geo_location, device_info; more is kept'),
    source: z.enum(['web', 'mobile', 'api', 'system']).default('web'),
    timestamp: time.describe('RFC 3339 or Unix ms'),
  })
  .meta({ id: 'PlatformEvent' })
const body = z.union([event, z.array(event), z.looseObject({ events: z.array(event) })])

const example = {
  event_id: '6f1c1f0e-7f0b-4f7e-8d2a-2f4b8a1c9e10',
  event_type: 'project.created',
  user_id: '9a4d2c1b-0e3f-4a5b-8c6d-7e8f9a0b1c2d',
  entity_type: 'project',
  entity_id: '3c2b1a09-8f7e-4d6c-9b5a-4f3e2d1c0b9a',
  event_data: { title: 'Shop', budget: 5000, project_type: 'fixed' },
  metadata: { session_id: 'session_1795251600000_x1', page_url: 'https://app.example/projects/new' },
  timestamp: '2026-11-21T09:00:00Z',
}

export const describePlatformEvents = (): SourceDescription => ({
  group: 'Sending: platform events',
  summary: 'Send a platform’s own events',
  description: 'Rows of a `platform_events` table: one, an array, `{"events":[…]}`, or NDJSON.',
  body: {
    ...bodies(jsonTypes, { schema: body, example }),
    ...bodies(ndjsonTypes, { example: `${JSON.stringify(example)}\n` }),
  },
  ...ownAnswers,
})
