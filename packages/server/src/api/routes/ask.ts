import { z } from 'zod'
import { PipelineError } from '../../core/errors.ts'
import { jsonAnswer } from '../../http/answer.ts'
import type { Exchange, Http } from '../../http/server.ts'
import type { Log } from '../../log/log.ts'
import { eventById } from '../../query/event-by-id.ts'
import { quarantineList } from '../../query/quarantine-list.ts'
import type { Store } from '../../stores/store.ts'
import type { ApiAuth } from '../auth.ts'
import { ledgerView } from '../ledger-view.ts'
import { page, parse, timeWindow, windowOf } from '../parameters.ts'
import { whyView } from '../why-view.ts'

export interface AskRoutes {
  readonly auth: ApiAuth
  readonly log: Log
  readonly store: Store
  readonly now: () => number
}

/** The questions that have a route of their own. */
export function mountAsk(http: Http, { auth, log, store, now }: AskRoutes): void {
  const get = (path: string, respond: (exchange: Exchange, project: string, signal: AbortSignal) => Promise<unknown>) =>
    http.route({
      method: 'GET',
      path: `/api/v1${path}`,
      dialect: 'api',
      async respond(exchange) {
        const { project } = auth(exchange.request, 'read')
        return jsonAnswer(await respond(exchange, project, exchange.untilGone()))
      },
    })

  get('/events/:id', async ({ request }, project, signal) => {
    const event = await eventById(store, project, idOf(request.params), signal)
    if (event === undefined)
      throw new PipelineError(
        'not_found',
        'no event with this id is in the tables; /why tells whether it was ever seen',
      )
    return event
  })

  get('/events/:id/why', ({ request }, project, signal) => whyView(log, store, project, idOf(request.params), signal))

  get('/ledger', ({ request }, project, signal) =>
    ledgerView(log, store, { project, ...windowOf(parse(ledgerQuery, request.query), now()) }, now(), signal),
  )

  get('/quarantine', async ({ request }, project, signal) => {
    const query = parse(quarantineQuery, request.query)
    const items = await quarantineList(
      store,
      {
        project,
        ...windowOf(query, now()),
        ...(query.reason !== undefined && { reason: query.reason }),
        ...(query.source !== undefined && { source: query.source }),
        ...(query.event_type !== undefined && { eventType: query.event_type }),
        after: query.cursor,
        limit: query.limit,
      },
      signal,
    )
    return { items, next: items.length === query.limit ? (items.at(-1)?.log_position ?? null) : null }
  })
}

const project = z.string().optional()
const ledgerQuery = z.object({ ...timeWindow, project })
const quarantineQuery = z.object({
  ...timeWindow,
  ...page,
  project,
  reason: z.string().optional(),
  source: z.string().optional(),
  event_type: z.string().optional(),
})

function idOf(params: unknown): string {
  return (params as { id: string }).id
}
