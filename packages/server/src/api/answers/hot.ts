import { z } from 'zod'
import type { ErrorCode } from '../../core/errors.ts'
import type { RouteDescription } from '../../http/describe.ts'
import { hotColumns } from '../../query/hot-events.ts'
import { time } from '../parameters.ts'
import { storedEvent, storedEventExample } from './event.ts'
import { sqlAnswer } from './sql.ts'

const group = 'S3’s hot tier'
const refusals: readonly ErrorCode[] = ['malformed', 'unauthorized', 'forbidden', 'not_found', 'unavailable', 'timeout']
const withBody: readonly ErrorCode[] = [...refusals, 'slow_body', 'too_large', 'unsupported_media_type']
const json = (schema: z.ZodType, example: unknown) => ({ 'application/json': { schema, example } })

export const hotSqlBody = z
  .object({
    query: z.string().min(1).max(100_000).optional().describe('one SELECT; required, here or as `sql`'),
    sql: z.string().min(1).max(100_000).optional().describe('another name of `query`'),
    params: z.record(z.string(), z.unknown()).default({}).describe('values of `{name:Type}` in the query'),
  })
  .refine(({ query, sql }) => (query ?? sql) !== undefined, 'expected {"query": "select …"}')

const limit = z.coerce.number().int().min(1).max(1000).default(100)
const anyTime = z.union([z.number(), z.string()]).transform(String).pipe(time)
export const unifiedBody = z.strictObject({
  ...(Object.fromEntries(hotColumns.map((name) => [name, z.string().optional()])) as Readonly<
    Record<(typeof hotColumns)[number], z.ZodOptional<z.ZodString>>
  >),
  timestamp_after: anyTime.optional().describe('RFC 3339 with its zone, or Unix ms'),
  limit,
})

export const traceQuery = z.object({
  trace_id: z
    .string()
    .min(1, 'expected ?trace_id=')
    .meta({ examples: ['4bf92f35'] }),
  limit,
})
export const sessionQuery = z.object({
  session_id: z
    .string()
    .min(1, 'expected ?session_id=')
    .meta({ examples: ['s-1'] }),
  limit,
})

const hotEventsAnswer = z.strictObject({ events: z.array(storedEvent), count: z.int() }).meta({ id: 'HotEvents' })
const events = {
  200: { description: 'The events.', content: json(hotEventsAnswer, { events: [storedEventExample], count: 1 }) },
}

export const describesHotSql: RouteDescription = {
  group,
  summary: 'Ask in SQL',
  description: 'As `/api/v1/sql`, always answered in JSON.',
  scope: 'read',
  body: json(hotSqlBody, { query: 'select count() as n from events' }),
  answers: {
    200: {
      description: 'The rows.',
      content: json(sqlAnswer, {
        columns: [{ name: 'n', type: 'UInt64' }],
        rows: [{ n: '98' }],
        statistics: { rows_read: 98, bytes_read: 98, elapsed_ms: 2 },
      }),
    },
  },
  problems: [...withBody, 'query_failed', 'query_refused', 'limit_exceeded'],
}

export const describesUnified: RouteDescription = {
  group,
  summary: 'The newest events with certain values',
  scope: 'read',
  body: json(unifiedBody, { event_type: 'track', limit: 10 }),
  answers: events,
  problems: withBody,
}

export const describesTrace: RouteDescription = {
  group,
  summary: 'The events of a trace, oldest first',
  scope: 'read',
  query: traceQuery,
  answers: events,
  problems: refusals,
}

export const describesSession: RouteDescription = {
  ...describesTrace,
  summary: 'The events of a session, oldest first',
  query: sessionQuery,
}

export const describesStats: RouteDescription = {
  group,
  summary: 'Live streams of this process: how many, how fast, how late',
  scope: 'admin',
  answers: {
    200: {
      description: 'Counts since its start.',
      content: json(
        z
          .strictObject({
            connections: z.strictObject({ active: z.int(), total: z.int(), limit: z.int() }),
            messages_sent: z.int(),
            messages_per_second: z.number().describe('over the last minute'),
            events_missed: z.int(),
            errors: z.int(),
            latency_ms: z
              .strictObject({ p50: z.number().nullable(), p95: z.number().nullable(), p99: z.number().nullable() })
              .describe('from the arrival at the collector to the sending'),
            pending_bytes: z.int(),
          })
          .meta({ id: 'LiveStats' }),
        {
          connections: { active: 2, total: 7, limit: 10_000 },
          messages_sent: 98,
          messages_per_second: 1.6,
          events_missed: 0,
          errors: 0,
          latency_ms: { p50: 4, p95: 9, p99: 14 },
          pending_bytes: 0,
        },
      ),
    },
  },
  problems: ['unauthorized', 'forbidden', 'not_found'],
}

export const describesBroadcast: RouteDescription = {
  group,
  summary: 'Store one event and show it to subscribers',
  description:
    'A unified event (it has `event_type` or `event_name`), or `{"topic":"…","event":{…}}`, whose topic the stream keeps. It goes through the collector like every other.',
  scope: 'write',
  body: json(
    z.union([
      z.looseObject({ event_type: z.string().optional(), event_name: z.string().optional() }),
      z.looseObject({
        topic: z.string().default('default'),
        event: z.looseObject({
          id: z.string().optional(),
          type: z.string().default('broadcast'),
          payload: z.unknown().optional(),
          timestamp: z.union([z.string(), z.number()]).optional(),
        }),
      }),
    ]),
    { topic: 'orders.paid', event: { id: 'o-1', type: 'paid', payload: { amount: 12.5 } } },
  ),
  answers: {
    200: {
      description: 'It has a durable outcome.',
      content: json(
        z
          .strictObject({
            success: z.boolean(),
            id: z.string(),
            event_type: z.string().optional(),
            outcome: z.enum(['stored', 'duplicate', 'dropped']),
          })
          .meta({ id: 'BroadcastAnswer' }),
        { success: true, id: 'o-1', outcome: 'stored' },
      ),
    },
  },
  problems: [...withBody, 'rate_limited'],
}
