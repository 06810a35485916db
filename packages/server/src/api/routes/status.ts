import { z } from 'zod'
import { jsonAnswer } from '../../http/answer.ts'
import type { Http } from '../../http/server.ts'
import { statusAnswer, statusExample } from '../answers/status.ts'
import type { ApiAuth } from '../auth.ts'
import { projectParameter } from '../parameters.ts'

/** Whatever is known of the whole; assembled by `app/`, which knows all. Never throws: what cannot be learned is null, and a problem says why. */
export type ReadStatus = (signal: AbortSignal) => Promise<Readonly<Record<string, unknown>>>

export function mountStatus(
  http: Http,
  { auth, status }: { readonly auth: ApiAuth; readonly status: ReadStatus },
): void {
  http.route({
    method: 'GET',
    path: '/api/v1/status',
    dialect: 'api',
    describes: {
      group: 'Operation',
      summary: 'Is it well: lag, rates, sizes, versions, processes',
      scope: 'admin',
      query: z.object({ project: projectParameter }),
      answers: {
        200: {
          description: 'What is known now; what cannot be learned is null.',
          content: { 'application/json': { schema: statusAnswer, example: statusExample } },
        },
      },
      problems: ['unauthorized', 'forbidden', 'not_found'],
    },
    async respond({ request, untilGone }) {
      auth(request, 'admin')
      return jsonAnswer(await status(untilGone()))
    },
  })
}
