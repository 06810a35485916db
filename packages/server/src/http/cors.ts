import type { FastifyRequest } from 'fastify'
import type { HttpAnswer } from './answer.ts'

export interface Cors {
  /** May pages of this origin send the request that this preflight is for? */
  allows(origin: string, request: FastifyRequest): boolean
}

/**
 * Any page may send: a collector is made for that, and keys, not cookies, say who sends, so reflecting the origin gives nothing away.
 * The origin is named (not `*`) and credentials are allowed because `sendBeacon` always asks for both.
 */
export function originHeaders(origin: string): readonly string[] {
  return [
    'access-control-allow-origin',
    origin,
    'access-control-allow-credentials',
    'true',
    'access-control-expose-headers',
    'retry-after, x-request-id',
    'vary',
    'origin',
  ]
}

const usualHeaders =
  'authorization, content-type, content-encoding, prefer, x-write-key, x-request-id, x-retry-count, x-umami-cache, traceparent, tracestate, baggage'

/** Header names only, no longer than any SDK's list: what comes back was checked, not merely repeated. */
const headerList = /^[a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*$/i

/** The answer to a preflight: no key is asked for, browsers send none with it. */
export function answerPreflight(request: FastifyRequest, methods: string): HttpAnswer {
  const wanted = request.headers['access-control-request-headers']
  const isList = wanted !== undefined && wanted.length <= 1000 && headerList.test(wanted)
  return {
    status: 204,
    headers: {
      'access-control-allow-methods': methods,
      'access-control-allow-headers': isList ? wanted : usualHeaders,
      'access-control-max-age': '86400',
      vary: 'access-control-request-headers',
      allow: methods,
    },
    body: '',
  }
}
