/**
 * Captures what the OpenTelemetry SDK for Node sends, as golden inputs: `node testdata/capture-otel.ts`, then
 * `UPDATE_GOLDEN=1 vitest run golden.test.ts -t otel` and read the diff. Ids and times are those of the run; the resource is given, so
 * that nothing of the machine is in it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { context, logs, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'

const resource = {
  'service.name': 'checkout',
  'service.namespace': 'shop',
  'service.version': '1.4.2',
  'service.instance.id': 'checkout-7d9f-1',
  'deployment.environment.name': 'production',
  'host.name': 'node-3',
  'host.id': 'i-0abc',
  'cloud.provider': 'aws',
  'cloud.region': 'eu-central-1',
  'cloud.availability_zone': 'eu-central-1a',
  'k8s.namespace.name': 'shop',
  'k8s.pod.name': 'checkout-7d9f',
  'k8s.deployment.name': 'checkout',
  'container.id': 'c0ffee',
  'os.type': 'linux',
  'os.version': '6.1',
}

if (process.argv[2] === 'client') await emit()
else await capture()

async function capture(): Promise<void> {
  for (const [protocol, encoding, extension] of [
    ['http/protobuf', 'protobuf', 'bin'],
    ['http/json', 'json', 'json'],
  ] as const) {
    const bodies = new Map<string, Buffer[]>()
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const kind = (request.url ?? '').slice('/v1/'.length)
        bodies.set(kind, [...(bodies.get(kind) ?? []), Buffer.concat(chunks)])
        response.setHeader('content-type', request.headers['content-type'] ?? '').end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const client = spawn(process.execPath, [import.meta.filename, 'client'], {
      stdio: 'inherit',
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_LOGS_EXPORTER: 'otlp',
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_NODE_RESOURCE_DETECTORS: 'env',
        OTEL_RESOURCE_ATTRIBUTES: Object.entries(resource)
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
      },
    })
    await once(client, 'exit')
    server.close()
    for (const kind of ['traces', 'logs', 'metrics']) {
      const [body, ...more] = bodies.get(kind) ?? []
      if (body === undefined || more.length > 0) throw new Error(`${protocol}: ${more.length + (body ? 1 : 0)} requests of ${kind}`)
      writeFileSync(join(import.meta.dirname, 'otel', `${kind}.node-${encoding}.in.${extension}`), body)
    }
  }
}

/** One of everything that the API can say. */
async function emit(): Promise<void> {
  const sdk = new NodeSDK({
    // 5 is an exponential histogram.
    views: [{ instrumentName: 'payload.size', aggregation: { type: 5 } as never }],
  })
  sdk.start()
  const tracer = trace.getTracer('shop-http', '0.9.0')
  const server = tracer.startSpan('POST /orders', {
    kind: SpanKind.SERVER,
    attributes: {
      'http.request.method': 'POST',
      'url.path': '/orders',
      'url.query': 'coupon=1',
      'url.scheme': 'https',
      'server.address': 'shop.example',
      'server.port': 443,
      'http.response.status_code': 500,
      'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64)',
      'network.protocol.version': '2',
      'http.request.body.size': 0,
      'session.id': 's-1',
      'enduser.id': 'u-1',
      'cart.items': ['a', 'b'],
      'cart.ratio': 0.5,
      'cart.empty': false,
    },
  })
  const inServer = trace.setSpan(context.active(), server)
  const database = tracer.startSpan(
    'SELECT orders',
    {
      kind: SpanKind.CLIENT,
      attributes: { 'db.system.name': 'postgresql', 'db.namespace': 'shop', 'db.collection.name': 'orders', 'db.operation.name': 'SELECT', 'db.query.text': 'SELECT 1', 'server.address': 'db' },
    },
    inServer,
  )
  database.setStatus({ code: SpanStatusCode.OK })
  database.end()
  const producer = tracer.startSpan(
    'orders publish',
    {
      kind: SpanKind.PRODUCER,
      attributes: { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders', 'messaging.batch.message_count': 2 },
      links: [{ context: server.spanContext(), attributes: { why: 'retry' } }],
    },
    inServer,
  )
  producer.end()
  const error = new TypeError('no such coupon')
  error.stack = 'TypeError: no such coupon\n    at order (/app/order.js:10:5)'
  server.addEvent('cache.miss', { key: 'c-1', tries: 0 })
  server.recordException(error)
  server.setStatus({ code: SpanStatusCode.ERROR, message: 'order failed' })
  server.end()

  const logger = logs.getLogger('shop-log', '2.0.0')
  logger.emit({ severityNumber: 9, severityText: 'INFO', body: 'order placed', attributes: { 'order.id': 7, 'session.id': 's-1' }, context: inServer })
  logger.emit({ severityNumber: 17, body: { code: 0, tags: ['x', null], nested: { ok: true } }, attributes: { 'exception.type': 'TypeError', 'exception.message': 'no such coupon' } })
  logger.emit({ eventName: 'cart.emptied', severityText: 'Warning', body: 'gone' })

  const meter = metrics.getMeter('shop-metrics', '3.0.0')
  const counter = meter.createCounter('orders', { description: 'orders placed', unit: '{order}' })
  counter.add(0, { plan: 'free', tries: 0 })
  counter.add(3, { plan: 'pro', tries: 1 })
  meter.createUpDownCounter('carts').add(-2)
  meter.createObservableGauge('temperature', { unit: 'Cel' }).addCallback((result) => result.observe(21.5, { room: 'a' }))
  const latency = meter.createHistogram('latency', { unit: 'ms', advice: { explicitBucketBoundaries: [5, 10, 25] } })
  for (const value of [0, 4, 7, 400]) latency.record(value, { route: '/orders' })
  const size = meter.createHistogram('payload.size', { unit: 'By' })
  for (const value of [0, 1, 100, 100_000]) size.record(value)
  await sdk.shutdown()
}
