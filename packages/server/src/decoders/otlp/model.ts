/**
 * What one OTLP item says, whichever encoding it came in: the wire readers (wire-*.ts) and the JSON readers (json-*.ts) make it,
 * the transformers map it. Absent strings are '', absent counters and flags 0, absent times 0n: as protobuf has it.
 */

/** Lists and maps within each other in an attribute or a body; each is several levels of JSON. */
export const maxValueDepth = 100

/**
 * Attributes as plain values: string, boolean, number (bigint beyond 2^53), base64 text of bytes, arrays, objects, null for an empty
 * value. Doubles that JSON has no word for are the strings 'NaN', 'Infinity' and '-Infinity', as in OTLP's own JSON.
 */
export type Attributes = Record<string, unknown>

export type OtlpKind = 'traces' | 'logs' | 'metrics'

export interface OtelResource {
  attributes: Attributes
  droppedAttributesCount: number
  schemaUrl: string
  /** As they came: type, id keys, description keys. */
  entityRefs: unknown[] | undefined
}

export interface OtelScope {
  name: string
  version: string
  attributes: Attributes | undefined
  droppedAttributesCount: number
  schemaUrl: string
}

export interface OtelSpan {
  /** Lower-case hex; '' when absent. What is no id stands with an issue. */
  traceId: string
  spanId: string
  /** '' for a root. */
  parentSpanId: string
  traceState: string
  flags: number
  name: string
  kind: number
  startTimeUnixNano: bigint
  endTimeUnixNano: bigint
  attributes: Attributes | undefined
  droppedAttributesCount: number
  events: OtelSpanEvent[] | undefined
  droppedEventsCount: number
  links: OtelLink[] | undefined
  droppedLinksCount: number
  status: OtelStatus | undefined
  /** Fields of JSON that OTLP does not name. */
  unknown: Record<string, unknown> | undefined
}

/** Under the names in which they are kept (`data.events`); only what was said. */
export interface OtelSpanEvent {
  /** Unix ns in decimal digits, exact. */
  time_unix_nano?: string
  name?: string
  attributes?: Attributes
  dropped_attributes_count?: number
}

export interface OtelLink {
  trace_id?: string
  span_id?: string
  trace_state?: string
  attributes?: Attributes
  dropped_attributes_count?: number
  flags?: number
}

export interface OtelStatus {
  code: number
  message: string
}

export interface OtelLog {
  timeUnixNano: bigint
  observedTimeUnixNano: bigint
  severityNumber: number
  severityText: string
  /** Undefined when there is none; null for an empty value. */
  body: unknown
  attributes: Attributes | undefined
  droppedAttributesCount: number
  flags: number
  traceId: string
  spanId: string
  eventName: string
  unknown: Record<string, unknown> | undefined
}

export type MetricKind = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary'

/** What the points of one metric share. */
export interface OtelMetric {
  name: string
  description: string
  unit: string
  metadata: Attributes | undefined
  kind: MetricKind | undefined
  /** 0 unspecified, 1 delta, 2 cumulative. */
  temporality: number
  isMonotonic: boolean
  unknown: Record<string, unknown> | undefined
}

/** A point of any kind; what its kind does not have stays undefined. */
export interface OtelPoint {
  attributes: Attributes | undefined
  startTimeUnixNano: bigint
  timeUnixNano: bigint
  flags: number
  /** Of gauge and sum; bigint beyond 2^53. */
  value: number | bigint | undefined
  count: number | bigint | undefined
  sum: number | undefined
  min: number | undefined
  max: number | undefined
  explicitBounds: number[] | undefined
  bucketCounts: (number | bigint)[] | undefined
  scale: number
  zeroCount: number | bigint
  zeroThreshold: number
  positive: OtelBuckets | undefined
  negative: OtelBuckets | undefined
  quantiles: { quantile: number; value: number }[] | undefined
  exemplars: OtelExemplar[] | undefined
  unknown: Record<string, unknown> | undefined
}

export interface OtelBuckets {
  offset: number
  counts: (number | bigint)[]
}

/** Under the names in which it is kept (`data.exemplars`). */
export interface OtelExemplar {
  time_unix_nano?: string
  value?: unknown
  trace_id?: string
  span_id?: string
  attributes?: Attributes
}

export function emptySpan(): OtelSpan {
  return {
    traceId: '',
    spanId: '',
    parentSpanId: '',
    traceState: '',
    flags: 0,
    name: '',
    kind: 0,
    startTimeUnixNano: 0n,
    endTimeUnixNano: 0n,
    attributes: undefined,
    droppedAttributesCount: 0,
    events: undefined,
    droppedEventsCount: 0,
    links: undefined,
    droppedLinksCount: 0,
    status: undefined,
    unknown: undefined,
  }
}

export function emptyLog(): OtelLog {
  return {
    timeUnixNano: 0n,
    observedTimeUnixNano: 0n,
    severityNumber: 0,
    severityText: '',
    body: undefined,
    attributes: undefined,
    droppedAttributesCount: 0,
    flags: 0,
    traceId: '',
    spanId: '',
    eventName: '',
    unknown: undefined,
  }
}

export function emptyMetric(): OtelMetric {
  return {
    name: '',
    description: '',
    unit: '',
    metadata: undefined,
    kind: undefined,
    temporality: 0,
    isMonotonic: false,
    unknown: undefined,
  }
}

export function emptyPoint(): OtelPoint {
  return {
    attributes: undefined,
    startTimeUnixNano: 0n,
    timeUnixNano: 0n,
    flags: 0,
    value: undefined,
    count: undefined,
    sum: undefined,
    min: undefined,
    max: undefined,
    explicitBounds: undefined,
    bucketCounts: undefined,
    scale: 0,
    zeroCount: 0,
    zeroThreshold: 0,
    positive: undefined,
    negative: undefined,
    quantiles: undefined,
    exemplars: undefined,
    unknown: undefined,
  }
}

export function emptyResource(): OtelResource {
  return { attributes: {}, droppedAttributesCount: 0, schemaUrl: '', entityRefs: undefined }
}

export function emptyScope(): OtelScope {
  return { name: '', version: '', attributes: undefined, droppedAttributesCount: 0, schemaUrl: '' }
}
