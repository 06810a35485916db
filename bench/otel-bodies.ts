import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import protobuf from 'protobufjs'

const folder = join(import.meta.dirname, '../packages/protocol/proto')

export type OtelKind = 'traces' | 'logs' | 'metrics'

const requests: Readonly<Record<OtelKind, string>> = {
  traces: 'collector.trace.v1.ExportTraceServiceRequest',
  logs: 'collector.logs.v1.ExportLogsServiceRequest',
  metrics: 'collector.metrics.v1.ExportMetricsServiceRequest',
}

function typeOf(kind: OtelKind): protobuf.Type {
  const root = new protobuf.Root()
  root.resolvePath = (_origin, target) => join(folder, target)
  const service = kind === 'traces' ? 'trace' : kind
  root.loadSync(`opentelemetry/proto/collector/${service}/v1/${service}_service.proto`, { keepCase: false })
  return root.lookupType(`opentelemetry.proto.${requests[kind]}`)
}

type Value = { stringValue: string } | { intValue: number } | { doubleValue: number } | { boolValue: boolean }
const attribute = (key: string, value: Value) => ({ key, value })
const text = (key: string, stringValue: string) => attribute(key, { stringValue })

const resource = {
  attributes: [
    text('service.name', 'checkout'),
    text('service.version', '1.4.2'),
    text('service.instance.id', 'checkout-7d9f-x2x9'),
    text('host.name', 'node-17'),
    text('k8s.namespace.name', 'shop'),
    text('k8s.pod.name', 'checkout-7d9f-x2x9'),
    text('cloud.provider', 'aws'),
    text('cloud.region', 'eu-central-1'),
  ],
}
const scope = { name: '@opentelemetry/instrumentation-http', version: '0.200.0' }
const routes = ['/cart', '/checkout', '/orders/:id', '/login', '/search']

/** Nanoseconds as a decimal string: what JSON holds and protobufjs takes. */
const ns = (ms: number) => `${ms}000000`

function span(at: number, now: number, id: (bytes: number) => string | Buffer, traceId: string | Buffer) {
  const route = routes[at % routes.length]!
  return {
    traceId,
    spanId: id(8),
    parentSpanId: at % 10 === 0 ? undefined : id(8),
    name: `GET ${route}`,
    kind: 2,
    startTimeUnixNano: ns(now - 1000 - (at % 1000)),
    endTimeUnixNano: ns(now - 900 - (at % 800)),
    attributes: [
      text('http.request.method', 'GET'),
      text('url.path', route),
      text('url.scheme', 'https'),
      text('server.address', 'shop.example'),
      text('http.route', route),
      text('user_agent.original', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36'),
      attribute('http.response.status_code', { intValue: at % 20 === 0 ? 500 : 200 }),
      attribute('server.port', { intValue: 443 }),
      attribute('app.cart.value', { doubleValue: at / 7 }),
      attribute('app.is_member', { boolValue: at % 2 === 0 }),
    ],
    status: { code: at % 20 === 0 ? 2 : 0 },
  }
}

function request(kind: OtelKind, count: number, id: (bytes: number) => string | Buffer): object {
  const now = Date.now()
  const list = Array.from({ length: count }, (_, at) => at)
  if (kind === 'traces') {
    let trace = id(16)
    const spans = list.map((at) => {
      if (at % 10 === 0) trace = id(16)
      return span(at, now, id, trace)
    })
    return { resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }] }
  }
  if (kind === 'logs') {
    const logRecords = list.map((at) => ({
      timeUnixNano: `${now - (at % 1000)}${String(at % 1_000_000).padStart(6, '0')}`,
      severityNumber: 9,
      severityText: 'INFO',
      body: { stringValue: `order ${at} placed by a customer of the shop in 2.3 seconds` },
      attributes: [text('code.function', 'placeOrder'), attribute('order.items', { intValue: at % 9 })],
      traceId: id(16),
      spanId: id(8),
    }))
    return { resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords }] }] }
  }
  const dataPoints = list.map((at) => ({
    timeUnixNano: ns(now),
    startTimeUnixNano: ns(now - 60_000),
    count: 10 + at,
    sum: 120.5 + at,
    min: 0.5,
    max: 90,
    explicitBounds: [1, 5, 10, 50],
    bucketCounts: [1, 2, 3, 4, at],
    attributes: [text('http.route', routes[at % routes.length]!), text('shard', String(at))],
  }))
  const metrics = [{ name: 'http.server.duration', unit: 'ms', histogram: { aggregationTemporality: 2, dataPoints } }]
  return { resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics }] }] }
}

/** One export of `count` spans, log records or data points, as an SDK or a collector sends it; all ids are new. */
export function otelBody(kind: OtelKind, encoding: 'protobuf' | 'json', count: number): Buffer {
  if (encoding === 'json')
    return Buffer.from(JSON.stringify(request(kind, count, (bytes) => randomBytes(bytes).toString('hex'))))
  const type = typeOf(kind)
  return Buffer.from(type.encode(type.fromObject(request(kind, count, (bytes) => randomBytes(bytes)))).finish())
}
