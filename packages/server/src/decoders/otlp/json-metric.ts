import { expected, type Issue, isObject, setKey } from '../issues.ts'
import { readList } from './json-span.ts'
import {
  doubleOf,
  int64Of,
  jsonAnyId,
  jsonAttributes,
  jsonEnum,
  jsonText,
  jsonTime,
  jsonUint32,
  uint64Of,
} from './json-values.ts'
import {
  emptyMetric,
  emptyPoint,
  type MetricKind,
  type OtelBuckets,
  type OtelExemplar,
  type OtelMetric,
  type OtelPoint,
} from './model.ts'
import { plainDouble } from './wire-values.ts'

const temporalities = ['UNSPECIFIED', 'DELTA', 'CUMULATIVE'] as const

/** The fields of a metric that hold its points. */
export const dataNames: ReadonlyMap<string, MetricKind> = new Map([
  ['gauge', 'gauge'],
  ['sum', 'sum'],
  ['histogram', 'histogram'],
  ['exponentialHistogram', 'exponential_histogram'],
  ['exponential_histogram', 'exponential_histogram'],
  ['summary', 'summary'],
])

/** A Metric of OTLP's JSON without its points. Fields that OTLP does not name are kept in `unknown`. */
export function readJsonMetric(input: Record<string, unknown>, issues: Issue[]): OtelMetric {
  const metric = emptyMetric()
  for (const key in input) {
    const value = input[key]
    if (key === 'name') metric.name = jsonText(value, '/name', issues)
    else if (key === 'description') metric.description = jsonText(value, '/description', issues)
    else if (key === 'unit') metric.unit = jsonText(value, '/unit', issues)
    else if (key === 'metadata') metric.metadata = jsonAttributes(value, '/metadata', issues)
    else if (!dataNames.has(key) && value !== null && value !== undefined) {
      setKey((metric.unknown ??= {}), key, value)
    }
  }
  return metric
}

/** The metric as its points of one kind see it. */
export function readJsonData(
  metric: OtelMetric,
  kind: MetricKind,
  data: Record<string, unknown>,
  issues: Issue[],
): OtelMetric {
  const temporality = data['aggregationTemporality'] ?? data['aggregation_temporality']
  const monotonic = data['isMonotonic'] ?? data['is_monotonic'] ?? false
  if (typeof monotonic !== 'boolean') issues.push(expected(`/${kind}/isMonotonic`, 'true or false', monotonic))
  return {
    ...metric,
    kind,
    temporality: jsonEnum(
      temporality,
      temporalities,
      'AGGREGATION_TEMPORALITY_',
      `/${kind}/aggregationTemporality`,
      issues,
    ),
    isMonotonic: monotonic === true,
  }
}

/** A point of any kind. */
export function readJsonPoint(kind: MetricKind, input: Record<string, unknown>, issues: Issue[]): OtelPoint {
  const point = emptyPoint()
  if (kind !== 'gauge' && kind !== 'sum') point.count = 0
  if (kind === 'summary') point.sum = 0
  for (const key in input) {
    const value = input[key]
    if (value === null || value === undefined) continue
    switch (key) {
      case 'attributes':
        point.attributes = jsonAttributes(value, '/attributes', issues)
        break
      case 'startTimeUnixNano':
      case 'start_time_unix_nano':
        point.startTimeUnixNano = jsonTime(value, '/startTimeUnixNano', issues)
        break
      case 'timeUnixNano':
      case 'time_unix_nano':
        point.timeUnixNano = jsonTime(value, '/timeUnixNano', issues)
        break
      case 'flags':
        point.flags = jsonUint32(value, '/flags', issues)
        break
      case 'asDouble':
      case 'as_double':
        point.value = double(value, '/asDouble', issues)
        break
      case 'asInt':
      case 'as_int':
        point.value = integer(int64Of(value), value, '/asInt', issues)
        break
      case 'count':
        point.count = integer(uint64Of(value), value, '/count', issues)
        break
      case 'sum':
        point.sum = double(value, '/sum', issues)
        break
      case 'min':
        point.min = double(value, '/min', issues)
        break
      case 'max':
        point.max = double(value, '/max', issues)
        break
      case 'bucketCounts':
      case 'bucket_counts':
        point.bucketCounts = counts(value, '/bucketCounts', issues)
        break
      case 'explicitBounds':
      case 'explicit_bounds':
        point.explicitBounds = each(value, '/explicitBounds', issues, double)
        break
      case 'scale':
        point.scale = int32(value, '/scale', issues)
        break
      case 'zeroCount':
      case 'zero_count':
        point.zeroCount = integer(uint64Of(value), value, '/zeroCount', issues) ?? 0
        break
      case 'zeroThreshold':
      case 'zero_threshold':
        point.zeroThreshold = double(value, '/zeroThreshold', issues) ?? 0
        break
      case 'positive':
        point.positive = readBuckets(value, '/positive', issues)
        break
      case 'negative':
        point.negative = readBuckets(value, '/negative', issues)
        break
      case 'quantileValues':
      case 'quantile_values':
        point.quantiles = readList(value, '/quantileValues', issues, readQuantile)
        break
      case 'exemplars':
        point.exemplars = readList(value, '/exemplars', issues, readExemplar)
        break
      default:
        setKey((point.unknown ??= {}), key, value)
    }
  }
  return point
}

function readQuantile(input: Record<string, unknown>, pointer: string, issues: Issue[]) {
  return {
    quantile: double(input['quantile'] ?? 0, `${pointer}/quantile`, issues) ?? 0,
    value: double(input['value'] ?? 0, `${pointer}/value`, issues) ?? 0,
  }
}

function readBuckets(value: unknown, pointer: string, issues: Issue[]): OtelBuckets | undefined {
  if (!isObject(value)) {
    issues.push(expected(pointer, 'object', value))
    return undefined
  }
  return {
    offset: int32(value['offset'] ?? 0, `${pointer}/offset`, issues),
    counts: counts(value['bucketCounts'] ?? value['bucket_counts'] ?? [], `${pointer}/bucketCounts`, issues),
  }
}

function readExemplar(input: Record<string, unknown>, pointer: string, issues: Issue[]): OtelExemplar {
  const exemplar: OtelExemplar = {}
  const time = jsonTime(input['timeUnixNano'] ?? input['time_unix_nano'], `${pointer}/timeUnixNano`, issues)
  if (time !== 0n) exemplar.time_unix_nano = time.toString()
  const asDouble = input['asDouble'] ?? input['as_double']
  const asInt = input['asInt'] ?? input['as_int']
  if (asDouble !== undefined && asDouble !== null) {
    const value = double(asDouble, `${pointer}/asDouble`, issues)
    if (value !== undefined) exemplar.value = plainDouble(value)
  } else if (asInt !== undefined && asInt !== null) {
    const value = integer(int64Of(asInt), asInt, `${pointer}/asInt`, issues)
    if (value !== undefined) exemplar.value = value
  }
  const spanId = jsonAnyId(input['spanId'] ?? input['span_id'], 8, `${pointer}/spanId`, issues)
  if (spanId !== '') exemplar.span_id = spanId
  const traceId = jsonAnyId(input['traceId'] ?? input['trace_id'], 16, `${pointer}/traceId`, issues)
  if (traceId !== '') exemplar.trace_id = traceId
  const filtered = input['filteredAttributes'] ?? input['filtered_attributes']
  const attributes = jsonAttributes(filtered, `${pointer}/filteredAttributes`, issues)
  if (attributes !== undefined) exemplar.attributes = attributes
  return exemplar
}

function double(value: unknown, pointer: string, issues: Issue[]): number | undefined {
  const number = doubleOf(value)
  if (number === undefined) issues.push(expected(pointer, 'a number', value))
  return number
}

function integer<T>(read: T | undefined, value: unknown, pointer: string, issues: Issue[]): T | undefined {
  if (read === undefined) issues.push(expected(pointer, 'an integer of 64 bits', value))
  return read
}

function int32(value: unknown, pointer: string, issues: Issue[]): number {
  const number = int64Of(value)
  if (typeof number === 'number' && Math.abs(number) <= 0x7fffffff) return number
  issues.push(expected(pointer, 'an integer of 32 bits', value))
  return 0
}

function counts(value: unknown, pointer: string, issues: Issue[]): (number | bigint)[] {
  return each(value, pointer, issues, (count, at) => integer(uint64Of(count), count, at, issues)) ?? []
}

/** A list without those that cannot be read; each of them is an issue. */
function each<T>(
  list: unknown,
  pointer: string,
  issues: Issue[],
  read: (value: unknown, pointer: string, issues: Issue[]) => T | undefined,
): T[] | undefined {
  if (!Array.isArray(list)) {
    issues.push(expected(pointer, 'array', list))
    return undefined
  }
  const items: T[] = []
  for (let index = 0; index < list.length; index++) {
    const item = read(list[index], `${pointer}/${index}`, issues)
    if (item !== undefined) items.push(item)
  }
  return items
}
