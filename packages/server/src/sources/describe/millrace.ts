import { eventJsonSchema } from '@millrace/protocol'
import { z } from 'zod'
import { fromJsonSchema } from '../../http/describe.ts'
import { jsonTypes, ndjsonTypes } from '../media-types.ts'
import type { SourceDescription } from '../source.ts'
import { bodies } from './bodies.ts'
import { cloudEventsBodies } from './cloudevents.ts'
import { ownAnswers } from './receipts.ts'

/** As the protocol declares it, but that this route takes an event without a type as `track`. */
function sentEvent(): Readonly<Record<string, unknown>> {
  const schema = eventJsonSchema() as {
    required: string[]
    properties: Record<string, object>
    allOf: { if: { properties: { event_type: { const: string } }; required?: string[] } }[]
  }
  const rules = schema.allOf.map((rule) =>
    rule.if.properties.event_type.const === 'track' ? { ...rule, if: { properties: rule.if.properties } } : rule,
  )
  return {
    ...schema,
    required: schema.required.filter((name) => name !== 'event_type'),
    properties: { ...schema.properties, event_type: { ...schema.properties['event_type'], default: 'track' } },
    allOf: rules,
    description: `${(schema as { description?: string }).description} A key that is no column is kept under properties.`,
  }
}

const event = fromJsonSchema('Event', sentEvent())
const body = z.union([
  event,
  z.array(event),
  z.looseObject({
    batch_id: z.string().optional(),
    sent_at: z.union([z.string(), z.number()]).optional().describe('when it was sent, by the client’s clock'),
    events: z.array(event),
  }),
])

export const describeMillrace = (): SourceDescription => ({
  group: 'Sending: Millrace JSON',
  summary: 'Send events as Millrace JSON',
  description:
    'One event, an array, `{"events":[…]}`, or NDJSON. Keys are the columns of the unified schema; `event_type` is `track` when left out. An event that cannot be taken is quarantined and has a receipt; it does not hold up the others. CloudEvents 1.0 come here too: structured and batched by their content types, in binary mode with `ce-` headers and the data, of any type, as the body.',
  body: {
    ...bodies(jsonTypes, {
      schema: body,
      example: {
        event_type: 'track',
        event_name: 'signed_up',
        actor_id: 'ada',
        timestamp: '2026-11-21T09:00:00Z',
        properties: { plan: 'pro' },
      },
    }),
    ...bodies(ndjsonTypes, {
      example:
        '{"event_name":"signed_up","actor_id":"ada","timestamp":"2026-11-21T09:00:00Z"}\n{"event_name":"paid","actor_id":"ada","timestamp":"2026-11-21T09:01:00Z"}\n',
    }),
    ...cloudEventsBodies,
  },
  ...ownAnswers,
})
