import { z } from 'zod'
import { problemMediaType } from '../../http/problem.ts'
import { jsonTypes } from '../media-types.ts'
import type { SourceDescription } from '../source.ts'
import { bodies } from './bodies.ts'

const payload = z.looseObject({
  website: z.string().describe('the write key'),
  hostname: z.string().optional().describe('becomes `ns`'),
  url: z.string().optional(),
  referrer: z.string().optional(),
  title: z.string().optional(),
  screen: z.string().optional(),
  language: z.string().optional(),
  name: z.string().optional().describe('of an event that is no page view'),
  data: z.record(z.string(), z.unknown()).optional(),
  id: z.string().optional().describe('who the visitor is'),
})
const event = z
  .looseObject({ type: z.enum(['event', 'identify', 'performance', 'engagement', 'error']), payload })
  .meta({ id: 'UmamiEvent' })

export const describeUmami = (): SourceDescription => ({
  group: 'Sending: web trackers',
  summary: 'Send an event as Umami’s tracker does',
  body: bodies(jsonTypes, {
    schema: z.union([event, z.array(event)]),
    example: {
      type: 'event',
      payload: { website: 'b59e9c65-ae32-47f1-8400-119fcf4861c4', hostname: 'shop.example', url: '/pricing' },
    },
  }),
  answer: { 'application/json': { schema: z.strictObject({ cache: z.string(), disabled: z.boolean() }) } },
  partly: { [problemMediaType]: {} },
})
