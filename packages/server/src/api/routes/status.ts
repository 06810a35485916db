import { jsonAnswer } from '../../http/answer.ts'
import type { Http } from '../../http/server.ts'
import type { ApiAuth } from '../auth.ts'

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
    async respond({ request, untilGone }) {
      auth(request, 'admin')
      return jsonAnswer(await status(untilGone()))
    },
  })
}
