import { z } from 'zod'
import { jsonTypes, ndjsonTypes } from '../media-types.ts'
import type { SourceDescription } from '../source.ts'
import { bodies } from './bodies.ts'
import { ownAnswers } from './receipts.ts'

const object = z.record(z.string(), z.unknown())

const item = z
  .looseObject({
    scriptName: z.string().nullable(),
    scriptVersion: z.union([z.string(), object]).nullish(),
    outcome: z.string().describe('ok, exception, exceededCpu …'),
    eventTimestamp: z.number().nullable().describe('Unix ms'),
    event: object.nullish().describe('request and response; cron; queue; rpcMethod …'),
    logs: z.array(object).nullish(),
    exceptions: z.array(object).nullish(),
    diagnosticsChannelEvents: z.array(object).nullish(),
    cpuTime: z.number().nullish(),
    wallTime: z.number().nullish(),
  })
  .meta({ id: 'TailItem', description: 'One invocation of a Worker' })
const line = z
  .looseObject({ ScriptName: z.string(), EventTimestampMs: z.number(), EventType: z.string(), Outcome: z.string() })
  .meta({ id: 'WorkersTraceEvent', description: 'A line of Logpush’s workers_trace_events' })
const one = z.union([item, line])
const body = z.union([
  z.array(one),
  one,
  z.looseObject({ events: z.array(one) }),
  z.looseObject({ traces: z.array(one) }),
])

const example = [
  {
    scriptName: 'shop',
    outcome: 'ok',
    eventTimestamp: 1795251600000,
    event: { request: { url: 'https://shop.example/cart', method: 'GET', headers: {} }, response: { status: 200 } },
    logs: [{ level: 'log', message: ['hit'], timestamp: 1795251600001 }],
    exceptions: [],
    cpuTime: 2,
    wallTime: 11,
  },
]
const lineExample = {
  ScriptName: 'shop',
  EventTimestampMs: 1795251600000,
  EventType: 'fetch',
  Outcome: 'ok',
  Event: {
    RayID: '8a1b2c3d4e5f6a7b',
    Request: { URL: 'https://shop.example/', Method: 'GET' },
    Response: { Status: 200 },
  },
}

export const describeWorkersTail = (): SourceDescription => ({
  group: 'Sending: Workers tail',
  summary: 'Send invocations of Cloudflare Workers',
  description:
    'What a Tail Worker gets, as it is, or the lines of Logpush’s `workers_trace_events`. Headers that log in and addresses of clients are not stored.',
  body: {
    ...bodies(jsonTypes, { schema: body, example }),
    ...bodies(ndjsonTypes, { example: `${JSON.stringify(lineExample)}\n` }),
  },
  ...ownAnswers,
})
