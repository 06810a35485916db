import type { IncomingHttpHeaders } from 'node:http'
import type { Accept, DecodedBatch } from '../core/batch.ts'
import type { Deps } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import { runInSteps } from '../core/in-steps.ts'
import type { Receipt } from '../core/outcome.ts'
import type { Authenticate, Principal } from '../core/principal.ts'
import type { DecodeContext } from '../decoders/decode.ts'
import type { OpenBody } from '../http/body.ts'
import { checkMediaType, mediaTypeOf } from '../http/media-type.ts'
import { hideKey } from './hide-key.ts'
import type { SequenceGaps } from './sequence-gaps.ts'
import type { Source } from './source.ts'

/** Marks a body as import, demo or snapshot: no age limit, not in live. Needs an admin key. */
const historicalHeader = 'x-millrace-historical'

/** One body of one source, by whatever protocol it came. */
export interface Arrival {
  /** The route's. */
  readonly kind: string
  /** Lower-cased names: of the HTTP request, or the call's metadata. */
  readonly headers: IncomingHttpHeaders
  /** Where the request shows it outside of its body. */
  readonly key?: string
  readonly query?: Readonly<Record<string, string | undefined>>
  /** The whole body, inflated; called at most once. */
  readonly readBody: (open?: OpenBody) => Promise<Buffer>
  readonly signal: AbortSignal
}

export interface TakeOptions {
  readonly accept: Accept
  readonly authenticate: Authenticate
  readonly gaps: SequenceGaps
  readonly deps: Deps
}

export interface Taken {
  readonly batch: DecodedBatch
  /** One per event of the batch, in its order. */
  readonly receipts: readonly Receipt[]
  /** Of the body, without parameters. */
  readonly mediaType: string
}

/** The way of a body, top-down. What throws before `accept` has stored nothing. */
export async function takeBatch(source: Source, arrival: Arrival, options: TakeOptions): Promise<Taken> {
  const { headers, key } = arrival
  const { origin } = headers

  let principal: Principal | undefined
  if (key !== undefined || !source.keyInBody) principal = authenticate(options, key, origin)

  const mediaType = mediaTypeOf(headers['content-type'])
  checkMediaType(mediaType, source.accepts)

  const cx = contextOf(arrival, mediaType)
  const { open } = source
  const body = await arrival.readBody(open && ((wire, maxBytes) => open(wire, cx, maxBytes)))
  const receivedAt = options.deps.clock.now()
  const decoded = await decode(source, body, cx, arrival.signal)
  principal ??= authenticate(options, decoded.writeKey, origin)
  // Where any key is as good as none (`auth: open`), a key is no secret but some word, and may stand in texts as that word.
  const secret = principal.keyId === '' ? undefined : (key ?? decoded.writeKey)
  const hidden = hideKey(secret, decoded, body, cx, arrival.signal)
  const batch = hidden instanceof Promise ? await hidden : hidden
  const historical =
    isHistorical(headers[historicalHeader], principal) || (batch.saysHistorical === true && principal.scope === 'admin')

  const receipts =
    batch.events.length === 0
      ? []
      : await options.accept(
          { ...batch, project: principal.project, source: source.name, receivedAt, ...(historical && { historical }) },
          arrival.signal,
        )
  if (receipts.length !== batch.events.length) {
    throw new PipelineError('internal', `${batch.events.length} events went in, ${receipts.length} receipts came out`)
  }
  if (batch.sequence !== undefined && receipts.every(({ outcome }) => outcome !== 'retry')) {
    options.gaps.note(principal.project, source.name, batch.sequence)
  }
  return { batch, receipts, mediaType }
}

function authenticate(options: TakeOptions, key: string | undefined, origin: string | undefined): Principal {
  return options.authenticate({
    scope: 'write',
    ...(key !== undefined && { key }),
    ...(origin !== undefined && { origin }),
  })
}

/** Bodies below this take a few milliseconds at most in any dialect. */
const stepsFromBytes = 64 * 1024

function contextOf({ headers, kind, query }: Arrival, mediaType: string): DecodeContext {
  const lowered = headers as Readonly<Record<string, string | undefined>>
  return { headers: lowered, kind, contentType: mediaType, ...(query && { query }) }
}

function decode(
  source: Source,
  body: Buffer,
  cx: DecodeContext,
  signal: AbortSignal,
): DecodedBatch | Promise<DecodedBatch> {
  const { headers } = cx
  try {
    if (source.decodeInSteps === undefined || body.length < stepsFromBytes) return source.decode(body, cx)
    return runInSteps(source.decodeInSteps(body, cx), signal).catch((error: unknown) => {
      throw withHint(error, body, headers['content-encoding'])
    })
  } catch (error) {
    throw withHint(error, body, headers['content-encoding'])
  }
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
