import { afterAll, beforeAll, expect, it } from 'vitest'
import { opentelemetry } from '../../../packages/protocol/test/gen/otlp.gen.js'
import { ask, createInstance, type Instance } from '../../support/instance.ts'
import { post, settled, storedEvent } from '../../support/pipeline.ts'

const { ExportTraceServiceRequest } = opentelemetry.proto.collector.trace.v1

let instance: Instance
let collector: string
let api: string

beforeAll(async () => {
  instance = createInstance()
  ;({ collector, api } = await instance.start())
})
afterAll(() => instance.dispose())

const traceId = '0af7651916cd43dd8448eb211c80319c'
const hex = (number: number) => number.toString(16).padStart(16, '0')
const now = () => `${Date.now()}000000`

interface Link {
  readonly span: number
  readonly parent?: number
}

async function sendSpans(spans: readonly Link[]): Promise<void> {
  const id = (number: number) => Buffer.from(hex(number), 'hex')
  const message = {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: spans.map(({ span, parent }) => ({
              traceId: Buffer.from(traceId, 'hex'),
              spanId: id(span),
              // A root as some SDKs write it.
              parentSpanId: parent === undefined ? Buffer.alloc(8) : id(parent),
              name: `span ${span}`,
              kind: 1,
            })),
          },
        ],
      },
    ],
  }
  const body = ExportTraceServiceRequest.encode(message).finish()
  const answer = await post(`${collector}/v1/traces`, body, { 'content-type': 'application/x-protobuf' })
  expect([answer.status, (await answer.arrayBuffer()).byteLength]).toEqual([200, 0])
  await settled(api)
}

async function graph(): Promise<Record<string, unknown>> {
  const rows = await ask<{ span_id: string; place: unknown }>(
    api,
    `SELECT span_id, [depth, is_leaf, is_root] AS place FROM trace_spans WHERE trace_id = '${traceId}' ORDER BY span_id`,
  )
  return Object.fromEntries(rows.map(({ span_id, place }) => [Number(`0x${span_id}`), place]))
}

it('gives spans their exact place in the trace, whatever the order in which they come (X3-10)', async () => {
  // The leaf first, below a parent that nobody has seen.
  await sendSpans([{ span: 4, parent: 3 }])
  expect(await graph()).toEqual({ 4: [1, 1, 0] })
  // Then its grandparent, with one more child, before the grandparent's own root.
  await sendSpans([
    { span: 5, parent: 2 },
    { span: 2, parent: 1 },
  ])
  expect(await graph()).toEqual({ 2: [1, 0, 0], 4: [1, 1, 0], 5: [2, 1, 0] })
  await sendSpans([{ span: 3, parent: 2 }, { span: 1 }])
  expect(await graph()).toEqual({ 1: [0, 0, 1], 2: [1, 0, 0], 3: [2, 0, 0], 4: [3, 1, 0], 5: [2, 1, 0] })
})

it('keeps two equal points and two equal logs of a body, once when the body is sent again (X3-14, X3-15)', async () => {
  const time = now()
  const point = { asInt: '7', timeUnixNano: time, attributes: [{ key: 'room', value: { stringValue: 'a' } }] }
  const record = { timeUnixNano: time, severityNumber: 9, body: { stringValue: 'twice' } }
  const metrics = {
    resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'twice', gauge: { dataPoints: [point, point] } }] }] }],
  }
  const logs = { resourceLogs: [{ scopeLogs: [{ logRecords: [record, record] }] }] }
  for (let sent = 0; sent < 2; sent++) {
    for (const [path, body] of [
      ['metrics', metrics],
      ['logs', logs],
    ] as const) {
      const answer = await post(`${collector}/v1/${path}`, JSON.stringify(body))
      expect([answer.status, await answer.text()]).toEqual([200, '{}'])
    }
  }
  await settled(api)
  const rows = await ask(
    api,
    "SELECT event_type, count() AS n, uniqExact(id) AS ids FROM events WHERE metric_name = 'twice' OR log_message = 'twice' GROUP BY event_type ORDER BY event_type",
  )
  expect(rows).toEqual([
    { event_type: 'log', n: '2', ids: '2' },
    { event_type: 'metric', n: '2', ids: '2' },
  ])
})

it('stores nanoseconds, zeros and nested values exactly (G3-7, G3-10)', async () => {
  const start = `${Date.now()}123456`
  const span = {
    traceId,
    spanId: hex(99),
    name: 'exact',
    startTimeUnixNano: start,
    endTimeUnixNano: start,
    attributes: [
      { key: 'http.request.body.size', value: { intValue: '0' } },
      { key: 'big', value: { intValue: '9223372036854775807' } },
      {
        key: 'list',
        value: { arrayValue: { values: [{ kvlistValue: { values: [{ key: 'a', value: { boolValue: false } }] } }] } },
      },
    ],
    events: [{ timeUnixNano: start, name: 'e' }],
  }
  const body = JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
        scopeSpans: [{ spans: [span] }],
      },
    ],
  })
  expect((await post(`${collector}/v1/traces`, body)).status).toBe(200)
  const event = await storedEvent(api, `span_${traceId}_${hex(99)}`)
  const ms = new Date(Number(start.slice(0, -6))).toISOString()
  expect(event).toMatchObject({
    timestamp: ms,
    started_at: ms,
    duration_ms: 0,
    http_request_size: 0,
    service_name: 'shop',
    event_source: 'otel',
    data: { events: [{ time_unix_nano: start, name: 'e' }] },
    // A dot is a level in the tables' JSON columns.
    context: { resource: { service: { name: 'shop' } } },
    attributes: { list: [{ a: false }] },
  })
  const [row] = await ask<{ ns: string; big: string }>(
    api,
    `SELECT toString(timestamp_ns) AS ns, toString(attributes.big) AS big FROM events WHERE span_id = '${hex(99)}'`,
  )
  expect(row).toEqual({ ns: start, big: '9223372036854775807' })
})
