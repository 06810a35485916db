import type { z } from 'zod'
import type { Described, RouteDescription } from '../http/describe.ts'
import { jsonAnswer } from '../http/answer.ts'
import type { Exchange, Http } from '../http/server.ts'
import type { ApiAuth } from './auth.ts'
import { parse } from './parameters.ts'

export interface GetRoute<Path extends z.ZodObject, Query extends z.ZodObject, Answer extends z.ZodType> {
  readonly path: string
  /** The very schemas that the request is parsed with and that the compiler holds the answer against. */
  readonly describes: Omit<RouteDescription, 'path' | 'query' | 'answers' | 'scope' | 'problems'> & {
    readonly path: Path
    readonly query: Query
    readonly answer: { readonly description: string; readonly schema: Answer; readonly example: z.input<Answer> }
  }
  respond(asked: Asked<Path, Query>): Promise<Described<Answer>>
}

export interface Asked<Path extends z.ZodObject, Query extends z.ZodObject> {
  readonly project: string
  readonly path: z.output<Path>
  readonly query: z.output<Query>
  /** Aborts when the asker leaves. */
  readonly signal: AbortSignal
  readonly exchange: Exchange
}

/** A question with a JSON answer, for a read key: GET below /api/v1. */
export function mountGet<Path extends z.ZodObject, Query extends z.ZodObject, Answer extends z.ZodType>(
  http: Http,
  auth: ApiAuth,
  route: GetRoute<Path, Query, Answer>,
): void {
  const { answer, ...describes } = route.describes
  http.route({
    method: 'GET',
    path: `/api/v1${route.path}`,
    dialect: 'api',
    describes: {
      ...describes,
      scope: 'read',
      answers: {
        200: {
          description: answer.description,
          content: { 'application/json': { schema: answer.schema, example: answer.example } },
        },
      },
      problems: ['malformed', 'unauthorized', 'forbidden', 'not_found', 'unavailable', 'timeout'],
    },
    async respond(exchange) {
      const { request } = exchange
      const { project } = auth(request, 'read')
      const asked: Asked<Path, Query> = {
        project,
        path: parse(describes.path, request.params),
        query: parse(describes.query, request.query),
        signal: exchange.untilGone(),
        exchange,
      }
      return jsonAnswer(await route.respond(asked))
    },
  })
}
