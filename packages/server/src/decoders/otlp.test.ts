import { stringifyJson } from '@millrace/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DecodedBatch, RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import { decodeOtlp, decodeOtlpInSteps, type OtlpKind } from './otlp.ts'
import { WireWriter } from './wire-writer.ts'
import { requestCodecs, requests, toOtlpJson } from './otlp/requests.fixture.ts'

const kinds: readonly OtlpKind[] = ['traces', 'logs', 'metrics']
const protobuf = 'application/x-protobuf'
const json = 'application/json'

const decode = (kind: OtlpKind, body: Uint8Array, contentType: string) =>
  decodeOtlp(body, { headers: {}, kind, contentType })
const encode = (kind: OtlpKind, request: object) => requestCodecs[kind].encode(request).finish()
const plain = ({ events }: DecodedBatch) => events.map(({ columns, issues }) => ({ columns, issues }))

for (const kind of kinds) {
  describe(`OTLP ${kind}`, () => {
    it('reads what the generated codec writes, and the same from JSON, to the same events', () => {
      fc.assert(
        fc.property(requests[kind], (request) => {
          const fromWire = plain(decode(kind, encode(kind, request), protobuf))
          const fromJson = plain(decode(kind, Buffer.from(toOtlpJson(request)), json))
          expect(fromWire).toEqual(fromJson)
        }),
        { numRuns: 60 },
      )
    })

    it('keeps of each event a whole request that holds it alone, in its own encoding', () => {
      fc.assert(
        fc.property(requests[kind], fc.boolean(), (request, isJson) => {
          const type = isJson ? json : protobuf
          const body = isJson ? Buffer.from(toOtlpJson(request)) : encode(kind, request)
          for (const event of decode(kind, body, type).events) {
            const bytes = isJson ? Buffer.from(stringifyJson(event.original)) : (event.original as Uint8Array)
            expect(plain(decode(kind, bytes, type))).toEqual([{ columns: event.columns, issues: event.issues }])
          }
        }),
        { numRuns: 40 },
      )
    })

    it('takes a body cut anywhere as malformed or as the events before the cut, and never fails otherwise', () => {
      fc.assert(
        fc.property(requests[kind], fc.nat(), (request, at) => {
          const whole = encode(kind, request)
          const cut = whole.subarray(0, at % (whole.length + 1))
          try {
            expect(decode(kind, cut, protobuf).events.length).toBeLessThanOrEqual(
              decode(kind, whole, protobuf).events.length,
            )
          } catch (error) {
            expect(error).toBeInstanceOf(PipelineError)
            expect((error as PipelineError).code).toBe('malformed')
          }
        }),
      )
    })

    it('quarantines items whose bytes are damaged, and never fails otherwise', () => {
      const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 })
      fc.assert(
        fc.property(requests[kind], damage, (request, places) => {
          const body = Buffer.from(encode(kind, request))
          for (const [place, byte] of places) if (body.length > 0) body[place % body.length] = byte
          try {
            for (const { issues } of decode(kind, body, protobuf).events) {
              for (const issue of issues ?? []) expect(issue).toMatch(/^(\/[^:]*)?: /)
            }
          } catch (error) {
            expect(error).toBeInstanceOf(PipelineError)
            expect(['malformed', 'too_large']).toContain((error as PipelineError).code)
          }
        }),
        { numRuns: 60 },
      )
    })

    it('takes an empty request, and refuses a body of another form', () => {
      expect(decode(kind, new Uint8Array(0), protobuf).events).toEqual([])
      expect(decode(kind, Buffer.from('{}'), json).events).toEqual([])
      // Field 2 only.
      expect(() => decode(kind, Uint8Array.of(0x12, 0x00), protobuf)).toThrow('has none of the fields of OTLP')
      expect(() => decode(kind, Buffer.from('{"events":[]}'), json)).toThrow('the body has no "resource')
      expect(() => decode(kind, Buffer.from('[]'), json)).toThrow('the body is array(0), expected {"resource')
    })
  })
}

/** One length-delimited field. */
function message(field: number, bytes: Uint8Array): Uint8Array {
  const writer = new WireWriter()
  writer.bytes(field, bytes)
  return writer.finish()
}

const traceId = '5b8efff798038103d269b633813fc60c'
const spanJson = (more: object = {}) => ({ traceId, spanId: 'eee19b7ec3c1b174', name: 'x', ...more })
const decodeSpans = (spans: readonly object[], more: object = {}): readonly RawEvent[] =>
  decode('traces', Buffer.from(JSON.stringify({ resourceSpans: [{ ...more, scopeSpans: [{ spans }] }] })), json).events

it('decodes thousands of spans in steps, and comes to the same events', () => {
  const spans = Array.from({ length: 2000 }, (_, n) => ({
    traceId: Buffer.from(traceId, 'hex'),
    spanId: Buffer.from((n + 1).toString(16).padStart(16, '0'), 'hex'),
    name: `span ${n % 7}`,
  }))
  const body = encode('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })
  const steps = decodeOtlpInSteps(body, { headers: {}, kind: 'traces', contentType: protobuf })
  let count = 0
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) count++
  expect(count).toBeGreaterThanOrEqual(7)
  expect(plain(step.value)).toEqual(plain(decode('traces', body, protobuf)))
  expect(new Set(step.value.events.map(({ columns }) => columns.id)).size).toBe(2000)
})

it('decodes one metric with thousands of points in steps too', () => {
  const dataPoints = Array.from({ length: 2000 }, (_, n) => ({ asDouble: n }))
  const metrics = [{ name: 'many', gauge: { dataPoints } }]
  const body = encode('metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] })
  const steps = decodeOtlpInSteps(body, { headers: {}, kind: 'metrics', contentType: protobuf })
  let count = 0
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) count++
  expect(count).toBeGreaterThanOrEqual(7)
  expect(step.value.events.map(({ columns }) => columns.metric_value)).toEqual(
    dataPoints.map(({ asDouble }) => asDouble),
  )
})

it('reads a resource and a scope that stand behind their items', () => {
  const field = message
  const text = (number: number, value: string) => field(number, Buffer.from(value))
  const span = Buffer.concat([field(1, Buffer.from(traceId, 'hex')), field(2, Buffer.alloc(8, 1)), text(5, 'x')])
  const scope = field(2, Buffer.concat([field(2, span), field(1, text(1, 'lib'))]))
  const attribute = Buffer.concat([text(1, 'service.name'), field(2, text(1, 'shop'))])
  const body = field(1, Buffer.concat([scope, field(1, field(1, attribute))]))
  const [event] = decode('traces', body, protobuf).events
  expect(event?.columns).toMatchObject({
    service_name: 'shop',
    context: { resource: { 'service.name': 'shop' }, scope: { name: 'lib' } },
  })
})

it('takes scopes under the names and numbers of 2021', () => {
  const old = {
    resourceSpans: [
      { instrumentationLibrarySpans: [{ instrumentationLibrary: { name: 'lib' }, spans: [spanJson()] }] },
    ],
  }
  const [event] = decode('traces', Buffer.from(JSON.stringify(old)), json).events
  expect(event?.columns).toMatchObject({ trace_id: traceId, context: { scope: { name: 'lib' } } })
  const body = Buffer.from(encode('traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'old' }] }] }] }))
  // Field 1000 in place of 2: a tag of two bytes, so the frame around it grows by one.
  const inner = Buffer.concat([Buffer.from([0xc2, 0x3e]), body.subarray(3)])
  const moved = Buffer.concat([Buffer.from([0x0a, inner.length]), inner])
  expect(decode('traces', moved, protobuf).events[0]?.columns.event_name).toBe('old')
})

it('takes ids in hex of any case and in base64, and quarantines all others while their neighbours go on', () => {
  const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')
  const events = decodeSpans([
    spanJson({ traceId: traceId.toUpperCase() }),
    spanJson({ traceId: base64(traceId), spanId: base64('eee19b7ec3c1b174') }),
    spanJson({ traceId: traceId.slice(2) }),
    spanJson({ spanId: '0000000000000000' }),
    spanJson({ traceId: 'not an id' }),
    spanJson({ spanId: 7 }),
    spanJson({ traceId: undefined }),
    spanJson({ parentSpanId: 'ab' }),
    spanJson({ parentSpanId: '0000000000000000' }),
  ])
  const good = { trace_id: traceId, span_id: 'eee19b7ec3c1b174', id: `span_${traceId}_eee19b7ec3c1b174` }
  expect(events[0]?.columns).toMatchObject(good)
  expect(events[1]?.columns).toMatchObject(good)
  expect(events.map(({ issues }) => issues)).toEqual([
    undefined,
    undefined,
    ['/traceId: expected 16 bytes, got 15'],
    ['/spanId: all zero, which OpenTelemetry says is no id'],
    ['/traceId: expected 16 bytes in hex, got string(9)'],
    ['/spanId: expected 8 bytes in hex, got number'],
    ['/traceId: required'],
    ['/parentSpanId: expected 8 bytes, got 1'],
    undefined,
  ])
  expect(events[8]?.columns.parent_id).toBeUndefined()
  expect(events.slice(2, 7).map(({ columns }) => columns.id)).toEqual(new Array(5).fill(undefined))
})

it('takes snake_case, enum names, and integers as numbers, exactly', () => {
  const text = `{"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"${traceId}","span_id":"eee19b7ec3c1b174","name":"x","kind":"SPAN_KIND_SERVER",
    "start_time_unix_nano":1795255200123456789,"end_time_unix_nano":"1795255200123456790","status":{"code":"STATUS_CODE_OK"},
    "attributes":[{"key":"big","value":{"int_value":9007199254740993}},{"key":"small","value":{"int_value":"-7"}}]}]}]}]}`
  const [event] = decode('traces', Buffer.from(text), json).events
  expect(event?.issues).toBeUndefined()
  expect(event?.columns).toMatchObject({
    rpc_system: 'server',
    outcome: 'success',
    timestamp: 1795255200123,
    timestamp_ns: 1795255200123456789n,
    duration_ms: 0.000001,
    attributes: { big: 9007199254740993n, small: -7 },
  })
})

it('keeps fields that OTLP does not name, and all of an entity', () => {
  const [event] = decodeSpans([spanJson({ vendorField: { a: 1 }, kind: 1 })], {
    resource: { attributes: [], entityRefs: [{ type: 'host', idKeys: ['host.id'], schemaUrl: 'u' }] },
    schemaUrl: 'https://opentelemetry.io/schemas/1.30.0',
  })
  expect(event?.columns.data).toEqual({ kind: 'internal', vendorField: { a: 1 } })
  expect(event?.columns.context).toEqual({
    resource_schema_url: 'https://opentelemetry.io/schemas/1.30.0',
    resource_entity_refs: [{ type: 'host', id_keys: ['host.id'], schema_url: 'u' }],
  })
})

it('quarantines all items of a resource that cannot be read, and not those of others', () => {
  const body = Buffer.from(
    JSON.stringify({
      resourceSpans: [
        { resource: { attributes: [{ key: 7 }] }, scopeSpans: [{ spans: [spanJson(), spanJson()] }] },
        { resource: {}, scopeSpans: [{ spans: [spanJson()] }] },
      ],
    }),
  )
  expect(decode('traces', body, json).events.map(({ issues }) => issues)).toEqual([
    ['/resource/attributes/0: expected a key and a value, got object'],
    ['/resource/attributes/0: expected a key and a value, got object'],
    undefined,
  ])
})

it('quarantines values nested deeper than JSON may be', () => {
  let value: Uint8Array = new Uint8Array(0)
  for (let level = 0; level < 150; level++) value = message(5, message(1, value))
  const deep = Buffer.concat([message(5, Buffer.from('deep')), message(9, message(2, value))])
  const spans = Buffer.concat([message(2, deep), message(2, message(5, Buffer.from('next')))])
  const { events } = decode('traces', message(1, message(2, spans)), protobuf)
  expect(events[0]?.issues?.[0]).toMatch(/^: not a protobuf message: values nested deeper than 100 levels at byte \d+$/)
  expect(events[1]?.columns.event_name).toBe('next')
})

it('quarantines a metric without data, and each point that is none', () => {
  const metrics = [
    { name: 'none' },
    { name: 'old', intSum: { dataPoints: [{}] } },
    { name: 'empty', gauge: { dataPoints: [] } },
    { name: 'points', sum: { dataPoints: [5, { asInt: '1' }, { asInt: 'x' }] } },
    'x',
  ]
  const body = Buffer.from(JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }))
  const none = ': has none of gauge, sum, histogram, exponentialHistogram, exponential_histogram, summary'
  expect(decode('metrics', body, json).events.map(({ issues }) => issues)).toEqual([
    [none],
    [none],
    [': expected a data point, got number'],
    undefined,
    ['/asInt: expected an integer of 64 bits, got string(1)'],
    [': expected a metric, got string(1)'],
  ])
})

it('never takes one name for another, however many there are', () => {
  const names = Array.from({ length: 5000 }, (_, n) => `name-${String(n).padStart(5, '0')}`)
  const spans = [...names, ...names.toReversed()].map((name) => ({
    name,
    attributes: [
      { key: `${name}é`, value: {} },
      { key: name, value: {} },
    ],
  }))
  const { events } = decode('traces', encode('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] }), protobuf)
  expect(events.map(({ columns }) => [columns.event_name, ...Object.keys(columns.attributes ?? {})])).toEqual(
    spans.map(({ name }) => [name, `${name}é`, name]),
  )
})
