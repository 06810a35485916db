import { z } from 'zod'
import type { Content, Contents } from '../../http/describe.ts'
import { protobufTypes } from '../media-types.ts'
import type { SourceDescription, SourceRoute } from '../source.ts'
import { bodies } from './bodies.ts'

const json = 'application/json'
const protobuf = 'application/x-protobuf'

const int64 = z.union([z.string().regex(/^-?\d{1,20}$/), z.int()])
const attributes = z
  .array(z.looseObject({ key: z.string(), value: z.looseObject({}).optional() }))
  .describe('`{"key":"service.name","value":{"stringValue":"shop"}}`')
const resource = z.looseObject({ attributes: attributes.optional() })
const scope = z.looseObject({ name: z.string().optional(), version: z.string().optional() })

const span = z
  .looseObject({
    traceId: z.string().describe('16 bytes in hex'),
    spanId: z.string().describe('8 bytes in hex'),
    parentSpanId: z.string().optional(),
    name: z.string(),
    kind: z.union([z.int(), z.string()]).optional(),
    startTimeUnixNano: int64,
    endTimeUnixNano: int64.optional(),
    attributes: attributes.optional(),
  })
  .meta({ id: 'OtlpSpan' })
const logRecord = z
  .looseObject({
    timeUnixNano: int64.optional(),
    severityNumber: z.union([z.int(), z.string()]).optional().describe('1 to 24'),
    severityText: z.string().optional(),
    body: z.looseObject({}).optional(),
    attributes: attributes.optional(),
  })
  .meta({ id: 'OtlpLogRecord' })
const metric = z
  .looseObject({ name: z.string(), unit: z.string().optional(), description: z.string().optional() })
  .describe('with one of `gauge`, `sum`, `histogram`, `exponentialHistogram`, `summary`')
  .meta({ id: 'OtlpMetric' })

interface Described {
  readonly noun: string
  readonly items: string
  readonly resources: string
  readonly scopes: string
  readonly item: z.ZodType
  readonly rejected: string
  readonly example: object
}

const nano = '1795255200000000000'
const kinds: Readonly<Record<string, Described>> = {
  traces: {
    noun: 'spans',
    items: 'spans',
    resources: 'resourceSpans',
    scopes: 'scopeSpans',
    item: span,
    rejected: 'rejectedSpans',
    example: {
      traceId: '5b8efff798038103d269b633813fc60c',
      spanId: 'eee19b7ec3c1b174',
      name: 'GET /checkout',
      kind: 2,
      startTimeUnixNano: nano,
      endTimeUnixNano: '1795255200012500000',
    },
  },
  logs: {
    noun: 'log records',
    items: 'logRecords',
    resources: 'resourceLogs',
    scopes: 'scopeLogs',
    item: logRecord,
    rejected: 'rejectedLogRecords',
    example: { timeUnixNano: nano, severityNumber: 9, severityText: 'INFO', body: { stringValue: 'order placed' } },
  },
  metrics: {
    noun: 'metrics',
    items: 'metrics',
    resources: 'resourceMetrics',
    scopes: 'scopeMetrics',
    item: metric,
    rejected: 'rejectedDataPoints',
    example: { name: 'queue.length', unit: '1', gauge: { dataPoints: [{ timeUnixNano: nano, asInt: '7' }] } },
  },
}

const status = z
  .looseObject({
    code: z.int().describe('gRPC’s number'),
    message: z.string(),
    details: z.array(z.looseObject({})).optional(),
  })
  .meta({ id: 'RpcStatus', description: 'google.rpc.Status: why a request was refused' })

export function describeOtlp({ kind }: SourceRoute): SourceDescription {
  const { noun, items, resources, scopes, item, rejected, example } = kinds[kind]!
  const list = (of: z.ZodType) => z.array(of).optional()
  const ofScope = z.looseObject({ scope: scope.optional(), [items]: list(item) })
  const request = z.looseObject({
    [resources]: list(z.looseObject({ resource: resource.optional(), [scopes]: list(ofScope) })),
  })
  const response = z.looseObject({
    partialSuccess: z.looseObject({ [rejected]: z.string(), errorMessage: z.string() }).optional(),
  })
  const sent: Content = {
    schema: request,
    example: {
      [resources]: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
          [scopes]: [{ [items]: [example] }],
        },
      ],
    },
  }
  const partly: Contents = {
    [json]: {
      schema: status,
      example: { code: 14, message: '1 of 100 events are not stored yet: send them again' },
    },
    [protobuf]: {},
  }
  return {
    group: 'Sending: OpenTelemetry',
    summary: `Send OpenTelemetry ${noun}`,
    description:
      'OTLP over HTTP, in protobuf or its JSON mapping; the answer has the encoding of the request. What is quarantined or dropped counts as rejected.',
    body: { [json]: sent, ...bodies(protobufTypes, {}) },
    answer: { [json]: { schema: response, example: {} }, [protobuf]: {} },
    partly,
    refusal: { [json]: { schema: status }, [protobuf]: {} },
  }
}
