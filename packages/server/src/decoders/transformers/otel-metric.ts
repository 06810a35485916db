import { type EventColumns, type JsonObject, stringifyJson } from '@millrace/protocol'
import { expected, type Issue, isObject, setKey } from '../issues.ts'
import { dataNames, readJsonData, readJsonMetric, readJsonPoint } from '../otlp/json-metric.ts'
import { readJsonResource } from '../otlp/json-source.ts'
import type { OtelMetric, OtelPoint } from '../otlp/model.ts'
import { type OtelSource, otelSource } from '../otlp/source.ts'
import { isTime, msOf, setTimestamp } from '../otlp/times.ts'
import { plainDouble } from '../otlp/wire-values.ts'
import { strictly, type Transformer } from './transformer.ts'

/**
 * One data point of a metric into columns.
 *
 * | metric and point         | columns                                                                                        |
 * | ------------------------ | ---------------------------------------------------------------------------------------------- |
 * | name, unit               | event_name, metric_name, metric_unit                                                           |
 * | kind                     | metric_type: gauge; sum → counter, or gauge when it may fall; histogram, also of an exponential one; summary; data.kind as sent |
 * | time, start              | timestamp, timestamp_ns, started_at                                                            |
 * | value                    | metric_value; an integer that no double holds is exact in data.value                           |
 * | count, sum, min, max     | metric_count, metric_sum, metric_min, metric_max                                               |
 * | buckets                  | metric_buckets {bounds, counts}; exponential {scale, zero_count, zero_threshold, positive, negative {offset, counts}} |
 * | quantiles                | metric_quantiles [{quantile, value}]                                                           |
 * | attributes               | labels, each value as text, and attributes, as they are                                        |
 * | description              | attributes.description (data.description where an attribute has that name)                     |
 * | temporality, monotonic, flags, exemplars, metadata | data                                                                  |
 *
 * A point without a recorded value (flag 1) has no value, count or sum: data.no_recorded_value says so. NaN and the infinities, which
 * no column holds, stand as text in data. Points have no ids: the gate makes one from the content and the time.
 */
export function mapOtelPoint(point: OtelPoint, metric: OtelMetric, source: OtelSource, issues: Issue[]): EventColumns {
  const columns: EventColumns = { ...source.columns }
  const data: JsonObject = {}
  if (metric.name === '') issues.push('/name: required')
  else {
    columns.event_name = metric.name
    columns.metric_name = metric.name
  }
  if (metric.unit !== '') columns.metric_unit = metric.unit
  setType(metric, columns, data)
  setTimes(point, columns, data, issues)
  if ((point.flags & noRecordedValue) !== 0) data['no_recorded_value'] = true
  else setValues(point, metric, columns, data)
  if (point.flags !== 0) data['flags'] = point.flags
  if (point.exemplars !== undefined) data['exemplars'] = point.exemplars
  if (metric.metadata !== undefined) data['metadata'] = metric.metadata
  setAttributes(point, metric, columns, data)
  for (const unknown of [metric.unknown, point.unknown]) {
    for (const key in unknown) if (!Object.hasOwn(data, key)) setKey(data, key, unknown[key])
  }
  columns.data = data
  if (source.context !== undefined) columns.context = { ...source.context }
  return columns
}

const noRecordedValue = 1

function setType({ kind, isMonotonic, temporality }: OtelMetric, columns: EventColumns, data: JsonObject): void {
  if (kind === 'sum') {
    columns.metric_type = isMonotonic ? 'counter' : 'gauge'
    data['is_monotonic'] = isMonotonic
  } else if (kind === 'exponential_histogram') columns.metric_type = 'histogram'
  else columns.metric_type = kind
  data['kind'] = kind
  if (temporality !== 0) data['temporality'] = ['', 'delta', 'cumulative'][temporality] ?? temporality
}

function setTimes(point: OtelPoint, columns: EventColumns, data: JsonObject, issues: Issue[]): void {
  const { startTimeUnixNano: start, timeUnixNano: time } = point
  const hasTime = isTime(time, '/timeUnixNano', issues)
  if (hasTime) setTimestamp(columns, time)
  if (!isTime(start, '/startTimeUnixNano', issues)) return
  // The start of a sum, perhaps weeks ago, must not pass for the time of a point that has none.
  if (hasTime) columns.started_at = msOf(start)
  else data['start_time_unix_nano'] = start.toString()
}

function setValues(point: OtelPoint, metric: OtelMetric, columns: EventColumns, data: JsonObject): void {
  const { value, count, sum, min, max } = point
  if (value !== undefined) columns.metric_value = finite(value, 'value', data)
  if (count !== undefined) columns.metric_count = finite(count, 'count', data)
  if (sum !== undefined) columns.metric_sum = finite(sum, 'sum', data)
  if (min !== undefined) columns.metric_min = finite(min, 'min', data)
  if (max !== undefined) columns.metric_max = finite(max, 'max', data)
  if (metric.kind === 'histogram') {
    const { explicitBounds: bounds = [], bucketCounts: counts = [] } = point
    if (bounds.length + counts.length > 0) columns.metric_buckets = { bounds: bounds.map(plainDouble), counts }
  }
  if (metric.kind === 'exponential_histogram') {
    columns.metric_buckets = {
      scale: point.scale,
      zero_count: point.zeroCount,
      zero_threshold: plainDouble(point.zeroThreshold),
      ...(point.positive && { positive: point.positive }),
      ...(point.negative && { negative: point.negative }),
    }
  }
  if (metric.kind === 'summary') {
    columns.metric_quantiles = (point.quantiles ?? []).map(({ quantile, value: at }) => ({
      quantile: plainDouble(quantile),
      value: plainDouble(at),
    }))
  }
}

/** What a column of doubles can hold; beside it in `data` what it cannot. */
function finite(value: number | bigint, name: string, data: JsonObject): number | undefined {
  if (typeof value === 'bigint') {
    data[name] = value
    return Number(value)
  }
  if (Number.isFinite(value)) return value
  data[name] = plainDouble(value)
  return undefined
}

function setAttributes(point: OtelPoint, metric: OtelMetric, columns: EventColumns, data: JsonObject): void {
  const { attributes } = point
  if (attributes !== undefined) {
    const labels: JsonObject = {}
    for (const key in attributes) setKey(labels, key, textOf(attributes[key]))
    columns.labels = labels
    columns.attributes = attributes
  }
  if (metric.description === '') return
  if (attributes === undefined) columns.attributes = { description: metric.description }
  else if (Object.hasOwn(attributes, 'description')) data['description'] = metric.description
  else attributes['description'] = metric.description
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null ? '' : typeof value === 'object' ? stringifyJson(value) : String(value)
}

/**
 * A metric of OTLP's JSON with its resource (`{attributes: […]}`), as one event per data point, without ids. Throws a TransformError
 * when values are not what OTLP says.
 */
export function transformOtelMetric(metric: object, resource?: object): EventColumns[] {
  return strictly(metric, (issues) => {
    const source = otelSource('metrics', readJsonResource(resource, undefined, issues), undefined)
    const input = metric as Record<string, unknown>
    const about = readJsonMetric(input, issues)
    const columns: EventColumns[] = []
    for (const [name, kind] of dataNames) {
      const data = input[name]
      if (data === undefined || data === null) continue
      const points = isObject(data) ? (data['dataPoints'] ?? data['data_points'] ?? []) : undefined
      if (!Array.isArray(points)) {
        issues.push(expected(`/${name}`, 'an object with dataPoints', data))
        continue
      }
      const of = readJsonData(about, kind, data as Record<string, unknown>, issues)
      for (const [index, point] of points.entries()) {
        if (isObject(point)) columns.push(mapOtelPoint(readJsonPoint(kind, point, issues), of, source, issues))
        else issues.push(expected(`/${name}/dataPoints/${index}`, 'object', point))
      }
    }
    return columns
  })
}

export const otelMetric: Transformer = {
  name: 'otel-metric',
  description: 'a metric of OpenTelemetry with its resource, one event per data point',
  source: 'otel',
  eventType: 'metric',
  multipleOutputs: true,
  transform: transformOtelMetric,
}
