import { z } from 'zod'
import type { RouteDescription } from '../../http/describe.ts'
import { segmentGroup } from './segment.ts'

const path = z.object({ writeKey: z.string().meta({ example: 'any' }) })
const json = (schema: z.ZodType) => ({ 'application/json': { schema } })

const settings = z
  .looseObject({
    integrations: z.looseObject({
      'Segment.io': z.looseObject({
        apiKey: z.string(),
        apiHost: z.string().describe('the host that was asked, with the base path and `/v1`'),
        protocol: z.enum(['http', 'https']),
      }),
    }),
  })
  .meta({ id: 'SegmentSettings' })

export const describeSettings: RouteDescription = {
  group: segmentGroup,
  summary: 'Settings that Segment’s browser and mobile libraries ask for',
  description:
    'Set `cdnURL` of analytics-next to this server and it needs nothing else. There are no destinations; events go to the host that was asked. A key that may not send, or not from this origin, is refused.',
  path,
  answers: { 200: { description: 'What the library expects.', content: json(settings) } },
  problems: ['malformed', 'unauthorized', 'forbidden'],
}

export const describeLibraryMetrics: RouteDescription = {
  group: segmentGroup,
  summary: 'Counts that Segment’s browser library makes of itself',
  description: 'Taken and thrown away: they say nothing of what anybody did.',
  body: {
    'text/plain': {
      schema: z.looseObject({ series: z.array(z.looseObject({})) }),
      example: { series: [] },
    },
  },
  answers: { 200: { description: 'Nothing is stored.', content: json(z.looseObject({ success: z.literal(true) })) } },
  problems: ['slow_body', 'too_large'],
}

export const describeClassicScript: RouteDescription = {
  group: segmentGroup,
  summary: 'Where Segment’s snippet looks for its script: not here',
  description:
    'Always 404, with what to do: serve `dist/umd/standalone.js` of the npm package `@segment/analytics-next` from your own site.',
  path,
  answers: {},
  problems: ['not_found'],
}
