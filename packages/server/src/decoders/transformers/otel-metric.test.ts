import { expect, it } from 'vitest'
import { transformOtelMetric } from './otel-metric.ts'

const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
const times = { startTimeUnixNano: '1544712000000000000', timeUnixNano: '1544712660000000001' }
const metric = (data: object, more: object = {}) => transformOtelMetric({ name: 'm', ...data, ...more }, resource)

it('maps a counter, one event per data point (X3-15)', () => {
  const attributes = [
    { key: 'plan', value: { stringValue: 'pro' } },
    { key: 'tries', value: { intValue: '0' } },
    { key: 'list', value: { arrayValue: { values: [{ boolValue: true }] } } },
    { key: 'none', value: {} },
  ]
  const events = transformOtelMetric(
    {
      name: 'orders',
      unit: '{order}',
      description: 'orders placed',
      metadata: [{ key: 'prometheus.type', value: { stringValue: 'counter' } }],
      sum: {
        isMonotonic: true,
        aggregationTemporality: 2,
        dataPoints: [{ ...times, asInt: '0', attributes }, { asDouble: 1.5 }],
      },
    },
    resource,
  )
  expect(events).toHaveLength(2)
  expect(events[0]).toEqual({
    event_type: 'metric',
    event_source: 'otel',
    event_name: 'orders',
    ns: 'otel.metrics.shop',
    service_name: 'shop',
    metric_name: 'orders',
    metric_unit: '{order}',
    metric_type: 'counter',
    metric_value: 0,
    timestamp: 1544712660000,
    timestamp_ns: 1544712660000000001n,
    started_at: 1544712000000,
    labels: { plan: 'pro', tries: '0', list: '[true]', none: '' },
    attributes: { plan: 'pro', tries: 0, list: [true], none: null, description: 'orders placed' },
    data: { kind: 'sum', is_monotonic: true, temporality: 'cumulative', metadata: { 'prometheus.type': 'counter' } },
    context: { resource: { 'service.name': 'shop' } },
  })
  expect(events[1]).toMatchObject({ metric_value: 1.5, attributes: { description: 'orders placed' } })
})

it('is a gauge for a gauge, and for a sum that may fall', () => {
  const [gauge] = metric({ gauge: { dataPoints: [{ asDouble: 21.5 }] } })
  expect(gauge).toMatchObject({ metric_type: 'gauge', metric_value: 21.5, data: { kind: 'gauge' } })
  const [sum] = metric({
    sum: { aggregationTemporality: 'AGGREGATION_TEMPORALITY_DELTA', dataPoints: [{ asInt: -2 }] },
  })
  expect(sum).toMatchObject({
    metric_type: 'gauge',
    metric_value: -2,
    data: { kind: 'sum', is_monotonic: false, temporality: 'delta' },
  })
})

it('maps histograms, with zeros, and without what was not said', () => {
  const [full, bare] = metric({
    histogram: {
      aggregationTemporality: 1,
      dataPoints: [
        { count: '4', sum: 0, min: 0, max: 9, explicitBounds: [0, 5], bucketCounts: ['1', 2, '1'] },
        { count: 0 },
      ],
    },
  })
  expect(full).toMatchObject({
    metric_type: 'histogram',
    metric_count: 4,
    metric_sum: 0,
    metric_min: 0,
    metric_max: 9,
    metric_buckets: { bounds: [0, 5], counts: [1, 2, 1] },
  })
  expect([bare?.metric_count, bare?.metric_sum, bare?.metric_min, bare?.metric_buckets]).toEqual([
    0,
    undefined,
    undefined,
    undefined,
  ])
})

it('maps exponential histograms', () => {
  const [event] = metric({
    exponentialHistogram: {
      dataPoints: [
        {
          count: '6',
          sum: 10,
          scale: -1,
          zeroCount: '2',
          zeroThreshold: 0.001,
          positive: { offset: -3, bucketCounts: ['3', '0', '1'] },
          negative: {},
        },
      ],
    },
  })
  expect(event).toMatchObject({
    metric_type: 'histogram',
    metric_count: 6,
    metric_buckets: {
      scale: -1,
      zero_count: 2,
      zero_threshold: 0.001,
      positive: { offset: -3, counts: [3, 0, 1] },
      negative: { offset: 0, counts: [] },
    },
    data: { kind: 'exponential_histogram' },
  })
})

it('maps summaries', () => {
  const [event] = metric({
    summary: { dataPoints: [{ count: 2, sum: 3, quantileValues: [{ quantile: 0.5, value: 1 }, { quantile: 1 }] }] },
  })
  expect(event).toMatchObject({
    metric_type: 'summary',
    metric_count: 2,
    metric_sum: 3,
    metric_quantiles: [
      { quantile: 0.5, value: 1 },
      { quantile: 1, value: 0 },
    ],
  })
})

it('has no value where none was recorded, keeps flags and exemplars', () => {
  const exemplar = {
    timeUnixNano: '1544712660000000000',
    asInt: '9007199254740993',
    traceId: '5B8EFFF798038103D269B633813FC60C',
    spanId: 'EEE19B7EC3C1B174',
    filteredAttributes: [{ key: 'k', value: { intValue: '0' } }],
  }
  const [event] = metric({ gauge: { dataPoints: [{ ...times, flags: 1, asInt: '0', exemplars: [exemplar] }] } })
  expect(event).not.toHaveProperty('metric_value')
  expect(event?.data).toEqual({
    kind: 'gauge',
    no_recorded_value: true,
    flags: 1,
    exemplars: [
      {
        time_unix_nano: '1544712660000000000',
        value: 9007199254740993n,
        trace_id: '5b8efff798038103d269b633813fc60c',
        span_id: 'eee19b7ec3c1b174',
        attributes: { k: 0 },
      },
    ],
  })
})

it('keeps exactly what a column of doubles cannot hold', () => {
  const [big, notANumber, infinite] = metric({
    gauge: { dataPoints: [{ asInt: '9007199254740993' }, { asDouble: 'NaN' }, { asDouble: '-Infinity' }] },
  })
  expect(big).toMatchObject({ metric_value: 9007199254740992, data: { value: 9007199254740993n } })
  expect([notANumber?.metric_value, notANumber?.data?.['value']]).toEqual([undefined, 'NaN'])
  expect([infinite?.metric_value, infinite?.data?.['value']]).toEqual([undefined, '-Infinity'])
  const [counted] = metric({ histogram: { dataPoints: [{ count: '18446744073709551615' }] } })
  expect(counted?.data).toMatchObject({ count: 18446744073709551615n })
})

it('never takes the start of a sum for the time of a point', () => {
  const [event] = metric({ sum: { dataPoints: [{ startTimeUnixNano: times.startTimeUnixNano, asInt: 1 }] } })
  expect([event?.timestamp, event?.started_at]).toEqual([undefined, undefined])
  expect(event?.data).toMatchObject({ start_time_unix_nano: times.startTimeUnixNano })
})

it('leaves an attribute named description in its place, and its input as it was', () => {
  const attributes = [{ key: 'description', value: { stringValue: 'own' } }]
  const input = { name: 'm', description: 'of the metric', gauge: { dataPoints: [{ asInt: 1, attributes }] } }
  const before = structuredClone(input)
  const [event] = transformOtelMetric(input)
  expect(event).toMatchObject({
    attributes: { description: 'own' },
    data: { description: 'of the metric' },
    ns: 'otel.metrics',
  })
  expect(input).toEqual(before)
})

it('throws for what is no metric, and gives nothing for one without points', () => {
  expect(() => transformOtelMetric({ gauge: { dataPoints: [{}] } })).toThrow('/name: required')
  expect(() => metric({ gauge: 7 })).toThrow('/gauge: expected an object with dataPoints, got number')
  expect(() => metric({ gauge: { dataPoints: [7] } })).toThrow('/gauge/dataPoints/0: expected object, got number')
  expect(metric({ gauge: { dataPoints: [] } })).toEqual([])
})
