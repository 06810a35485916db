import { z } from 'zod'
import { problemMediaType } from '../../http/problem.ts'
import { jsonTypes } from '../media-types.ts'
import type { SourceDescription } from '../source.ts'
import { bodies } from './bodies.ts'

const event = z
  .looseObject({
    name: z.string().describe('or `n`; `pageview` is a page view'),
    url: z.string().describe('or `u`'),
    domain: z.string().optional().describe('or `d`; becomes `ns`'),
    referrer: z.string().nullish().describe('or `r`'),
    props: z.record(z.string(), z.unknown()).optional().describe('or `p`'),
    revenue: z.record(z.string(), z.unknown()).optional().describe('or `$`'),
  })
  .meta({ id: 'PlausibleEvent' })

export const describePlausible = (): SourceDescription => ({
  group: 'Sending: web trackers',
  summary: 'Send an event as Plausible’s tracker does',
  description:
    'The answer is 202 also for an event that was quarantined; the header `x-plausible-dropped` counts it then.',
  status: 202,
  body: bodies(
    [...jsonTypes].sort((a) => (a === 'text/plain' ? -1 : 0)),
    {
      schema: event,
      example: { name: 'pageview', url: 'https://shop.example/pricing', domain: 'shop.example' },
    },
  ),
  answer: { 'text/plain': { schema: z.literal('ok') } },
  partly: { [problemMediaType]: {} },
})
