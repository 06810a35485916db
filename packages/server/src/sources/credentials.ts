import type { IncomingHttpHeaders } from 'node:http'

/**
 * The key of a request, wherever clients put it: `Authorization: Basic base64(key:)` (Segment), `Bearer key`, `x-write-key`, or
 * `?writeKey=` (beacons cannot set headers). The first that is there counts. The body is the dialect's own matter.
 */
export function keyOf(headers: IncomingHttpHeaders, query: unknown): string | undefined {
  const { authorization } = headers
  if (authorization !== undefined && authorization !== '') {
    const key = keyOfAuthorization(authorization)
    if (key !== '') return key
  }
  const header = headers['x-write-key']
  if (typeof header === 'string' && header !== '') return header
  const asked = (query as Record<string, unknown> | undefined)?.['writeKey']
  return typeof asked === 'string' && asked !== '' ? asked : undefined
}

function keyOfAuthorization(value: string): string {
  const space = value.indexOf(' ')
  const scheme = value.slice(0, space).toLowerCase()
  const rest = value.slice(space + 1).trim()
  if (scheme === 'bearer') return rest
  if (scheme !== 'basic') return ''
  const pair = Buffer.from(rest, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  return colon < 0 ? pair : pair.slice(0, colon)
}
