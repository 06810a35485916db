import { z } from 'zod'
import type { Contents } from '../../http/describe.ts'
import { cloudEventsTypes } from '../media-types.ts'

const event = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string().min(1).describe('unique for its source'),
    source: z.string().min(1),
    type: z.string().min(1).describe('the event’s name'),
    subject: z.string().nullish(),
    time: z.string().nullish().describe('RFC 3339'),
    datacontenttype: z.string().nullish(),
    dataschema: z.string().nullish(),
    data: z.unknown().optional(),
    data_base64: z.string().nullish(),
  })
  .meta({ id: 'CloudEvent', description: 'CloudEvents 1.0; extension attributes are kept' })

const example = {
  specversion: '1.0',
  id: 'A234-1234-1234',
  source: '/orders',
  type: 'com.example.order.placed',
  subject: '7',
  time: '2026-11-21T09:00:00Z',
  datacontenttype: 'application/json',
  data: { total: 12.5 },
}

const [structured, batched] = cloudEventsTypes

/** Beside Millrace's own forms on the same path. */
export const cloudEventsBodies: Contents = {
  [structured]: { schema: event, example },
  [batched]: { schema: z.array(event), example: [example] },
}
