import type { IncomingHttpHeaders } from 'node:http'
import type { Principal } from '../../core/principal.ts'
import type { ApiAuth } from '../auth.ts'
import { parse, time } from '../parameters.ts'
import { createInterest, type Interest } from './interest.ts'
import { LiveError } from './live-error.ts'
import type { Wish } from './start-place.ts'

/** Who asks for a stream, and of what. */
export interface Opening {
  readonly principal: Principal
  readonly interest: Interest
  readonly wish: Wish
  readonly credentials: Credentials
}

/** What proved who asks, to be looked at again while the stream lasts. */
export interface Credentials {
  readonly headers: IncomingHttpHeaders
  readonly project: string | undefined
}

/**
 * `?topic=` (repeatable; none: everything), `?filter=` (repeatable), `?lastEventId=` or `Last-Event-ID`, `?fromTimestamp=`, `?project=`.
 * The key comes by header, or as `?token=`: a browser's WebSocket cannot set headers. Throws what becomes the refusal.
 */
export function readOpening(auth: ApiAuth, headers: IncomingHttpHeaders, query: URLSearchParams): Opening {
  const credentials = {
    headers: withToken(headers, query.get('token') ?? undefined),
    project: query.get('project') ?? undefined,
  }
  const principal = authorize(auth, credentials)
  const topics = query.getAll('topic')
  const lastEventId = query.get('lastEventId') ?? headers['last-event-id']
  const from = query.get('fromTimestamp')
  return {
    principal,
    credentials,
    interest: createInterest(topics.length === 0 ? ['*'] : topics, query.getAll('filter')),
    wish: {
      ...(typeof lastEventId === 'string' && { lastEventId }),
      ...(from !== null && { fromTimestamp: readTime(from) }),
    },
  }
}

/** Throws `unauthorized` or `forbidden`. */
export function authorize(auth: ApiAuth, { headers, project }: Credentials): Principal {
  return auth({ headers, query: { project } }, 'read')
}

export function withToken(headers: IncomingHttpHeaders, token: string | undefined): IncomingHttpHeaders {
  if (token === undefined || token === '') return headers
  // A header says it better than an address, which is written to many a log.
  if (headers.authorization !== undefined || headers['x-api-key'] !== undefined) return headers
  return { ...headers, authorization: `Bearer ${token}` }
}

function readTime(text: string): number {
  try {
    return parse(time, text)
  } catch (error) {
    throw new LiveError('INVALID_TIMESTAMP', `fromTimestamp: ${(error as Error).message.replace(/^body: /, '')}`)
  }
}
