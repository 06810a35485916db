import { z } from 'zod'
import type { RouteDescription } from '../../http/describe.ts'
import { problemMediaType } from '../../http/problem.ts'
import { storedEvent, storedEventExample } from '../answers/event.ts'
import { maxFilters } from './filter.ts'
import { maxTopics } from './interest.ts'
import { errorsTopic } from './topic.ts'

/** What opening.ts reads. */
const query = z.object({
  topic: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe(
      `\`<event_type>.<event_name>\`; \`a.*\`: one segment more, \`a.**\`: all below, \`*\`: every topic; \`_errors\`, exactly: what was not admitted, without filters; repeatable, at most ${maxTopics}`,
    ),
  filter: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe(
      `\`<column><op><value>\`, op one of \`=\` \`!=\` \`>\` \`<\` \`>=\` \`<=\` \`~\`; a JSON column with a path: \`properties.plan=pro\`; all must hold; repeatable, at most ${maxFilters}`,
    ),
  lastEventId: z
    .string()
    .optional()
    .describe('a cursor of this stream, or the id of an event: begin behind it. A gap is told'),
  fromTimestamp: z.string().optional().describe('begin with what arrived then; RFC 3339 with its zone, or Unix ms'),
  token: z.string().optional().describe('the key, where a browser cannot set headers'),
  project: z.string().optional().describe('another project than the key’s own: only with an admin key'),
})

const one = z.strictObject({
  type: z.literal('event'),
  cursor: z.string().describe('opaque; what `lastEventId` takes'),
  topic: z.string(),
  event: storedEvent,
})

/** Of topic `_errors`. */
const refused = z.strictObject({
  type: z.literal('event'),
  topic: z.literal(errorsTopic),
  event: z.strictObject({
    id: z.string(),
    project: z.string(),
    event_source: z.string(),
    received_at: z.string(),
    outcome: z.enum(['quarantined', 'dropped']),
    reason: z.string(),
    issues: z.array(z.string()).describe('`<JSON pointer>: <what is wrong>`; nothing of the event itself'),
  }),
})

/** What a subscriber gets. */
const liveMessage = z
  .union([
    one,
    refused,
    z.strictObject({ type: z.literal('batch'), events: z.union([z.array(one), z.array(refused)]) }),
    z.strictObject({
      type: z.literal('gap'),
      topic: z.literal(errorsTopic).optional().describe('of refused events; without it, of events'),
      missed: z.int().describe('events skipped, before filters'),
    }),
    z
      .looseObject({
        type: z.enum([
          'connected',
          'warning',
          'backpressure',
          'error',
          'shutdown',
          'subscribed',
          'unsubscribed',
          'pong',
          'token_refreshed',
          'token_error',
          'query_result',
          'query_error',
        ]),
      })
      .describe('about the stream itself'),
  ])
  .meta({ id: 'LiveMessage', description: 'One message of a stream' })

const example = {
  type: 'event' as const,
  cursor: 'm1.AQAAAQ',
  topic: 'track.signed_up',
  event: storedEventExample,
}

const codes =
  'What is wrong with a topic, filter or cursor has a `code` of its own beside `malformed`: `EMPTY_TOPIC`, `TOPIC_TOO_LONG`, `PATH_TRAVERSAL`, `RESERVED_PREFIX`, `INVALID_CHARACTER`, `INVALID_DOT_POSITION`, `CONSECUTIVE_DOTS`, `MAX_DEPTH_EXCEEDED`, `INVALID_WILDCARD`, `TOO_MANY_TOPICS`, `INVALID_FILTER`, `UNKNOWN_COLUMN`, `TOO_MANY_FILTERS`, `INVALID_CURSOR`, `INVALID_TIMESTAMP`.'

const common = {
  group: 'Live',
  scope: 'read',
  query,
  problems: ['malformed', 'unauthorized', 'forbidden', 'not_found', 'unavailable'],
} as const

export const describesSse: RouteDescription = {
  ...common,
  summary: 'Events as they are stored, as server-sent events',
  description: `Each \`data:\` line is one message; \`id\` is its cursor, which an EventSource sends back as \`Last-Event-ID\`. ${codes}`,
  headers: z.object({ 'last-event-id': z.string().optional().describe('as `lastEventId`') }),
  answers: {
    200: {
      description: 'The stream; schema and example are of a `data:` line.',
      content: {
        'text/event-stream': { schema: liveMessage, example },
      },
    },
  },
}

export const describesWebSocket: RouteDescription = {
  ...common,
  summary: 'Events as they are stored, by WebSocket',
  description: `Messages are those of \`LiveMessage\`. A client may say \`{"type":"subscribe","topics":[…]}\`, \`unsubscribe\`, \`ping\`, \`{"type":"refresh_token","token":"…"}\`, \`{"type":"query","id":"…","sql":"…","params":{…}}\` and \`{"type":"end_query","id":"…"}\`. ${codes}`,
  answers: {
    101: { description: 'The WebSocket is open.' },
    426: { description: 'The request did not ask for a WebSocket.', content: { [problemMediaType]: {} } },
  },
}
