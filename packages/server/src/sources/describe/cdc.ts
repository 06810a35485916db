import { z } from 'zod'
import { jsonTypes, ndjsonTypes } from '../media-types.ts'
import type { SourceDescription } from '../source.ts'
import { bodies } from './bodies.ts'
import { ownAnswers } from './receipts.ts'

const id = z.union([z.string(), z.number()]).nullish()
const object = z.record(z.string(), z.unknown())
const operation = z.string().describe('INSERT, UPDATE, DELETE, READ, TRUNCATE, or c, u, d, r, t')

const plain = z
  .looseObject({
    op: operation,
    table: z.string(),
    schema: z.string().nullish(),
    key: z.union([z.string(), z.number(), object]).nullish().describe('the row’s key; of several columns an object'),
    before: object.nullish(),
    after: object.nullish(),
    lsn: id.describe('place in the database’s log'),
    ts: z.union([z.string(), z.number()]).nullish().describe('RFC 3339 or Unix ms'),
    transactionId: id,
    version: z.number().nullish(),
    dbSystem: z.string().default('sqlite'),
    id: id.describe('the event’s id, not the row’s'),
  })
  .meta({ id: 'ChangeEvent', description: 'A change of one row' })

const row = z.union([object, z.string()]).nullish().describe('an object; with MongoDB its JSON text')
const change = z
  .looseObject({ op: z.enum(['c', 'u', 'd', 'r', 't', 'm']), source: object, before: row, after: row })
  .meta({ id: 'DebeziumChange', description: 'A Debezium event without its schema' })
const envelope = z
  .looseObject({ schema: object.nullish(), payload: change.nullable() })
  .meta({ id: 'DebeziumEnvelope', description: 'A Debezium event as the JSON converter writes it' })
const record = z
  .looseObject({
    key: z.unknown(),
    value: z.union([envelope, change, z.string(), z.null()]).describe('null: a tombstone'),
    topic: z.string().optional(),
    partition: z.number().optional(),
    offset: z.number().optional(),
    timestamp: z.number().optional(),
  })
  .meta({ id: 'ChangeRecord', description: 'A Kafka record with its key' })

const event = z.union([plain, change, envelope, record])
const body = z.union([
  event,
  z.array(event),
  z.looseObject({ events: z.array(event) }),
  z.looseObject({ records: z.array(event) }),
])

const example = {
  op: 'UPDATE',
  schema: 'public',
  table: 'users',
  key: '7',
  before: { id: 7, plan: 'free' },
  after: { id: 7, plan: 'pro' },
  lsn: '46523128',
  ts: '2026-11-21T09:00:00Z',
  dbSystem: 'postgresql',
}

export const describeCdc = (): SourceDescription => ({
  group: 'Sending: change data capture',
  summary: 'Send changes of database rows',
  description:
    'Plain change events or Debezium envelopes (with or without `schema`), one, an array, `{"events":[…]}`, `{"records":[…]}`, or NDJSON. Snapshots older than 30 days need an admin key and `x-millrace-historical: 1`.',
  body: {
    ...bodies(jsonTypes, { schema: body, example }),
    ...bodies(ndjsonTypes, { example: `${JSON.stringify(example)}\n` }),
  },
  ...ownAnswers,
})
