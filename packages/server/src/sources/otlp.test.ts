import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { google, opentelemetry } from '../../../protocol/test/gen/otlp.gen.js'
import { PipelineError } from '../core/errors.ts'
import type { Receipt } from '../core/outcome.ts'
import { type CollectorSettings, type RunningCollector, startCollector } from '../testing/collector.ts'
import { encodeExportResponse, exportResponse, exportResponseToJson } from './otlp-answer.ts'

const { collector } = opentelemetry.proto
const codecs = {
  traces: [collector.trace.v1.ExportTraceServiceRequest, collector.trace.v1.ExportTraceServiceResponse],
  logs: [collector.logs.v1.ExportLogsServiceRequest, collector.logs.v1.ExportLogsServiceResponse],
  metrics: [collector.metrics.v1.ExportMetricsServiceRequest, collector.metrics.v1.ExportMetricsServiceResponse],
} as const
type Kind = keyof typeof codecs
const protobuf = 'application/x-protobuf'
const json = 'application/json'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function open(settings: CollectorSettings = {}): Promise<RunningCollector> {
  const running = await startCollector(settings)
  cleanups.push(running.stop)
  return running
}

const span = (n: number) => ({ traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, n + 1), name: `span ${n}` })
const items = {
  traces: (n: number) => ({
    resourceSpans: [{ scopeSpans: [{ spans: Array.from({ length: n }, (_, i) => span(i)) }] }],
  }),
  logs: (n: number) => ({
    resourceLogs: [{ scopeLogs: [{ logRecords: Array.from({ length: n }, () => ({ severityText: 'INFO' })) }] }],
  }),
  metrics: (n: number) => ({
    resourceMetrics: [
      {
        scopeMetrics: [
          { metrics: [{ name: 'm', gauge: { dataPoints: Array.from({ length: n }, () => ({ asDouble: 0 })) } }] },
        ],
      },
    ],
  }),
}
const body = (kind: Kind, count: number, type: string) =>
  type === json
    ? JSON.stringify(items[kind](count), (_, value: unknown) => bytesToHex(value))
    : codecs[kind][0].encode(items[kind](count)).finish()

/** A Buffer has become `{type, data}` by the time a replacer sees it. */
function bytesToHex(value: unknown): unknown {
  const { type, data } = (value ?? {}) as { type?: unknown; data?: number[] }
  return type === 'Buffer' && data !== undefined ? Buffer.from(data).toString('hex') : value
}

function send(url: string, kind: string, payload: string | Uint8Array, headers: Record<string, string>) {
  return fetch(`${url}/v1/${kind}`, { method: 'POST', headers, body: payload as string })
}

const mixed: NonNullable<CollectorSettings['decide']> = (index) =>
  (
    [
      {},
      { outcome: 'duplicate' },
      { outcome: 'quarantined', reason: 'schema', issues: ['/timestamp: 40 days old, at most 30'] },
      { outcome: 'dropped', reason: 'expired' },
    ] as const
  )[index] ?? {}

describe.each(['traces', 'logs', 'metrics'] as const)('POST /v1/%s', (kind) => {
  const rejectedName = { traces: 'rejectedSpans', logs: 'rejectedLogRecords', metrics: 'rejectedDataPoints' }[kind]
  const noun = { traces: 'spans', logs: 'log records', metrics: 'data points' }[kind]
  const message = `2 of 5 ${noun} rejected: 1 quarantined (schema), 1 dropped (expired); number 2 /timestamp: 40 days old, at most 30`

  it('answers all well with an empty response in the encoding of the request, inflated or not', async () => {
    const { url, batches } = await open()
    const wire = await send(url, kind, gzipSync(body(kind, 3, protobuf)), {
      'content-type': protobuf,
      'content-encoding': 'gzip',
    })
    expect([wire.status, wire.headers.get('content-type'), (await wire.arrayBuffer()).byteLength]).toEqual([
      200,
      protobuf,
      0,
    ])
    const text = await send(url, kind, body(kind, 3, json), { 'content-type': json })
    expect([text.status, text.headers.get('content-type'), await text.text()]).toEqual([200, json, '{}'])
    expect(batches.map(({ source, events }) => [source, events.length])).toEqual([
      ['otel', 3],
      ['otel', 3],
    ])
    expect(batches[0]?.events.map(({ columns }) => columns)).toEqual(batches[1]?.events.map(({ columns }) => columns))
  })

  it('takes an empty request', async () => {
    const { url, batches } = await open()
    expect((await send(url, kind, new Uint8Array(0), { 'content-type': protobuf })).status).toBe(200)
    expect((await send(url, kind, '{}', { 'content-type': json })).status).toBe(200)
    expect(batches).toEqual([])
  })

  it('counts quarantined and dropped as rejected, with reasons, and duplicates as accepted', async () => {
    const { url } = await open({ decide: mixed })
    const wire = await send(url, kind, body(kind, 5, protobuf), { 'content-type': protobuf })
    const decoded = codecs[kind][1].decode(new Uint8Array(await wire.arrayBuffer()))
    expect([wire.status, JSON.parse(JSON.stringify(decoded))]).toEqual([
      200,
      {
        partialSuccess: {
          [rejectedName]: expect.toSatisfy(
            (count: unknown) => String((count as { low?: number }).low ?? count) === '2',
          ),
          errorMessage: message,
        },
      },
    ])
    const text = await send(url, kind, body(kind, 5, json), { 'content-type': json })
    expect([text.status, await text.json()]).toEqual([
      200,
      { partialSuccess: { [rejectedName]: '2', errorMessage: message } },
    ])
  })

  it('answers 503 with Retry-After when some are not stored yet, whatever became of the others', async () => {
    const { url } = await open({ decide: (index) => (index === 4 ? { outcome: 'retry' } : (mixed(index) ?? {})) })
    const answer = await send(url, kind, body(kind, 5, json), { 'content-type': json })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await answer.json()).toMatchObject({
      code: 14,
      message: '1 of 5 events are not stored yet: send them again',
    })
  })
})

describe('refusals are a Status in the encoding of the request', () => {
  const refused = async (settings: CollectorSettings, payload: string | Uint8Array, type: string) => {
    const { url } = await open(settings)
    const answer = await send(url, 'traces', payload, { 'content-type': type })
    const bytes = new Uint8Array(await answer.arrayBuffer())
    const status =
      type === protobuf ? google.rpc.Status.decode(bytes) : (JSON.parse(Buffer.from(bytes).toString()) as object)
    return {
      answer,
      status: JSON.parse(JSON.stringify(status)) as { code: number; message: string; details?: unknown[] },
    }
  }
  const failing = (error: PipelineError): CollectorSettings => ({ accept: () => Promise.reject(error) })
  const unauthenticated: CollectorSettings = {
    authenticate: () => {
      throw new PipelineError('unauthorized', 'no key')
    },
  }
  const good = body('traces', 1, protobuf)
  const cases: [string, CollectorSettings, string | Uint8Array, number, number][] = [
    ['malformed', {}, Uint8Array.of(0x0a, 0x7f, 0x00), 400, 3],
    ['unauthorized', unauthenticated, good, 401, 16],
    ['forbidden', failing(new PipelineError('forbidden', 'not you')), good, 403, 7],
    ['too large', { limits: { maxBodyBytes: 10 } }, good, 413, 8],
    ['rate limited', failing(new PipelineError('rate_limited', 'slower', { retryAfterSeconds: 7 })), good, 429, 8],
    ['unavailable', failing(new PipelineError('unavailable', 'full')), good, 503, 14],
    ['slow', failing(new PipelineError('slow_body', 'too slow')), good, 503, 14],
    ['of unknown result', failing(new PipelineError('unknown_result', 'who knows')), good, 503, 14],
    ['broken inside', failing(new PipelineError('internal', 'secret detail')), good, 500, 13],
  ]
  it.each(cases)('%s', async (_, settings, payload, httpStatus, code) => {
    const { answer, status } = await refused(settings, payload, protobuf)
    expect([answer.status, answer.headers.get('content-type'), status.code]).toEqual([httpStatus, protobuf, code])
    expect(status.message).not.toBe('')
    expect(status.message).not.toContain('secret')
    const isLater = [429, 502, 503, 504].includes(httpStatus)
    expect(answer.headers.get('retry-after') !== null).toBe(isLater)
    expect((status.details ?? []).length).toBe(isLater ? 1 : 0)
  })

  it('with a RetryInfo beside what may be sent again', async () => {
    const settings = failing(new PipelineError('rate_limited', 'slower', { retryAfterSeconds: 7 }))
    const { url } = await open(settings)
    const wire = await send(url, 'traces', good, { 'content-type': protobuf })
    const { details } = google.rpc.Status.decode(new Uint8Array(await wire.arrayBuffer())) as unknown as {
      details: { type_url: string; value: Uint8Array }[]
    }
    expect(details[0]?.type_url).toBe('type.googleapis.com/google.rpc.RetryInfo')
    const info = google.rpc.RetryInfo.decode(details[0]?.value as Uint8Array) as unknown as {
      retryDelay: { seconds: unknown }
    }
    expect(JSON.parse(JSON.stringify(info))).toMatchObject({ retryDelay: { seconds: { low: 7 } } })
    expect((await refused(settings, body('traces', 1, json), json)).status).toEqual({
      code: 8,
      message: 'slower',
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' }],
    })
  })

  it('in JSON for a body of a type that is not OTLP, with the types that are', async () => {
    const { answer, status } = await refused({}, 'x', 'text/csv')
    expect([answer.status, answer.headers.get('content-type'), status.code]).toEqual([415, json, 12])
    expect(answer.headers.get('accept-post')).toContain(protobuf)
  })
})

it('says all is well by saying nothing, and shortens what it says of many', () => {
  const receipts = (outcome: Receipt['outcome'], count: number): Receipt[] =>
    Array.from({ length: count }, (_, index) => ({
      index,
      id: '',
      outcome,
      reason: 'schema',
      issues: [`/${'x'.repeat(400)}: bad`],
    }))
  expect(exportResponse('traces', receipts('duplicate', 3))).toEqual({ rejected: 0, message: '', retry: 0 })
  expect(encodeExportResponse({ rejected: 0, message: '', retry: 5 })).toEqual(new Uint8Array(0))
  const many = exportResponse('logs', receipts('quarantined', 50_000))
  expect([many.rejected, many.message.length]).toEqual([50_000, 1000])
  expect(many.message).toMatch(/^50000 of 50000 log records rejected: 50000 quarantined \(schema\); number 0 \/x/)
  const decoded = codecs.logs[1].decode(encodeExportResponse(many)) as { partialSuccess: { errorMessage: string } }
  expect(decoded.partialSuccess.errorMessage).toBe(many.message)
  expect(exportResponseToJson('logs', many)).toEqual({
    partialSuccess: { rejectedLogRecords: '50000', errorMessage: many.message },
  })
})
