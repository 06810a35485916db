import { z } from 'zod'
import { jsonTypes } from '../media-types.ts'
import type { SourceDescription } from '../source.ts'
import { bodies } from './bodies.ts'
import { ownAnswers } from './receipts.ts'

const text = z.string().nullish()
const id = z.union([z.string(), z.number()]).nullish()
const time = z.union([z.string(), z.number()]).nullish()
const amount = z.number().nonnegative().nullish()

/** Beside the signals; in the query too, but for the key's `sentAt`. */
const context = {
  sessionId: id,
  pageUrl: text.describe('the page; else the Referer, where it names one'),
  userId: id,
  anonymousId: id,
  ns: text,
  userAgent: text,
  timestamp: time.describe('when it happened: ISO 8601, or Unix ms'),
  sentAt: time.describe('when it was sent, by the client’s clock: corrects the times of a clock that is wrong'),
  writeKey: text.describe('the key, where neither a header nor `?writeKey=` has it'),
}
const group = 'Sending: browser signals'

const metric = z
  .looseObject({
    name: z.enum(['LCP', 'FID', 'CLS', 'TTFB', 'FCP', 'INP']),
    value: z.number().nonnegative().describe('milliseconds; of CLS the score'),
    id: id.describe('with the value the event’s id'),
    delta: z.number().nullish(),
    rating: z.enum(['good', 'needs-improvement', 'poor']).nullish(),
    navigationType: text,
    entries: z.array(z.unknown()).nullish(),
    attribution: z.looseObject({}).nullish(),
  })
  .meta({ id: 'WebVital', description: 'A metric object of web-vitals, as it is' })

export const describeVitals = (): SourceDescription => ({
  group,
  summary: 'Send metrics of web-vitals',
  description:
    'One metric object, an array, or `{"vitals":[…]}` (`metrics` too) with what holds for all beside it. Fit for `navigator.sendBeacon`.',
  body: bodies(jsonTypes, {
    schema: z.union([metric, z.array(metric), z.looseObject({ vitals: z.array(metric), ...context })]),
    example: {
      pageUrl: 'https://shop.example/pricing',
      sessionId: 's-1',
      vitals: [
        { name: 'CLS', value: 0, delta: 0, rating: 'good', id: 'v6-1795251600000-1', navigationType: 'navigate' },
      ],
    },
  }),
  ...ownAnswers,
})

const recorded = z
  .looseObject({
    type: z.int().describe('kind of the event: 2 a full snapshot, 3 an increment'),
    timestamp: z.union([z.number(), z.string()]).describe('Unix ms'),
    data: z.unknown(),
  })
  .meta({ id: 'ReplayEvent', description: 'An event of an rrweb recording, as it is' })
const chunk = z.looseObject({
  ...context,
  sequence: z.int().nonnegative().nullish().describe('number of the chunk within the session'),
  startedAt: time.describe('when the session began'),
  events: z.array(z.union([recorded, z.string()])).optional(),
  data: z.string().optional().describe('instead of events: base64 of them as JSON, compressed with gzip or not'),
})
const compressedBody = z.string().meta({ format: 'binary', description: 'the same JSON, compressed with gzip or zlib' })

export const describeReplay = (): SourceDescription => ({
  group,
  summary: 'Send a chunk of a session recording',
  description:
    'Events of rrweb: an object with `events`, an array, or one event. What an array or a compressed body cannot say stands in the query: `?sessionId=…&sequence=…`. An event may have 5 MB.',
  body: {
    ...bodies(jsonTypes, {
      schema: z.union([chunk, z.array(recorded), recorded]),
      example: {
        sessionId: 's-1',
        sequence: 0,
        pageUrl: 'https://shop.example/pricing',
        events: [
          {
            type: 4,
            data: { href: 'https://shop.example/pricing', width: 1280, height: 720 },
            timestamp: 1795251600000,
          },
        ],
      },
    }),
    ...bodies(['application/octet-stream', 'application/gzip', 'application/x-gzip'], { schema: compressedBody }),
  },
  ...ownAnswers,
})

const entry = z
  .looseObject({
    name: z.string().describe('URL of the resource'),
    initiatorType: text,
    startTime: amount,
    duration: amount,
    domainLookupStart: amount,
    domainLookupEnd: amount,
    connectStart: amount,
    connectEnd: amount,
    requestStart: amount,
    responseStart: amount,
    responseEnd: amount,
    transferSize: amount,
    encodedBodySize: amount,
    decodedBodySize: amount,
    requestId: id,
    sessionId: id,
    pageUrl: text,
    timestamp: time,
  })
  .meta({
    id: 'ResourceTiming',
    description: 'A PerformanceResourceTiming entry as JSON, with what the page adds to it',
  })

export const describeSnippet = (): SourceDescription => ({
  group,
  summary: 'Send resource timing',
  description:
    'Entries of `performance.getEntriesByType("resource")`: one, an array, or `{"entries":[…]}` (`resources` too) with what holds for all beside it; `timeOrigin` makes times of their offsets.',
  body: bodies(jsonTypes, {
    schema: z.union([
      entry,
      z.array(entry),
      z.looseObject({ entries: z.array(entry), timeOrigin: time.describe('performance.timeOrigin'), ...context }),
    ]),
    example: {
      pageUrl: 'https://shop.example/pricing',
      sessionId: 's-1',
      timeOrigin: 1795251600000,
      entries: [
        {
          name: 'https://shop.example/app.js',
          initiatorType: 'script',
          startTime: 12.5,
          duration: 30,
          domainLookupStart: 14,
          domainLookupEnd: 14,
          connectStart: 14,
          connectEnd: 14,
          requestStart: 15,
          responseStart: 38,
          responseEnd: 42.5,
          transferSize: 1300,
          decodedBodySize: 4096,
        },
      ],
    },
  }),
  ...ownAnswers,
})
