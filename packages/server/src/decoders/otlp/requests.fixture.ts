import * as fc from 'fast-check'
import { opentelemetry } from '../../../../protocol/test/gen/otlp.gen.js'
import type { OtlpKind } from './model.ts'

/*
 * Requests as the .proto files have them, in the form that the generated codec takes (camelCase, bytes, 64-bit halves), and the same in
 * OTLP's JSON. Both are written by code that the decoders do not share.
 */

const { collector } = opentelemetry.proto
export const requestCodecs = {
  traces: collector.trace.v1.ExportTraceServiceRequest,
  logs: collector.logs.v1.ExportLogsServiceRequest,
  metrics: collector.metrics.v1.ExportMetricsServiceRequest,
} as const

/** 64 bits in halves, as protobufjs takes them. */
class Bits {
  readonly low: number
  readonly high: number
  readonly unsigned: boolean

  constructor(value: bigint, unsigned: boolean) {
    this.low = Number(BigInt.asIntN(32, value))
    this.high = Number(BigInt.asIntN(32, value >> 32n))
    this.unsigned = unsigned
  }

  get value(): bigint {
    const bits = (BigInt(this.high) << 32n) | BigInt(this.low >>> 0)
    return this.unsigned ? BigInt.asUintN(64, bits) : BigInt.asIntN(64, bits)
  }
}

/** A double is written as such in JSON, and a 64-bit integer as a string: what they are must not get lost. */
export function toOtlpJson(message: unknown): string {
  return JSON.stringify(message, function (this: Record<string, unknown>, key, value: unknown) {
    const held = this[key]
    if (held instanceof Bits) return held.value.toString()
    if (held instanceof Uint8Array) return Buffer.from(held).toString(key === 'bytesValue' ? 'base64' : 'hex')
    if (typeof held === 'number' && !Number.isFinite(held)) return String(held)
    return value
  })
}

const signed = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => new Bits(value, false))
const unsigned = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => new Bits(value, true))
const time = fc.oneof(
  fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_900_000_000_000_000_000n }).map((ns) => new Bits(ns, true)),
  fc.constant(new Bits(0n, true)),
  unsigned,
)
const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ maxLength: 6, unit: 'grapheme' }))
const key = fc.oneof(
  fc.constantFrom(
    'http.method',
    'http.request.method',
    'http.status_code',
    'db.system',
    'session.id',
    'service.name',
    'service.namespace',
    'exception.type',
    'description',
    '__proto__',
    'constructor',
  ),
  text,
)
const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const int32 = fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 })
// JSON has no negative zero.
const double = fc.double().map((value) => value + 0)
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const id = (length: number) =>
  fc.oneof(
    { weight: 8, arbitrary: bytes(length) },
    fc.constant(new Uint8Array(length)),
    fc.uint8Array({ maxLength: 20 }),
  )
/** JSON cannot tell hex from base64 for bytes of these lengths. */
const anyId = (length: number) => fc.oneof(bytes(length), fc.constant(new Uint8Array(0)))
const some = <T>(arbitrary: fc.Arbitrary<T>, maxLength = 3) => fc.array(arbitrary, { maxLength })

const { value } = fc.letrec<{ value: object; pair: object }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant({}),
    text.map((stringValue) => ({ stringValue })),
    fc.boolean().map((boolValue) => ({ boolValue })),
    signed.map((intValue) => ({ intValue })),
    double.map((doubleValue) => ({ doubleValue })),
    fc.uint8Array({ maxLength: 9 }).map((bytesValue) => ({ bytesValue })),
    some(tie('value')).map((values) => ({ arrayValue: { values } })),
    some(tie('pair')).map((values) => ({ kvlistValue: { values } })),
  ),
  pair: fc.record({ key, value: tie('value') }),
}))
const attributes = some(fc.record({ key, value }), 4)

const part = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { requiredKeys: [] })

const span = part({
  traceId: id(16),
  spanId: id(8),
  traceState: text,
  parentSpanId: id(8),
  flags: uint32,
  name: text,
  kind: fc.integer({ min: 0, max: 7 }),
  startTimeUnixNano: time,
  endTimeUnixNano: time,
  attributes,
  droppedAttributesCount: uint32,
  events: some(
    part({
      timeUnixNano: time,
      name: fc.oneof(text, fc.constant('exception')),
      attributes,
      droppedAttributesCount: uint32,
    }),
  ),
  droppedEventsCount: uint32,
  links: some(
    part({
      traceId: anyId(16),
      spanId: anyId(8),
      traceState: text,
      attributes,
      droppedAttributesCount: uint32,
      flags: uint32,
    }),
  ),
  droppedLinksCount: uint32,
  status: part({ message: text, code: fc.integer({ min: 0, max: 3 }) }),
})

const log = part({
  timeUnixNano: time,
  observedTimeUnixNano: time,
  severityNumber: fc.integer({ min: 0, max: 40 }),
  severityText: fc.oneof(text, fc.constantFrom('INFO', 'Warning', 'FATAL')),
  body: value,
  attributes,
  droppedAttributesCount: uint32,
  flags: uint32,
  traceId: id(16),
  spanId: id(8),
  eventName: text,
})

const exemplar = fc.oneof(
  part({ filteredAttributes: attributes, timeUnixNano: time, asDouble: double, spanId: anyId(8), traceId: anyId(16) }),
  part({ filteredAttributes: attributes, timeUnixNano: time, asInt: signed, spanId: anyId(8), traceId: anyId(16) }),
)
const point = { attributes, startTimeUnixNano: time, timeUnixNano: time, flags: fc.constantFrom(0, 1, 2, 3) }
const number = { ...point, exemplars: some(exemplar, 2) }
const numberPoint = fc.oneof(part({ ...number, asDouble: double }), part({ ...number, asInt: signed }))
const temporality = fc.integer({ min: 0, max: 3 })
const buckets = part({ offset: int32, bucketCounts: some(unsigned) })
const histogram = { ...number, count: unsigned, sum: double, min: double, max: double }
const data = fc.oneof(
  part({ dataPoints: some(numberPoint) }).map((gauge) => ({ gauge })),
  part({ dataPoints: some(numberPoint), aggregationTemporality: temporality, isMonotonic: fc.boolean() }).map(
    (sum) => ({
      sum,
    }),
  ),
  part({
    dataPoints: some(part({ ...histogram, bucketCounts: some(unsigned), explicitBounds: some(double) })),
    aggregationTemporality: temporality,
  }).map((of) => ({ histogram: of })),
  part({
    dataPoints: some(
      part({
        ...histogram,
        scale: int32,
        zeroCount: unsigned,
        positive: buckets,
        negative: buckets,
        zeroThreshold: double,
      }),
    ),
    aggregationTemporality: temporality,
  }).map((exponentialHistogram) => ({ exponentialHistogram })),
  part({
    dataPoints: some(
      part({ ...point, count: unsigned, sum: double, quantileValues: some(part({ quantile: double, value: double })) }),
    ),
  }).map((summary) => ({ summary })),
)
const metric = fc
  .tuple(part({ name: text, description: text, unit: text, metadata: attributes }), data)
  .map(([about, of]) => ({ ...about, ...of }))

const resource = part({ attributes, droppedAttributesCount: uint32 })
const scope = part({ name: text, version: text, attributes, droppedAttributesCount: uint32 })

function request(resources: string, scopes: string, items: string, item: fc.Arbitrary<object>): fc.Arbitrary<object> {
  const ofScope = fc.record({ scope, [items]: some(item), schemaUrl: text }, { requiredKeys: [items] })
  const ofResource = fc.record({ resource, [scopes]: some(ofScope), schemaUrl: text }, { requiredKeys: [scopes] })
  return fc.record({ [resources]: some(ofResource) })
}

export const requests: Readonly<Record<OtlpKind, fc.Arbitrary<object>>> = {
  traces: request('resourceSpans', 'scopeSpans', 'spans', span),
  logs: request('resourceLogs', 'scopeLogs', 'logRecords', log),
  metrics: request('resourceMetrics', 'scopeMetrics', 'metrics', metric),
}
