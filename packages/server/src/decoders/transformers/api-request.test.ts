import { describe, expect, it } from 'vitest'
import { type ApiRequest, transformApiRequest } from './api-request.ts'
import { outcomeOfStatus } from './http-outcome.ts'

const request: ApiRequest = { method: 'GET', path: '/orders' }

describe('transformApiRequest (X3-26)', () => {
  it('is a trace named METHOD /path', () => {
    const named = (fields: Partial<ApiRequest>) => {
      const columns = transformApiRequest({ method: 'post', ...fields })
      return [columns.event_name, columns.http_url, columns.http_query]
    }
    expect(named({ path: '/orders' })).toEqual(['POST /orders', undefined, undefined])
    expect(named({ url: '/orders?limit=0#top' })).toEqual(['POST /orders', undefined, 'limit=0'])
    expect(named({ url: 'https://api.example' })).toEqual(['POST /', 'https://api.example', undefined])
    const url = 'https://api.example/orders/1?'
    expect(named({ url })).toEqual(['POST /orders/1', url, undefined])
    expect(named({ url, path: '/orders/:id' })).toEqual(['POST /orders/:id', url, undefined])
    expect(transformApiRequest(request).event_type).toBe('trace')
  })

  it('has an outcome by the class of its status', () => {
    const outcome = (status?: number) =>
      transformApiRequest({ ...request, ...(status !== undefined && { status }) }).outcome
    expect([200, 204, 299].map(outcome)).toEqual(['success', 'success', 'success'])
    expect([400, 404, 429, 499].map(outcome)).toEqual(Array(4).fill('client_error'))
    expect([500, 503, 599].map(outcome)).toEqual(Array(3).fill('server_error'))
    expect([101, 301, 0, 600, undefined].map(outcome)).toEqual(Array(5).fill('unknown'))
  })

  it('has the state of the cache in lower case, and the time to the first byte', () => {
    for (const cacheStatus of ['HIT', 'MISS', 'BYPASS', 'STALE']) {
      expect(transformApiRequest({ ...request, cacheStatus }).snippet_cache_state).toBe(cacheStatus.toLowerCase())
    }
    expect(transformApiRequest({ ...request, ttfb: 0 }).snippet_ttfb).toBe(0)
    expect(() => transformApiRequest({ ...request, cacheStatus: 'maybe' })).toThrow('/cacheStatus: expected HIT')
  })

  it('is a span: its own, or one of its request id', () => {
    expect(transformApiRequest({ ...request, requestId: 'r-1' }, 'gateway')).toMatchObject({
      id: 'api_r-1',
      trace_id: 'r-1',
      span_id: 'r-1',
      correlation_id: 'r-1',
      ns: 'gateway',
    })
    expect(
      transformApiRequest({ ...request, requestId: 'r-1', traceId: 't', spanId: 's', parentId: 'p' }),
    ).toMatchObject({
      id: 'api_r-1_s',
      trace_id: 't',
      span_id: 's',
      parent_id: 'p',
    })
    expect(transformApiRequest(request).id).toBeUndefined()
  })

  it('maps the rest, keeps what has no column, and leaves addresses out', () => {
    expect(
      transformApiRequest({
        ...request,
        status_code: 500,
        start_time: 1767225600000,
        duration: 0,
        userId: 7,
        userAgent: 'curl/8',
        requestSize: 0,
        responseSize: 12,
        error: { name: 'TypeError', message: 'no', stack: 'at x', code: 0 } as never,
        retries: 0,
        ip: '203.0.113.9',
        client_ip: '203.0.113.9',
      }),
    ).toEqual({
      event_type: 'trace',
      event_source: 'api_request',
      event_name: 'GET /orders',
      http_method: 'GET',
      http_path: '/orders',
      http_status: 500,
      status_code: 500,
      outcome: 'server_error',
      timestamp: 1767225600000,
      started_at: 1767225600000,
      duration_ms: 0,
      actor_id: '7',
      http_user_agent: 'curl/8',
      http_request_size: 0,
      http_response_size: 12,
      error_type: 'TypeError',
      error_message: 'no',
      error_stack: 'at x',
      attributes: { error: { code: 0 } },
      data: { retries: 0 },
    })
  })

  it('throws without method or target', () => {
    expect(() => transformApiRequest({} as never)).toThrow('/method: required; /url: required, or /path')
    expect(() => transformApiRequest({ method: 5 as never, path: '/' })).toThrow('/method: expected string, got number')
  })
})

it('tells from a status alone how a request ended (X3-27)', () => {
  const statuses = {
    success: [200, 204, 301, 399],
    rate_limited: [429],
    timeout: [408, 504],
    error: [0, 100, 400, 404, 500, 503, 600, NaN],
  }
  for (const [outcome, all] of Object.entries(statuses)) {
    for (const status of all) expect([status, outcomeOfStatus(status)]).toEqual([status, outcome])
  }
})
