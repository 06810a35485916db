import { Readable } from 'node:stream'
import { z } from 'zod'
import { PipelineError } from '../../core/errors.ts'
import type { Http } from '../../http/server.ts'
import type { Ask, AskFormat } from '../../stores/ask.ts'
import type { ApiAuth } from '../auth.ts'
import { parse } from '../parameters.ts'

const formats: Readonly<Record<string, AskFormat>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'text/csv': 'csv',
  'application/vnd.apache.parquet': 'parquet',
  'application/vnd.apache.arrow.stream': 'arrow',
}

const body = z.strictObject({
  query: z.string().min(1, 'expected SQL').max(100_000),
  params: z.record(z.string(), z.unknown()).default({}),
})

/** POST /api/v1/sql: the project's own ClickHouse user asks; the client leaving ends the query. */
export function mountSql(http: Http, { auth, ask }: { readonly auth: ApiAuth; readonly ask: Ask }): void {
  http.route({
    method: 'POST',
    path: '/api/v1/sql',
    dialect: 'sql',
    async respond(exchange) {
      const { project } = auth(exchange.request, 'read')
      const { query, params } = parse(body, jsonOf(await exchange.readBody()))
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

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
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
