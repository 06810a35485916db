import type { IncomingHttpHeaders } from 'node:http'
import { PipelineError } from '../core/errors.ts'
import type { Authenticate, Principal, Scope } from '../core/principal.ts'

export interface ApiAuthOptions {
  readonly mode: 'open' | 'keys'
  readonly authenticate: Authenticate
  /** Projects of the configuration; `?project=` may name one of these. */
  readonly projects: readonly string[]
}

/** What of a request says who asks. */
export interface Asking {
  readonly headers: IncomingHttpHeaders
  readonly query: unknown
}

/** Who asks, and about which project. */
export type ApiAuth = (request: Asking, scope: Scope) => Principal

/** Names that no DNS server can point elsewhere: what a rebound name is not. */
const loopbackHost = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i

/**
 * `auth: keys`: a read or admin key; `?project=` only with an admin key.
 * `auth: open`: no key, but the request's Host is loopback and its Origin is absent or the API's own: a page of another site
 * (or a name that was rebound to 127.0.0.1) cannot ask through a browser of this machine.
 */
export function createApiAuth({ mode, authenticate, projects }: ApiAuthOptions): ApiAuth {
  return (request, scope) => {
    const project = (request.query as { project?: unknown }).project
    if (mode === 'open') {
      assertLocal(request)
      return { project: named(project, projects) ?? 'default', scope: 'admin', keyId: '' }
    }
    const key = keyOf(request)
    const origin = request.headers.origin
    const principal = authenticate({
      scope,
      ...(key !== undefined && { key }),
      ...(origin !== undefined && { origin }),
    })
    if (project === undefined || project === '' || project === principal.project) return principal
    // Before looking whether there is such a project: whoever may not ask about it does not learn that it exists.
    if (principal.scope !== 'admin')
      throw new PipelineError('forbidden', `?project= needs an admin key; this key asks about ${principal.project}`)
    return { ...principal, project: named(project, projects) ?? principal.project }
  }
}

function named(project: unknown, projects: readonly string[]): string | undefined {
  if (project === undefined || project === '') return undefined
  if (typeof project === 'string' && projects.includes(project)) return project
  throw new PipelineError('not_found', 'no such project; projects are named in the configuration')
}

function assertLocal(request: Asking): void {
  const host = (request.headers.host ?? '').toLowerCase()
  if (!loopbackHost.test(host))
    throw new PipelineError(
      'forbidden',
      '`auth: open` answers only requests whose Host is loopback; use http://127.0.0.1, or `auth: keys`',
    )
  const origin = request.headers.origin?.toLowerCase()
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`)
    throw new PipelineError('forbidden', '`auth: open` answers no other origin than its own; use `auth: keys`')
}

/** `Authorization: Bearer <key>`, `Authorization: Basic <key>:`, or `x-api-key`. */
function keyOf(request: Asking): string | undefined {
  const header = request.headers.authorization
  if (header === undefined) {
    const plain = request.headers['x-api-key']
    return typeof plain === 'string' ? plain : undefined
  }
  const [scheme, value = ''] = header.trim().split(/ +/, 2)
  if (scheme?.toLowerCase() === 'bearer') return value
  if (scheme?.toLowerCase() !== 'basic') return undefined
  const [user, password] = Buffer.from(value, 'base64').toString('utf8').split(':', 2)
  return user || password || undefined
}
