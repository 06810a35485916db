import { z } from 'zod'
import { segmentKinds } from '../../decoders/segment.ts'
import { jsonTypes } from '../media-types.ts'
import type { SourceDescription, SourceRoute } from '../source.ts'
import { bodies } from './bodies.ts'
import { ownAnswers } from './receipts.ts'

const id = z.union([z.string(), z.number()]).nullish()
const object = z.record(z.string(), z.unknown()).nullish()
const time = z.union([z.string(), z.number()]).nullish()

/** What every message may hold; more keys are kept. */
const common = {
  messageId: id.describe('the event’s id'),
  userId: id,
  anonymousId: id,
  timestamp: time.describe('when it happened: ISO 8601, or Unix ms'),
  sentAt: time.describe('when it was sent, by the client’s clock: corrects the times of a clock that is wrong'),
  context: object,
  integrations: object,
  writeKey: z.string().nullish().describe('the key, where no header has it'),
}
const page = { name: z.string().nullish(), category: z.string().nullish(), properties: object }
const own = {
  track: { event: z.union([z.string(), z.number()]), properties: object },
  identify: { traits: object },
  page,
  screen: page,
  group: { groupId: z.union([z.string(), z.number()]), traits: object },
  alias: { userId: z.union([z.string(), z.number()]), previousId: z.union([z.string(), z.number()]) },
} as const
type Kind = keyof typeof own

const kinds = Object.keys(own) as Kind[]
const nameOf = (kind: Kind) => `Segment${kind[0]!.toUpperCase()}${kind.slice(1)}`
const messages = Object.fromEntries(
  kinds.map((kind) => [kind, z.looseObject({ ...common, ...own[kind] }).meta({ id: nameOf(kind) })]),
) as unknown as Readonly<Record<Kind, z.ZodType>>
const batch = z
  .looseObject({
    batch: z
      .array(z.looseObject({ ...common, type: z.enum(kinds) }))
      .describe('messages of any type; beside these keys each has those of its own route'),
    sentAt: common.sentAt,
    writeKey: common.writeKey,
    context: object.describe('for messages that have none'),
    integrations: object,
  })
  .meta({ id: 'SegmentBatch' })

const when = '2026-11-21T09:00:00.000Z'
const examples: Readonly<Record<Kind, object>> = {
  track: { event: 'Signed Up', properties: { plan: 'pro' } },
  identify: { traits: { name: 'Ada', plan: 'pro' } },
  page: { name: 'Pricing', properties: { url: 'https://shop.example/pricing' } },
  screen: { name: 'Basket' },
  group: { groupId: 'acme', traits: { name: 'Acme' } },
  alias: { previousId: '2f1c' },
}
const example = (kind: Kind) => ({ messageId: `m-${kind}`, userId: 'ada', timestamp: when, ...examples[kind] })

export const segmentGroup = 'Sending: Segment'

/** One description for the long form of each route; the others are names of it. */
export function describeSegment({ path, kind }: SourceRoute): SourceDescription {
  const long = segmentKinds[kind]!
  const usual = `/v1/${long}`
  const isBatch = long === 'batch'
  return {
    group: segmentGroup,
    summary: isBatch ? 'Send a batch of Segment messages' : `Send one Segment ${long} message`,
    ...(isBatch && {
      description: 'What every Segment library sends. A bad message is quarantined and does not hold up the others.',
    }),
    ...(path !== usual && { sameAs: usual }),
    body: bodies(
      jsonTypes,
      isBatch
        ? { schema: batch, example: { batch: [{ type: 'track', ...example('track') }], sentAt: when } }
        : { schema: messages[long], example: example(long) },
    ),
    ...ownAnswers,
  }
}
