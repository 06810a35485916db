import { WireReader } from '../wire.ts'
import {
  emptyMetric,
  emptyPoint,
  type MetricKind,
  type OtelBuckets,
  type OtelExemplar,
  type OtelMetric,
  type OtelPoint,
} from './model.ts'
import { tagOf } from './wire-frame.ts'
import { exact, OtlpReader, plainDouble } from './wire-values.ts'

/** Fields of a Metric that hold its points. */
export const dataKinds: ReadonlyMap<number, MetricKind> = new Map([
  [tagOf(5), 'gauge'],
  [tagOf(7), 'sum'],
  [tagOf(9), 'histogram'],
  [tagOf(10), 'exponential_histogram'],
  [tagOf(11), 'summary'],
])

/**
 * What the points of a metric share:
 *
 *   Metric = name 1, description 2, unit 3, (data 5, 7, 9, 10 or 11), metadata 12
 *   Gauge, Sum, Histogram, ExponentialHistogram, Summary = (data_points 1), aggregation_temporality 2, is_monotonic 3
 */
export function readWireMetric(metricRest: Uint8Array): OtelMetric {
  const metric = emptyMetric()
  const otlp = new OtlpReader(new WireReader(metricRest))
  const { reader } = otlp
  while (reader.at < reader.end) {
    const tag = reader.uint32()
    if (tag === 10) metric.name = reader.string()
    else if (tag === 18) metric.description = reader.string()
    else if (tag === 26) metric.unit = reader.string()
    else if (tag === 98) metric.metadata = otlp.attribute(metric.metadata)
    else otlp.skip(tag)
  }
  return metric
}

export function readWireData(metric: OtelMetric, kind: MetricKind, dataRest: Uint8Array): OtelMetric {
  const of: OtelMetric = { ...metric, kind }
  const reader = new WireReader(dataRest)
  while (reader.at < reader.end) {
    const tag = reader.uint32()
    if (tag === 16) of.temporality = reader.uint32()
    else if (tag === 24) of.isMonotonic = reader.bool()
    else reader.skip(tag & 7)
  }
  return of
}

type ReadPoint = (otlp: OtlpReader) => OtelPoint

export const readWirePoint: Readonly<Record<MetricKind, ReadPoint>> = {
  gauge: readNumber,
  sum: readNumber,
  histogram: readHistogram,
  exponential_histogram: readExponential,
  summary: readSummary,
}

/** start_time 2, time 3, as_double 4, exemplars 5, as_int 6, attributes 7, flags 8 */
function readNumber(otlp: OtlpReader): OtelPoint {
  const { reader } = otlp
  const { end } = reader
  const point = emptyPoint()
  while (reader.at < end) {
    const tag = reader.uint32()
    if (tag === 17) point.startTimeUnixNano = reader.fixed64()
    else if (tag === 25) point.timeUnixNano = reader.fixed64()
    else if (tag === 33) point.value = reader.double()
    else if (tag === 42) (point.exemplars ??= []).push(readExemplar(otlp))
    else if (tag === 49) point.value = exact(BigInt.asIntN(64, reader.fixed64()))
    else if (tag === 58) point.attributes = otlp.attribute(point.attributes)
    else if (tag === 64) point.flags = reader.uint32()
    else otlp.skip(tag)
  }
  return point
}

/**
 * start_time 2, time 3, count 4, sum 5, bucket_counts 6, explicit_bounds 7, exemplars 8, attributes 9, flags 10, min 11, max 12;
 * counts and bounds packed or not
 */
function readHistogram(otlp: OtlpReader): OtelPoint {
  const { reader } = otlp
  const { end } = reader
  const point = emptyPoint()
  point.count = 0
  while (reader.at < end) {
    const tag = reader.uint32()
    if (tag === 17) point.startTimeUnixNano = reader.fixed64()
    else if (tag === 25) point.timeUnixNano = reader.fixed64()
    else if (tag === 33) point.count = exact(reader.fixed64())
    else if (tag === 41) point.sum = reader.double()
    else if (tag === 49 || tag === 50) point.bucketCounts = otlp.fixed64s(tag, point.bucketCounts)
    else if (tag === 57 || tag === 58) point.explicitBounds = otlp.doubles(tag, point.explicitBounds)
    else if (tag === 66) (point.exemplars ??= []).push(readExemplar(otlp))
    else if (tag === 74) point.attributes = otlp.attribute(point.attributes)
    else if (tag === 80) point.flags = reader.uint32()
    else if (tag === 89) point.min = reader.double()
    else if (tag === 97) point.max = reader.double()
    else otlp.skip(tag)
  }
  return point
}

/**
 * attributes 1, start_time 2, time 3, count 4, sum 5, scale 6, zero_count 7, positive 8, negative 9, flags 10, exemplars 11, min 12,
 * max 13, zero_threshold 14
 */
function readExponential(otlp: OtlpReader): OtelPoint {
  const { reader } = otlp
  const { end } = reader
  const point = emptyPoint()
  point.count = 0
  while (reader.at < end) {
    const tag = reader.uint32()
    if (tag === 10) point.attributes = otlp.attribute(point.attributes)
    else if (tag === 17) point.startTimeUnixNano = reader.fixed64()
    else if (tag === 25) point.timeUnixNano = reader.fixed64()
    else if (tag === 33) point.count = exact(reader.fixed64())
    else if (tag === 41) point.sum = reader.double()
    else if (tag === 48) point.scale = reader.sint32()
    else if (tag === 57) point.zeroCount = exact(reader.fixed64())
    else if (tag === 66) point.positive = readBuckets(otlp)
    else if (tag === 74) point.negative = readBuckets(otlp)
    else if (tag === 80) point.flags = reader.uint32()
    else if (tag === 90) (point.exemplars ??= []).push(readExemplar(otlp))
    else if (tag === 97) point.min = reader.double()
    else if (tag === 105) point.max = reader.double()
    else if (tag === 113) point.zeroThreshold = reader.double()
    else otlp.skip(tag)
  }
  return point
}

/** start_time 2, time 3, count 4, sum 5, quantile_values 6, attributes 7, flags 8 */
function readSummary(otlp: OtlpReader): OtelPoint {
  const { reader } = otlp
  const { end } = reader
  const point = emptyPoint()
  point.count = 0
  point.sum = 0
  while (reader.at < end) {
    const tag = reader.uint32()
    if (tag === 17) point.startTimeUnixNano = reader.fixed64()
    else if (tag === 25) point.timeUnixNano = reader.fixed64()
    else if (tag === 33) point.count = exact(reader.fixed64())
    else if (tag === 41) point.sum = reader.double()
    else if (tag === 50) (point.quantiles ??= []).push(readQuantile(otlp))
    else if (tag === 58) point.attributes = otlp.attribute(point.attributes)
    else if (tag === 64) point.flags = reader.uint32()
    else otlp.skip(tag)
  }
  return point
}

/** quantile 1, value 2 */
function readQuantile(otlp: OtlpReader): { quantile: number; value: number } {
  const { reader } = otlp
  const outer = reader.end
  const stop = reader.enter()
  reader.end = stop
  const quantile = { quantile: 0, value: 0 }
  while (reader.at < stop) {
    const tag = reader.uint32()
    if (tag === 9) quantile.quantile = reader.double()
    else if (tag === 17) quantile.value = reader.double()
    else otlp.skip(tag)
  }
  reader.end = outer
  return quantile
}

/** offset 1, bucket_counts 2 */
function readBuckets(otlp: OtlpReader): OtelBuckets {
  const { reader } = otlp
  const outer = reader.end
  const stop = reader.enter()
  reader.end = stop
  const buckets: OtelBuckets = { offset: 0, counts: [] }
  while (reader.at < stop) {
    const tag = reader.uint32()
    if (tag === 8) buckets.offset = reader.sint32()
    else if (tag === 16 || tag === 18) otlp.uint64s(tag, buckets.counts)
    else otlp.skip(tag)
  }
  reader.end = outer
  return buckets
}

/** time 2, as_double 3, span_id 4, trace_id 5, as_int 6, filtered_attributes 7 */
function readExemplar(otlp: OtlpReader): OtelExemplar {
  const { reader } = otlp
  const outer = reader.end
  const stop = reader.enter()
  reader.end = stop
  const exemplar: OtelExemplar = {}
  let time = 0n
  let spanId = ''
  let traceId = ''
  while (reader.at < stop) {
    const tag = reader.uint32()
    if (tag === 17) time = reader.fixed64()
    else if (tag === 25) exemplar.value = plainDouble(reader.double())
    else if (tag === 34) spanId = otlp.anyId()
    else if (tag === 42) traceId = otlp.anyId()
    else if (tag === 49) exemplar.value = exact(BigInt.asIntN(64, reader.fixed64()))
    else if (tag === 58) exemplar.attributes = otlp.attribute(exemplar.attributes)
    else otlp.skip(tag)
  }
  if (time !== 0n) exemplar.time_unix_nano = time.toString()
  if (spanId !== '') exemplar.span_id = spanId
  if (traceId !== '') exemplar.trace_id = traceId
  reader.end = outer
  return exemplar
}
