/**
 * An application with the OpenTelemetry SDK for Node as its guide sets it up: everything else is in its environment (OTEL_…).
 * `node emit.ts <count> <ms between>`: so many spans and log records, and a counter of them. Its last line is JSON of what the SDK complained of.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { diag, DiagLogLevel, logs, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'

const count = Number(process.argv[2])
const pauseMs = Number(process.argv[3] ?? 0)
const complaints: string[] = []
const note = (...said: unknown[]) => void complaints.push(said.map(String).join(' ').slice(0, 300))
const sdk = new NodeSDK()
sdk.start()
diag.setLogger(
  { error: note, warn: note, info() {}, debug() {}, verbose() {} },
  { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
)

const tracer = trace.getTracer('shop-http', '0.9.0')
const logger = logs.getLogger('shop-log', '2.0.0')
const meter = metrics.getMeter('shop-metrics', '3.0.0')
const orders = meter.createCounter('orders', { description: 'orders placed', unit: '{order}' })
const latency = meter.createHistogram('latency', { unit: 'ms', advice: { explicitBucketBoundaries: [5, 10, 25] } })

for (let at = 0; at < count; at++) {
  tracer.startActiveSpan('POST /orders', { kind: SpanKind.SERVER }, (span) => {
    span.setAttributes({
      'http.request.method': 'POST',
      'url.path': '/orders',
      'server.address': 'shop.example',
      'http.response.status_code': at % 2 === 0 ? 200 : 500,
      'order.number': at,
      'order.total': 0,
    })
    span.setStatus({ code: at % 2 === 0 ? SpanStatusCode.OK : SpanStatusCode.ERROR })
    logger.emit({
      severityNumber: 9,
      severityText: 'INFO',
      body: `order ${at} placed`,
      attributes: { 'order.number': at },
    })
    span.end()
  })
  orders.add(1, { plan: 'pro' })
  latency.record(at % 30)
  if (pauseMs > 0) await sleep(pauseMs)
}
await sdk.shutdown().catch(note)
process.stdout.write(`${JSON.stringify({ complaints })}\n`)
