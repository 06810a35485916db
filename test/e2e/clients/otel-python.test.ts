import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emitWithPython } from '../../support/otel/application.ts'
import { expectWaited, refusingGrpcProxy, refusingHttpProxy } from '../../support/otel/refusing-proxy.ts'
import { expectAllOnce } from '../../support/otel/stored.ts'
import { ask, createInstance, type Instance, pause, type Ready } from '../../support/instance.ts'
import { settled } from '../../support/pipeline.ts'
import { pythonWith } from '../../support/python.ts'

const found = pythonWith([
  'opentelemetry-sdk==1.45.2',
  'opentelemetry-exporter-otlp-proto-http==1.45.2',
  'opentelemetry-exporter-otlp-proto-grpc==1.45.2',
])
const python = 'python' in found ? found.python : ''
const title = `an unchanged OpenTelemetry SDK for Python${'missing' in found ? ` (SKIPPED: ${found.missing})` : ''}`

const ways = [
  ['http/protobuf', 'otlp'],
  ['grpc', 'grpc'],
] as const

/** Short delays, so that exports fall into the kills; what it does about a failure is its own. */
const hurried = {
  OTEL_BSP_SCHEDULE_DELAY: '100',
  OTEL_BLRP_SCHEDULE_DELAY: '100',
  OTEL_EXPORTER_OTLP_INSECURE: 'true',
}

describe.skipIf('missing' in found)(title, () => {
  let instance: Instance
  let ready: Ready & { readonly otlp: string; readonly grpc: string }

  beforeAll(async () => {
    instance = createInstance()
    ready = (await instance.start()) as typeof ready
  })
  afterAll(() => instance?.dispose())

  it.each(ways)(
    'over %s is content, and all it sent is there once, under the right columns',
    async (protocol, where) => {
      const service = `${protocol} from Python`
      const said = await emitWithPython(python, { service, endpoint: ready[where], protocol, count: 40 })
      expect(said.complaints).toEqual([])
      await settled(ready.api)
      await expectAllOnce(ready.api, service, 40)
      const [span] = await ask(
        ready.api,
        `SELECT event_name, event_source, outcome, http_method, http_path, http_status, attributes.order.total::Int64 AS zero
       FROM events WHERE event_type = 'trace' AND service_name = {service:String} AND attributes.order.number::Int64 = 1`,
        { service },
      )
      expect(span).toEqual({
        event_name: 'POST /orders',
        event_source: 'otel',
        outcome: 'error',
        http_method: 'POST',
        http_path: '/orders',
        http_status: 500,
        zero: '0',
      })
      const [log] = await ask(
        ready.api,
        `SELECT log_level, log_message, trace_id != '' AS joins FROM events
       WHERE event_type = 'log' AND service_name = {service:String} AND attributes.order.number::Int64 = 1`,
        { service },
      )
      expect(log).toEqual({ log_level: 'info', log_message: 'order 1 placed', joins: 1 })
    },
  )

  it('finds the collector again by its own retries: nothing is lost, nothing is there twice', async () => {
    const clients = ways.map(([protocol, where]) => {
      const service = `${protocol} through kills`
      const what = { service, endpoint: ready[where], protocol, count: 200, pauseMs: 15, env: hurried }
      return { service, said: emitWithPython(python, what) }
    })
    for (let kill = 0; kill < 2; kill++) {
      await pause(1500)
      expect(instance.kill9('collector')).toBe(true)
    }
    for (const { said } of clients) expect((await said).complaints).toEqual([])
    await settled(ready.api)
    for (const { service } of clients) await expectAllOnce(ready.api, service, 200)
  })

  it('over HTTP waits as long as a 429 and a 503 say, and then all is there once', async () => {
    const proxy = await refusingHttpProxy(ready.otlp, { statuses: [503, 429], headers: { 'retry-after': '1' } })
    const service = 'http/protobuf refused first'
    const what = { service, endpoint: proxy.url, protocol: 'http/protobuf', count: 5 } as const
    expect((await emitWithPython(python, what)).complaints).toEqual([])
    await proxy.stop()
    await settled(ready.api)
    await expectAllOnce(ready.api, service, 5)
    for (const seen of proxy.seen.values()) expectWaited(seen, [503, 429, 200])
  })

  it('over gRPC waits as long as we say, and then all is there once', async () => {
    // As our own refusals say it.
    const proxy = await refusingGrpcProxy(ready.grpc, {
      statuses: [14, 8],
      headers: { 'google.rpc.retryinfo-bin': Buffer.from([0x0a, 2, 8, 1]).toString('base64') },
    })
    const service = 'grpc refused first'
    const what = { service, endpoint: proxy.url, protocol: 'grpc', count: 5, env: hurried } as const
    expect((await emitWithPython(python, what)).complaints).toEqual([])
    await proxy.stop()
    await settled(ready.api)
    await expectAllOnce(ready.api, service, 5)
    for (const seen of proxy.seen.values()) expectWaited(seen, [14, 8, 0])
  })
})
