import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emitWithNode } from '../../support/otel/application.ts'
import { expectWaited, refusingGrpcProxy, refusingHttpProxy } from '../../support/otel/refusing-proxy.ts'
import { expectAllOnce } from '../../support/otel/stored.ts'
import { ask, createInstance, type Instance, pause, type Ready } from '../../support/instance.ts'
import { post, settled } from '../../support/pipeline.ts'

let instance: Instance
let ready: Ready & { readonly otlp: string; readonly grpc: string }

beforeAll(async () => {
  instance = createInstance()
  ready = (await instance.start()) as typeof ready
})
afterAll(() => instance.dispose())

/** Every way in that the SDK may be pointed at. */
const ways = [
  ['http/protobuf', 'otlp'],
  ['http/json', 'otlp'],
  ['grpc', 'grpc'],
  ['http/protobuf', 'collector'],
] as const

describe('an unchanged OpenTelemetry SDK for Node', () => {
  const complaints = new Map<string, readonly string[]>()

  beforeAll(async () => {
    const emitted = ways.map(async ([protocol, where]) => {
      const service = `${protocol} to ${where}`
      complaints.set(service, (await emitWithNode({ service, endpoint: ready[where], protocol, count: 40 })).complaints)
    })
    await Promise.all(emitted)
    await settled(ready.api)
  })

  it.each(ways)(
    'over %s is content, and all it sent to %s is there once, under the right columns',
    async (protocol, where) => {
      const service = `${protocol} to ${where}`
      expect(complaints.get(service)).toEqual([])
      await expectAllOnce(ready.api, service, 40)
      const [span] = await ask(
        ready.api,
        `SELECT event_name, event_source, outcome, http_method, http_path, http_host, http_status, rpc_system, service_name = {service:String} AS mine,
              length(trace_id) AS trace, length(span_id) AS span, duration_ms >= 0 AS lasted, attributes.order.total::Int64 AS zero
       FROM events WHERE event_type = 'trace' AND service_name = {service:String} AND attributes.order.number::Int64 = 1`,
        { service },
      )
      expect(span).toEqual({
        event_name: 'POST /orders',
        event_source: 'otel',
        outcome: 'error',
        http_method: 'POST',
        http_path: '/orders',
        http_host: 'shop.example',
        http_status: 500,
        rpc_system: 'server',
        mine: 1,
        trace: '32',
        span: '16',
        lasted: 1,
        zero: '0',
      })
      const [log] = await ask(
        ready.api,
        `SELECT log_level, log_level_num, log_message, trace_id IN (SELECT trace_id FROM events WHERE event_type = 'trace' AND service_name = {service:String}) AS joins
       FROM events WHERE event_type = 'log' AND service_name = {service:String} AND attributes.order.number::Int64 = 1`,
        { service },
      )
      expect(log).toEqual({ log_level: 'info', log_level_num: 9, log_message: 'order 1 placed', joins: 1 })
      const [histogram] = await ask(
        ready.api,
        `SELECT metric_type, metric_unit, metric_count, metric_min, metric_max FROM events
       WHERE metric_name = 'latency' AND service_name = {service:String}`,
        { service },
      )
      expect(histogram).toEqual({
        metric_type: 'histogram',
        metric_unit: 'ms',
        metric_count: 40,
        metric_min: 0,
        metric_max: 29,
      })
    },
  )

  it('over HTTP finds the collector again by its own retries: nothing is lost, nothing is there twice', async () => {
    // Short delays, so that exports fall into the kills; what it does about a failure is its own.
    const env = { OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_BLRP_SCHEDULE_DELAY: '100' }
    const clients = (['http/protobuf', 'http/json'] as const).map((protocol) => ({
      service: `${protocol} through kills`,
      said: emitWithNode({
        service: `${protocol} through kills`,
        endpoint: ready.otlp,
        protocol,
        count: 200,
        pauseMs: 15,
        env,
      }),
    }))
    for (let kill = 0; kill < 2; kill++) {
      await pause(1200)
      expect(instance.kill9('collector')).toBe(true)
    }
    for (const { said } of clients) expect((await said).complaints).toEqual([])
    await settled(ready.api)
    for (const { service } of clients) await expectAllOnce(ready.api, service, 200)
  })

  it.each(['http/protobuf', 'http/json'] as const)(
    'over %s waits as long as a 429 and a 503 say, and then all is there once',
    async (protocol) => {
      const proxy = await refusingHttpProxy(ready.otlp, { statuses: [429, 503], headers: { 'retry-after': '1' } })
      const service = `${protocol} refused first`
      expect((await emitWithNode({ service, endpoint: proxy.url, protocol, count: 5 })).complaints).toEqual([])
      await proxy.stop()
      await settled(ready.api)
      await expectAllOnce(ready.api, service, 5)
      for (const path of ['/v1/traces', '/v1/logs', '/v1/metrics']) expectWaited(proxy.seen.get(path)!, [429, 503, 200])
    },
  )

  it('over gRPC does not try again, and says so: its exporter knows no retry', async () => {
    const proxy = await refusingGrpcProxy(ready.grpc, { statuses: [14], headers: {} })
    const service = 'grpc refused first'
    const said = await emitWithNode({ service, endpoint: proxy.url, protocol: 'grpc', count: 5 })
    expect(said.complaints).not.toEqual([])
    for (const seen of proxy.seen.values()) expect(seen.map(({ status }) => status)).toEqual([14])
    await proxy.stop()
  })
})

describe('a collector that was killed', () => {
  it('listens on the same ports again, though the configuration lets it take any', async () => {
    const { pid } = ready
    expect(instance.pid('collector')).not.toBe(pid.collector)
    const emitted = ways.map(async ([protocol, where]) => {
      const service = `${protocol} to ${where} afterwards`
      expect((await emitWithNode({ service, endpoint: ready[where], protocol, count: 2 })).complaints).toEqual([])
      return service
    })
    const services = await Promise.all(emitted)
    await settled(ready.api)
    for (const service of services) await expectAllOnce(ready.api, service, 2)
    const status = (await (await fetch(`${ready.api}/api/v1/status`)).json()) as object
    expect(status).toMatchObject({ otlp: ready.otlp, grpc: ready.grpc })
  })
})

describe('a body that is no OTLP', () => {
  it('is refused with a Status in the encoding that it came in', async () => {
    const json = await post(`${ready.otlp}/v1/traces`, '{"resourceSpans":7}')
    expect([json.status, json.headers.get('content-type')]).toEqual([400, 'application/json'])
    expect(await json.json()).toMatchObject({ code: 3, message: expect.stringContaining('resourceSpans') })
    const protobuf = await post(`${ready.otlp}/v1/traces`, new Uint8Array([255, 255]), {
      'content-type': 'application/x-protobuf',
    })
    expect([protobuf.status, protobuf.headers.get('content-type')]).toEqual([400, 'application/x-protobuf'])
    // Status: code 1 = 3, message 2.
    expect([...new Uint8Array(await protobuf.arrayBuffer()).subarray(0, 3)]).toEqual([0x08, 3, 0x12])
  })
})
