import type { Accept, DecodedBatch } from '../core/batch.ts'
import type { Deps } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import { runInSteps } from '../core/in-steps.ts'
import type { Authenticate, Principal } from '../core/principal.ts'
import type { HttpAnswer } from '../http/answer.ts'
import { checkMediaType, mediaTypeOf, saidMediaType } from '../http/media-type.ts'
import { problemAnswer } from '../http/problem.ts'
import type { Exchange, Http } from '../http/server.ts'
import { keyOf } from './credentials.ts'
import { describeRoute } from './describe.ts'
import { createSequenceGaps, type SequenceGaps } from './sequence-gaps.ts'
import type { Source, SourceRoute } from './source.ts'

/** Marks a body as import, demo or snapshot: no age limit, not in live. Needs an admin key. */
const historicalHeader = 'x-millrace-historical'

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
        respond: async (exchange) => await respond(exchange),
      })
    }
  }
}

/** The way of a body, top-down. What throws before `accept` has stored nothing. */
async function takeBody(
  source: Source,
  route: SourceRoute,
  exchange: Exchange,
  options: RegisterOptions,
  gaps: SequenceGaps,
): Promise<HttpAnswer> {
  const { headers, query } = exchange.request
  const { origin } = headers

  const key = keyOf(headers, query)
  let principal: Principal | undefined
  if (key !== undefined || !source.keyInBody) principal = authenticate(options, key, origin)

  const mediaType = mediaTypeOf(headers['content-type'])
  checkMediaType(mediaType, source.accepts)

  const body = await exchange.readBody()
  const receivedAt = options.deps.clock.now()
  const batch = await decode(source, route, body, mediaType, exchange)
  principal ??= authenticate(options, batch.writeKey, origin)
  const historical = isHistorical(headers[historicalHeader], principal)

  const receipts =
    batch.events.length === 0
      ? []
      : await options.accept(
          { ...batch, project: principal.project, source: source.name, receivedAt, ...(historical && { historical }) },
          exchange.signal,
        )
  if (receipts.length !== batch.events.length) {
    throw new PipelineError('internal', `${batch.events.length} events went in, ${receipts.length} receipts came out`)
  }
  if (batch.sequence !== undefined && receipts.every(({ outcome }) => outcome !== 'retry')) {
    gaps.note(principal.project, source.name, batch.sequence)
  }
  return source.answer(receipts, {
    batch,
    kind: route.kind,
    mediaType,
    wantsAll: wantsRepresentation(headers['prefer']),
    requestId: exchange.requestId,
  })
}

function authenticate(options: RegisterOptions, key: string | undefined, origin: string | undefined): Principal {
  return options.authenticate({
    scope: 'write',
    ...(key !== undefined && { key }),
    ...(origin !== undefined && { origin }),
  })
}

/** Bodies below this take a few milliseconds at most in any dialect. */
const stepsFromBytes = 64 * 1024

function decode(
  source: Source,
  route: SourceRoute,
  body: Buffer,
  mediaType: string,
  exchange: Exchange,
): DecodedBatch | Promise<DecodedBatch> {
  const headers = exchange.request.headers as Readonly<Record<string, string | undefined>>
  const query = askedBy(exchange.request)
  const cx = { headers, kind: route.kind, contentType: mediaType, ...(query && { query }) }
  try {
    if (source.decodeInSteps === undefined || body.length < stepsFromBytes) return source.decode(body, cx)
    return runInSteps(source.decodeInSteps(body, cx), exchange.signal).catch((error: unknown) => {
      throw withHint(error, body, headers['content-encoding'])
    })
  } catch (error) {
    throw withHint(error, body, headers['content-encoding'])
  }
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

/** The usual reason why a body is unreadable: it is compressed and nobody said so. */
function withHint(error: unknown, body: Buffer, encoding: string | undefined): unknown {
  if (!(error instanceof PipelineError) || error.code !== 'malformed') return error
  const magic = body.toString('hex', 0, 4)
  const looksLike = magic.startsWith('1f8b') ? 'gzip' : magic === '28b52ffd' ? 'zstd' : undefined
  if (looksLike === undefined || (encoding !== undefined && encoding !== 'identity')) return error
  return new PipelineError(
    'malformed',
    `the body looks like ${looksLike}: say so with content-encoding: ${looksLike}`,
    {
      cause: error,
    },
  )
}

function isHistorical(header: string | string[] | undefined, principal: Principal): boolean {
  if (header === undefined || header === '' || header === '0' || header === 'false') return false
  if (principal.scope !== 'admin') {
    throw new PipelineError('forbidden', `${historicalHeader} needs an admin key, this one is a ${principal.scope} key`)
  }
  return true
}

function wantsRepresentation(prefer: string | string[] | undefined): boolean {
  if (prefer === undefined) return false
  return /(?:^|[,;\s])return\s*=\s*"?representation/i.test(String(prefer))
}
