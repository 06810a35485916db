import { z } from 'zod'
import { jsonTypes, ndjsonTypes } from '../media-types.ts'
import type { SourceDescription } from '../source.ts'
import { bodies } from './bodies.ts'
import { ownAnswers } from './receipts.ts'

const id = z.union([z.string(), z.number()]).nullish()
const time = z.union([z.string(), z.number()]).nullish().describe('RFC 3339 or Unix ms')
const object = z.record(z.string(), z.unknown()).nullish()

const event = z
  .looseObject({
    id: id.describe('the event’s id'),
    verb: z.string().describe('what happened: `Order.placed`'),
    source: id.describe('the entity: `Customer/cust-1`'),
    sourceType: id,
    data: object,
    actionId: id.describe('the action that caused it'),
    actor: id,
    actorType: id,
    timestamp: time,
    createdAt: time.describe('counts where timestamp is absent'),
    bizStep: id,
    disposition: id,
    bizTransaction: id,
    bizLocation: id,
    readPoint: id,
  })
  .meta({ id: 'DomainEvent' })
const action = z
  .looseObject({
    id: z.union([z.string(), z.number()]),
    verb: z.string(),
    status: z.enum(['completed', 'failed']).describe('one that is still under way is quarantined'),
    durability: z.enum(['send', 'try', 'do']).nullish(),
    actor: id,
    target: id.describe('`Customer/cust-1`'),
    inputVersion: z.number().nullish(),
    outputVersion: id,
    error: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
    requestId: id,
    sessionId: id,
    workflowId: id,
    startedAt: time,
    completedAt: time,
    durationMs: z.number().nullish(),
  })
  .meta({ id: 'DomainAction' })
const item = z.union([event, action])
const body = z.union([
  item,
  z.array(item),
  z.looseObject({ ns: z.string().optional(), events: z.array(event).optional(), actions: z.array(action).optional() }),
])

const example = {
  ns: 'https://app.example',
  events: [
    {
      id: 'evt-1',
      verb: 'signup',
      source: 'Customer/cust-1',
      sourceType: 'Customer',
      actionId: 'act-1',
      data: { plan: 'pro' },
      timestamp: '2026-11-21T09:00:00.250Z',
    },
  ],
  actions: [
    {
      id: 'act-1',
      verb: 'create',
      status: 'completed',
      durability: 'do',
      actor: 'Human/ada',
      target: 'Customer/cust-1',
      startedAt: '2026-11-21T09:00:00Z',
      completedAt: '2026-11-21T09:00:00.300Z',
    },
  ],
}

export const describeDomainEvents = (): SourceDescription => ({
  group: 'Sending: domain events and actions',
  summary: 'Send domain events and actions',
  description:
    'One, an array, `{"ns":…,"events":[…],"actions":[…]}`, or NDJSON. An item with a `status` or a `durability` is an action.',
  body: {
    ...bodies(jsonTypes, { schema: body, example }),
    ...bodies(ndjsonTypes, { example: `${JSON.stringify(example.events[0])}\n` }),
  },
  ...ownAnswers,
})
