import type { IncomingHttpHeaders } from 'node:http'
import type { DecodedBatch } from '../core/batch.ts'
import type { PipelineError } from '../core/errors.ts'
import type { Receipt } from '../core/outcome.ts'
import type { Authenticate } from '../core/principal.ts'
import type { Decode, DecodeContext, DecodeInSteps } from '../decoders/decode.ts'
import type { HttpAnswer } from '../http/answer.ts'
import type { Contents, RouteDescription } from '../http/describe.ts'
import type { Exchange } from '../http/server.ts'

/** One path of a dialect. All its paths take POST. */
export interface SourceRoute {
  readonly path: string
  /** Handed to the decoder: what the path alone says, e.g. `track` for `/v1/t`. */
  readonly kind: string
}

/** A path that takes no events, but that a dialect's clients ask before they run: settings, flags. */
export interface SourceReply {
  readonly method: 'GET' | 'POST'
  /** May hold `:name` parts. */
  readonly path: string
  respond(exchange: Exchange, cx: ReplyContext): HttpAnswer | Promise<HttpAnswer>
  readonly describes: RouteDescription
}

/** What a reply may need beside the request. */
export interface ReplyContext {
  /** Before all routes; '' for none. */
  readonly basePath: string
  /** For a path that holds a key: throws where a batch with it would be refused. */
  readonly authenticate: Authenticate
}

/** What a refusal may look at. */
export interface RefusalContext {
  readonly requestId: string
  /** Of the request's body as it said, without parameters. */
  readonly mediaType: string
}

/** What of a route is its dialect's own; the rest holds for all of them (describe.ts). */
export interface SourceDescription {
  readonly group: string
  readonly summary: string
  readonly description?: string
  /** The path of which this one is another name. */
  readonly sameAs?: string
  readonly body: Contents
  /** When all is well; 200 unless said. */
  readonly status?: number
  readonly answer: Contents
  /** Of a 503 when only some events are stored. */
  readonly partly: Contents
  /** Of a refused body. Default: a problem. */
  readonly refusal?: Contents
}

/** What an answer may look at beside the receipts. */
export interface AnswerContext {
  readonly batch: DecodedBatch
  /** The route's. */
  readonly kind: string
  /** Of the request's body, without parameters. */
  readonly mediaType: string
  /** `Prefer: return=representation`: receipts of all events are wanted, not only of those not stored. */
  readonly wantsAll: boolean
  readonly requestId: string
}

/**
 * One dialect over HTTP, as data; `register.ts` runs every one of them the same way:
 * key → media type → body → decode → accept → answer. Nothing is answered 2xx before `accept` resolved.
 *
 * A new dialect is a decoder with its golden files and one entry in `sources.ts`; `routes/own.ts` has the answers of Millrace's own
 * pattern for all that have no rules of their own.
 */
export interface Source {
  /** `event_source` of its events, the ledger's `source`, and the `dialect` of the metrics. */
  readonly name: string
  readonly routes: readonly SourceRoute[]
  readonly replies?: readonly SourceReply[]
  /** Another dialect on the same paths, told apart by the request's head (CloudEvents on `/v1/events`). */
  readonly delegate?: (headers: IncomingHttpHeaders) => Source | undefined
  /** Media types; `''` takes a body without content-type. Everything else is 415. */
  readonly accepts: readonly string[]
  /**
   * What the dialect's clients wrap bodies in beside `content-encoding`, undone while the body is read: so what comes out counts against
   * the listener's limits. MUST throw PipelineError `too_large` rather than return more than `maxBytes`.
   */
  readonly open?: (body: Buffer, cx: DecodeContext, maxBytes: number) => Buffer
  readonly decode: Decode
  /** For large bodies, where one exists. */
  readonly decodeInSteps?: DecodeInSteps
  /** The body may hold the key: then a request without one in headers or query is read before it is refused. */
  readonly keyInBody: boolean
  /** Every event has a receipt; none, some or all of them may be `retry`. */
  readonly answer: (receipts: readonly Receipt[], cx: AnswerContext) => HttpAnswer
  /** Nothing of the body is stored. Default: problem+json. */
  readonly refuse?: (error: PipelineError, cx: RefusalContext) => HttpAnswer
  /** For `/openapi.json` and `/docs`. */
  readonly describe: (route: SourceRoute) => SourceDescription
}
