import { z } from 'zod'
import type { ErrorCode } from '../core/errors.ts'
import type { DescribedRoute, RouteDescription } from '../http/describe.ts'
import { probes } from '../http/health.ts'
import { sources } from './sources.ts'
import type { Source, SourceRoute } from './source.ts'

/** What `register.ts` reads of every dialect's request, and how it may refuse one. */
const headers = z.object({
  'content-encoding': z.enum(['identity', 'gzip', 'deflate', 'br', 'zstd']).optional(),
  prefer: z.string().optional().describe('`return=representation`: receipts of all events, also of those stored'),
  'x-millrace-historical': z
    .string()
    .optional()
    .describe('`1`: an import of old events, without an age limit and not in live; needs an admin key'),
})

const problems: readonly ErrorCode[] = [
  'malformed',
  'unauthorized',
  'forbidden',
  'slow_body',
  'too_large',
  'unsupported_media_type',
  'rate_limited',
  'unavailable',
]

export function describeRoute(source: Source, route: SourceRoute, basePath: string): RouteDescription {
  const { group, summary, description, sameAs, body, status = 200, answer, partly, refusal } = source.describe(route)
  return {
    group,
    summary,
    ...(description !== undefined && { description }),
    ...(sameAs !== undefined && { sameAs: `${basePath}${sameAs}` }),
    scope: 'write',
    headers,
    body,
    answers: {
      [status]: { description: 'Every event has a durable outcome.', content: answer },
      503: { description: 'Some events are not stored yet, and the answer says which; or none is.', content: partly },
    },
    problems,
    ...(refusal !== undefined && { refusal }),
  }
}

/** Every route that a collector of this release has, for whoever documents it from another process. */
export function describeCollector(basePath = ''): readonly DescribedRoute[] {
  const sending = sources.flatMap((source) =>
    source.routes.map((route) => ({
      method: 'POST',
      path: `${basePath}${route.path}`,
      describes: describeRoute(source, route, basePath),
    })),
  )
  const replies = sources.flatMap(({ replies = [] }) =>
    replies.map(({ method, path, describes }) => ({ method, path: `${basePath}${path}`, describes })),
  )
  return [...sending, ...replies, ...probes(), ...(basePath === '' ? [] : probes(basePath))]
}
