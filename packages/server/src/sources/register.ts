import type { Accept } from '../core/batch.ts'
import type { Deps } from '../core/deps.ts'
import type { Authenticate } from '../core/principal.ts'
import type { HttpAnswer } from '../http/answer.ts'
import { saidMediaType } from '../http/media-type.ts'
import { problemAnswer } from '../http/problem.ts'
import type { Exchange, Http } from '../http/server.ts'
import { keyOf } from './credentials.ts'
import { describeRoute } from './describe.ts'
import { createSequenceGaps, type SequenceGaps } from './sequence-gaps.ts'
import { ownAnswer } from './routes/own.ts'
import type { Source, SourceRoute } from './source.ts'
import { takeBatch } from './take-batch.ts'

export interface RegisterOptions {
  readonly sources: readonly Source[]
  readonly accept: Accept
  readonly authenticate: Authenticate
  /** Path before all routes; '' for none. */
  readonly basePath?: string
  readonly deps: Deps
}

/** Mounts every source's routes on a listener. */
export function registerSources(http: Http, options: RegisterOptions): void {
  const gaps = createSequenceGaps(options.deps.metrics)
  for (const source of options.sources) {
    for (const route of source.routes) {
      http.route({
        method: 'POST',
        path: `${options.basePath ?? ''}${route.path}`,
        dialect: source.name,
        describes: describeRoute(source, route, options.basePath ?? ''),
        respond: (exchange) =>
          takeBody(source.delegate?.(exchange.request.headers) ?? source, route, exchange, options, gaps),
        refuse: (error, requestId, headers) => {
          if (wantsReceipts(headers.accept)) return problemAnswer(error, requestId)
          const cx = { requestId, mediaType: saidMediaType(headers['content-type']) }
          return (source.delegate?.(headers) ?? source).refuse?.(error, cx) ?? problemAnswer(error, requestId)
        },
      })
    }
    for (const { method, path, respond, describes } of source.replies ?? []) {
      http.route({
        method,
        path: `${options.basePath ?? ''}${path}`,
        dialect: source.name,
        describes,
        respond: async (exchange) =>
          await respond(exchange, { basePath: options.basePath ?? '', authenticate: options.authenticate }),
      })
    }
  }
}

/** From the exchange to the batch and back; `takeBatch` is what lies between. */
async function takeBody(
  source: Source,
  route: SourceRoute,
  exchange: Exchange,
  options: RegisterOptions,
  gaps: SequenceGaps,
): Promise<HttpAnswer> {
  const { headers, query } = exchange.request
  const asked = askedBy(exchange.request)
  const key = keyOf(headers, query)
  const { batch, receipts, mediaType } = await takeBatch(
    source,
    {
      kind: route.kind,
      headers,
      ...(key !== undefined && { key }),
      ...(asked && { query: asked }),
      readBody: exchange.readBody,
      signal: exchange.signal,
    },
    { ...options, gaps },
  )
  const answer = wantsReceipts(headers.accept) ? ownAnswer : source.answer
  return answer(receipts, {
    batch,
    kind: route.kind,
    mediaType,
    wantsAll: wantsRepresentation(headers['prefer']),
    requestId: exchange.requestId,
  })
}

/** Query and path parts as one record, or undefined: most requests have neither. A repeated name has its last value. */
function askedBy({ query, params }: Exchange['request']): Readonly<Record<string, string | undefined>> | undefined {
  const asked: Record<string, string> = {}
  let has = false
  for (const from of [query, params]) {
    for (const [name, value] of Object.entries(from as Readonly<Record<string, string | string[]>>)) {
      asked[name] = Array.isArray(value) ? (value.at(-1) ?? '') : value
      has = true
    }
  }
  return has ? asked : undefined
}

/** Counts and receipts from any dialect, also from those whose own answers say less: for importers. */
const receiptsType = 'application/vnd.millrace.receipts+json'

function wantsReceipts(accept: string | undefined): boolean {
  return accept?.includes(receiptsType) === true
}

function wantsRepresentation(prefer: string | string[] | undefined): boolean {
  if (prefer === undefined) return false
  return /(?:^|[,;\s])return\s*=\s*"?representation/i.test(String(prefer))
}
