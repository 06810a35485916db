import { z } from 'zod'
import { PipelineError } from '../../core/errors.ts'
import type { Http } from '../../http/server.ts'
import type { Log } from '../../log/log.ts'
import { eventById } from '../../query/event-by-id.ts'
import { quarantineList } from '../../query/quarantine-list.ts'
import type { Store } from '../../stores/store.ts'
import { storedEvent, storedEventExample } from '../answers/event.ts'
import { ledgerAnswer, ledgerExample } from '../answers/ledger.ts'
import { quarantineAnswer, quarantineExample } from '../answers/quarantine.ts'
import { whyAnswer, whyExample } from '../answers/why.ts'
import type { ApiAuth } from '../auth.ts'
import { mountGet } from '../get-route.ts'
import { ledgerView } from '../ledger-view.ts'
import { page, projectParameter, timeWindow, windowOf } from '../parameters.ts'
import { whyView } from '../why-view.ts'

export interface AskRoutes {
  readonly auth: ApiAuth
  readonly log: Log
  readonly store: Store
  readonly now: () => number
}

const group = 'Asking'
const byId = z.object({ id: z.string().meta({ description: 'the event’s id', examples: ['01JD8Z3C9V'] }) })
const nothing = z.object({})
const projectQuery = z.object({ project: projectParameter })

/** The questions that have a route of their own. */
export function mountAsk(http: Http, { auth, log, store, now }: AskRoutes): void {
  mountGet(http, auth, {
    path: '/events/:id',
    describes: {
      group,
      summary: 'One stored event',
      path: byId,
      query: projectQuery,
      answer: { description: 'Its populated columns.', schema: storedEvent, example: storedEventExample },
    },
    async respond({ project, path, signal }) {
      const event = await eventById(store, project, path.id, signal)
      if (event !== undefined) return event
      throw new PipelineError(
        'not_found',
        'no event with this id is in the tables; /why tells whether it was ever seen',
      )
    },
  })

  mountGet(http, auth, {
    path: '/events/:id/why',
    describes: {
      group,
      summary: 'The whole way of one event',
      description:
        'Received, judged, stored, or why not; also of what is not in the tables yet. With several arrivals, the one that was stored speaks for the id.',
      path: byId,
      query: projectQuery,
      answer: { description: 'Its way, step by step.', schema: whyAnswer, example: whyExample },
    },
    respond: ({ project, path, signal }) => whyView(log, store, project, path.id, signal),
  })

  mountGet(http, auth, {
    path: '/ledger',
    describes: {
      group,
      summary: 'What was received, what became of it, and whether that balances',
      path: nothing,
      query: z.object({ ...timeWindow, project: projectParameter }),
      answer: { description: 'Counts by minute, and their sums.', schema: ledgerAnswer, example: ledgerExample },
    },
    respond: ({ project, query, signal }) =>
      ledgerView(log, store, { project, ...windowOf(query, now()) }, now(), signal),
  })

  mountGet(http, auth, {
    path: '/quarantine',
    describes: {
      group,
      summary: 'What was kept and not admitted, newest first',
      path: nothing,
      query: z.object({
        ...timeWindow,
        ...page,
        project: projectParameter,
        reason: z.string().optional().describe('only with this reason, such as `schema`'),
        source: z.string().optional().describe('only of this dialect'),
        event_type: z.string().optional().describe('only of this type'),
      }),
      answer: { description: 'One page.', schema: quarantineAnswer, example: quarantineExample },
    },
    async respond({ project, query, signal }) {
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
    },
  })
}
