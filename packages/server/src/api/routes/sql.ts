import { Readable } from 'node:stream'
import { parseJson } from '@millrace/protocol'
import { z } from 'zod'
import { PipelineError } from '../../core/errors.ts'
import type { RouteDescription } from '../../http/describe.ts'
import type { Http } from '../../http/server.ts'
import type { Ask, AskFormat } from '../../stores/ask.ts'
import type { ApiAuth } from '../auth.ts'
import { sqlAnswer, sqlBody } from '../answers/sql.ts'
import { parse, projectParameter } from '../parameters.ts'

const formats: Readonly<Record<string, AskFormat>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'text/csv': 'csv',
  'application/vnd.apache.parquet': 'parquet',
  'application/vnd.apache.arrow.stream': 'arrow',
}

const rows = '{"event_name":"signed_up","n":"98"}\n'

const describes: RouteDescription = {
  group: 'Asking',
  summary: 'Ask in SQL',
  description:
    'ClickHouse’s SQL, read-only, within the rows of one project: `events`, `outcomes`, `ledger`, `quarantine`, `trace_spans`. `Accept` chooses the form of the answer. The query ends when its client leaves.',
  scope: 'read',
  query: z.object({ project: projectParameter }),
  body: {
    'application/json': {
      schema: sqlBody,
      example: {
        query: 'select event_name, count() as n from events where event_type = {type:String} group by 1',
        params: { type: 'track' },
      },
    },
  },
  answers: {
    200: {
      description: 'The rows.',
      content: {
        'application/json': {
          schema: sqlAnswer,
          example: {
            columns: [
              { name: 'event_name', type: 'String' },
              { name: 'n', type: 'UInt64' },
            ],
            rows: [{ event_name: 'signed_up', n: '98' }],
            statistics: { rows_read: 98, bytes_read: 2450, elapsed_ms: 3 },
          },
        },
        'application/x-ndjson': { example: rows },
        'text/csv': { example: 'event_name,n\nsigned_up,98\n' },
        'application/vnd.apache.parquet': {},
        'application/vnd.apache.arrow.stream': {},
      },
    },
  },
  problems: [
    'malformed',
    'query_failed',
    'unauthorized',
    'forbidden',
    'query_refused',
    'not_found',
    'slow_body',
    'too_large',
    'unsupported_media_type',
    'limit_exceeded',
    'unavailable',
    'timeout',
  ],
}

/** POST /api/v1/sql: the project's own ClickHouse user asks; the client leaving ends the query. */
export function mountSql(http: Http, { auth, ask }: { readonly auth: ApiAuth; readonly ask: Ask }): void {
  http.route({
    method: 'POST',
    path: '/api/v1/sql',
    dialect: 'sql',
    describes,
    async respond(exchange) {
      const { project } = auth(exchange.request, 'read')
      const bytes = await exchange.readBody()
      if (bytes.length > maxBodyBytes)
        throw new PipelineError(
          'too_large',
          `the body has ${bytes.length} bytes, at most ${maxBodyBytes} are allowed`,
          {
            details: { limit: maxBodyBytes },
          },
        )
      const { query, params } = parse(sqlBody, jsonOf(bytes))
      const format = formatOf(exchange.request.headers.accept)
      const answer = await ask.ask(project, query, params, format, exchange.untilGone())
      return {
        status: 200,
        type: answer.contentType,
        body: Readable.from(answer.body, { objectMode: false }),
      }
    },
  })
}

/** More than ClickHouse takes for a query and its parameters. */
const maxBodyBytes = 1_048_576

/** Integers stay exact: ids of 64 bits are parameters too. */
function jsonOf(bytes: Buffer): unknown {
  try {
    return parseJson(bytes.toString('utf8'))
  } catch (cause) {
    throw new PipelineError('malformed', 'the body is not JSON; expected {"query": "select …", "params": {…}}', {
      cause,
    })
  }
}

/** The first type of `Accept` that we have; none, or `*`: JSON. */
function formatOf(accept: string | undefined): AskFormat {
  const wanted = (accept ?? '*/*').split(',').map((part) => part.split(';')[0]!.trim().toLowerCase())
  for (const type of wanted) {
    if (type === '*/*' || type === 'application/*') return 'json'
    const format = formats[type]
    if (format !== undefined) return format
  }
  throw new PipelineError(
    'unsupported_media_type',
    `no answer in what Accept asks for; there are ${Object.keys(formats).join(', ')}`,
  )
}
