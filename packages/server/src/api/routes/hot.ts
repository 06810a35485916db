import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { PipelineError } from '../../core/errors.ts'
import { type HttpAnswer, jsonAnswer } from '../../http/answer.ts'
import type { RouteDescription } from '../../http/describe.ts'
import { problemAnswer } from '../../http/problem.ts'
import type { Exchange, Http } from '../../http/server.ts'
import { hotEvents, type HotQuestion } from '../../query/hot-events.ts'
import type { Ask } from '../../stores/ask.ts'
import type { Store } from '../../stores/store.ts'
import {
  describesBroadcast,
  describesHotSql,
  describesSession,
  describesStats,
  describesTrace,
  describesUnified,
  hotSqlBody,
  sessionQuery,
  traceQuery,
  unifiedBody,
} from '../answers/hot.ts'
import type { ApiAuth } from '../auth.ts'
import { readBroadcast } from '../broadcast.ts'
import type { Live } from '../live/live.ts'
import { liveRefusal } from '../live/refusal.ts'
import { parse } from '../parameters.ts'

export interface HotRoutes {
  readonly auth: ApiAuth
  readonly ask: Ask
  readonly store: Store
  readonly live: Live
  /** Where the collector listens; undefined while it is not known. */
  readonly collectorUrl: () => string | undefined
}

/** For the collector to answer a broadcast. */
const collectorTimeoutMs = 10_000

/** The routes of S3's hot tier, over the same parts as Millrace's own: `/events` (mounted with the streams), /query…, /broadcast, /stats. */
export function mountHot(http: Http, { auth, ask, store, live, collectorUrl }: HotRoutes): void {
  http.route({
    method: 'POST',
    path: '/query',
    dialect: 'sql',
    describes: describesHotSql,
    async respond(exchange) {
      const { project } = auth(exchange.request, 'read')
      const { query, sql, params } = parse(hotSqlBody, jsonOf(await exchange.readBody()))
      const answer = await ask.ask(project, (query ?? sql) as string, params, 'json', exchange.untilGone())
      return { status: 200, type: answer.contentType, body: Readable.from(answer.body, { objectMode: false }) }
    },
  })

  http.route({
    method: 'POST',
    path: '/query/unified',
    dialect: 'api',
    describes: describesUnified,
    async respond(exchange) {
      const { project } = auth(exchange.request, 'read')
      const body = await exchange.readBody()
      const asked = parse(unifiedBody, body.length === 0 ? {} : jsonOf(body))
      const { timestamp_after: after, limit: most, ...columns } = asked
      const equal = Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined))
      const events = await hotEvents(
        store,
        { project, equal, limit: most, order: 'newest', ...(after !== undefined && { after }) },
        exchange.untilGone(),
      )
      return jsonAnswer({ events, count: events.length })
    },
  })

  const oldestOf = (
    path: string,
    describes: RouteDescription,
    read: (query: unknown) => { readonly equal: HotQuestion['equal']; readonly limit: number },
  ) =>
    http.route({
      method: 'GET',
      path,
      dialect: 'api',
      describes,
      async respond({ request, untilGone }) {
        const { project } = auth(request, 'read')
        const events = await hotEvents(store, { project, ...read(request.query), order: 'oldest' }, untilGone())
        return jsonAnswer({ events, count: events.length })
      },
    })
  oldestOf('/query/trace', describesTrace, (query) => {
    const { trace_id, limit } = parse(traceQuery, query)
    return { equal: { trace_id }, limit }
  })
  oldestOf('/query/session', describesSession, (query) => {
    const { session_id, limit } = parse(sessionQuery, query)
    return { equal: { session_id }, limit }
  })

  http.route({
    method: 'GET',
    path: '/stats',
    dialect: 'api',
    describes: describesStats,
    respond({ request }) {
      auth(request, 'admin')
      return Promise.resolve(jsonAnswer(live.stats()))
    },
  })

  http.route({
    method: 'POST',
    path: '/broadcast',
    dialect: 'broadcast',
    describes: describesBroadcast,
    refuse: liveRefusal,
    respond: (exchange) => broadcast(exchange, auth, collectorUrl),
  })
}

/** Only the collector appends to the log: it gets the event by its own route, with the key that came here. */
async function broadcast(
  exchange: Exchange,
  auth: ApiAuth,
  collectorUrl: () => string | undefined,
): Promise<HttpAnswer> {
  const { request, requestId } = exchange
  auth(request, 'write')
  if ((request.query as { project?: unknown }).project !== undefined)
    throw new PipelineError('malformed', 'a broadcast goes to the project of its key: leave ?project= out')
  const { event, isUnified } = readBroadcast((await exchange.readBody()).toString('utf8'))
  const url = collectorUrl()
  if (url === undefined) throw new PipelineError('unavailable', 'no collector is running here: try again in a moment')
  const receipt = await hand(url, event, request.headers, exchange.signal)
  if (receipt.outcome === 'quarantined')
    return problemAnswer(
      new PipelineError('malformed', 'the event breaks its schema; it is kept in quarantine', {
        details: { issues: receipt.issues ?? [] },
      }),
      requestId,
      { code: 'schema', success: false },
    )
  if (receipt.outcome === 'retry') throw new PipelineError('unavailable', 'the event could not be stored: try again')
  const success = receipt.outcome === 'stored' || receipt.outcome === 'duplicate'
  return jsonAnswer(
    isUnified
      ? { success, id: receipt.id, event_type: event['event_type'], outcome: receipt.outcome }
      : { success, id: receipt.id, outcome: receipt.outcome },
  )
}

interface Receipt {
  readonly id: string
  readonly outcome: string
  readonly issues?: readonly string[]
}

async function hand(
  url: string,
  event: Readonly<Record<string, unknown>>,
  { authorization, origin, ...headers }: IncomingHttpHeaders,
  signal: AbortSignal,
): Promise<Receipt> {
  const key = headers['x-api-key'] ?? headers['x-write-key']
  let response: Response
  try {
    response = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        prefer: 'return=representation',
        ...(authorization !== undefined && { authorization }),
        ...(typeof key === 'string' && { 'x-write-key': key }),
        ...(origin !== undefined && { origin }),
      },
      body: JSON.stringify(event),
      signal: AbortSignal.any([signal, AbortSignal.timeout(collectorTimeoutMs)]),
    })
  } catch (cause) {
    throw new PipelineError('unavailable', 'the collector does not answer: try again in a moment', { cause })
  }
  const answer = (await response.json().catch(() => ({}))) as {
    receipts?: Receipt[]
    code?: string
    detail?: string
  }
  const [receipt] = answer.receipts ?? []
  if (response.ok && receipt !== undefined) return receipt
  const code = refusals[response.status] ?? 'unavailable'
  throw new PipelineError(code, answer.detail ?? `the collector answered ${response.status}`)
}

const refusals: Readonly<Record<number, 'malformed' | 'unauthorized' | 'forbidden' | 'too_large' | 'rate_limited'>> = {
  400: 'malformed',
  401: 'unauthorized',
  403: 'forbidden',
  413: 'too_large',
  429: 'rate_limited',
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new PipelineError('malformed', 'the body is not JSON', { cause })
  }
}
