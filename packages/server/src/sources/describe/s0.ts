import { z } from 'zod'
import { envelopeFields, type Field, type FieldType, payloads } from '../../decoders/s0-fields.ts'
import { jsonTypes, protobufTypes } from '../media-types.ts'
import type { SourceDescription } from '../source.ts'
import { bodies } from './bodies.ts'

const int64 = z.union([z.int(), z.string().regex(/^-?\d{1,20}$/)])
const time = z.union([z.int(), z.string()]).describe('Unix ms, also as decimal string, or RFC 3339')
const types: Readonly<Record<FieldType, z.ZodType>> = {
  id: z.union([z.string(), z.number()]),
  string: z.string(),
  uint32: z.union([z.int().nonnegative(), z.string().regex(/^\d{1,10}$/)]),
  uint64: int64,
  int64,
  double: z.number(),
  bool: z.boolean(),
  enum: z.union([z.string(), z.int()]),
  time,
}

/** The lowerCamelCase names: the maps hold each field under its snake_case name too. */
function camelOnly<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...map].filter(([name]) => !name.includes('_'))
}

function fieldsOf(fields: ReadonlyMap<string, Field>): Record<string, z.ZodType> {
  return Object.fromEntries(
    camelOnly(fields).map(([name, { type, names }]) => {
      const schema = types[type].nullish()
      return [
        name,
        names === undefined
          ? schema
          : schema.describe(`${names.slice(1).join(', ')}; by name in any case, or by number`),
      ]
    }),
  )
}

const event = z
  .looseObject({
    ...fieldsOf(envelopeFields),
    ...Object.fromEntries(
      camelOnly(payloads).map(([name, { isClosed, fields }]) => [
        name,
        (isClosed ? z.strictObject(fieldsOf(fields)) : z.looseObject(fieldsOf(fields))).nullish(),
      ]),
    ),
  })
  .meta({ id: 'BrowserEvent', description: 'An envelope with one payload: BrowserEvent of browser.proto' })

const batch = z
  .looseObject({
    batchId: types.id.nullish(),
    seqNumber: int64.nullish().describe('counter of the device’s batches; a gap tells of lost ones'),
    sdkVersion: z.string().nullish(),
    sentAt: time.nullish(),
    deviceId: types.id.nullish(),
    events: z.array(event),
  })
  .meta({ id: 'EventBatch', description: 'EventBatch of browser.proto; every name also in snake_case' })

const refused = z.strictObject({
  index: z.int().nonnegative(),
  eventId: z.string(),
  reason: z.string(),
  issues: z.array(z.string()),
})
const answer = z
  .strictObject({
    batchId: z.string(),
    accepted: z.int().nonnegative(),
    duplicates: z.int().nonnegative(),
    rejected: z.array(refused).describe('not stored, and sending these again changes nothing'),
    retry: z.array(refused).describe('not stored: send these again'),
  })
  .meta({ id: 'EventBatchResponse' })

const protobuf = 'application/x-protobuf'

export const describeS0 = (): SourceDescription => ({
  group: 'Sending: browser batches',
  summary: 'Send a batch of browser events as protobuf or JSON',
  description:
    '`millrace.v1.EventBatch` of `browser.proto`, or its JSON mapping. The answer is an `EventBatchResponse` in the encoding of the request.',
  body: {
    ...bodies(jsonTypes, {
      schema: batch,
      example: {
        batchId: 'b-1',
        seqNumber: '42',
        deviceId: 'dev-1',
        events: [
          {
            eventId: 'evt_01JD8Z3C9V',
            userId: 'usr_1',
            timestamp: '1795255200000',
            pageView: { url: 'https://shop.example/', title: 'Shop' },
          },
        ],
      },
    }),
    ...bodies(protobufTypes, {}),
  },
  answer: {
    'application/json': {
      schema: answer,
      example: { batchId: 'b-1', accepted: 1, duplicates: 0, rejected: [], retry: [] },
    },
    [protobuf]: {},
  },
  partly: {
    'application/json': {
      schema: answer,
      example: {
        batchId: 'b-1',
        accepted: 0,
        duplicates: 0,
        rejected: [],
        retry: [{ index: 0, eventId: 'evt_01JD8Z3C9V', reason: 'retry', issues: [] }],
      },
    },
    [protobuf]: {},
  },
})
