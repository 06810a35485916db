import { createServer, type Server } from 'node:net'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import type { Accept } from '../core/batch.ts'
import { systemClock } from '../core/clock.ts'
import { collectorConfig } from '../http/config.ts'
import { createListeners } from './listeners.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const stored: Accept = (batch) =>
  Promise.resolve(batch.events.map(({ columns }, index) => ({ index, id: columns.id ?? '', outcome: 'stored' })))

function make(config: object, accept = stored) {
  const logged: { level: string; message: string }[] = []
  const log = (level: string) => (_: object, message: string) => void logged.push({ level, message })
  const metrics = new Registry()
  const listeners = createListeners({
    config: collectorConfig.parse({ port: 0, otlpPort: 0, grpcPort: 0, ...config }),
    basePath: '/in',
    accept,
    authenticate: () => ({ project: 'default', scope: 'admin', keyId: '' }),
    readiness: () => undefined,
    deps: {
      clock: systemClock,
      metrics,
      logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    },
  })
  cleanups.push(() => listeners.stop())
  return { listeners, logged, metrics }
}

async function open(config: object = {}, accept = stored) {
  const made = make(config, accept)
  await made.listeners.start(new AbortController().signal)
  return { ...made, urls: made.listeners.urls() }
}

async function takePort(): Promise<number> {
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => new Promise((resolve) => server.close(resolve)))
  return (server.address() as { port: number }).port
}

const json = { 'content-type': 'application/json' }
const track = JSON.stringify({ userId: 'ada', event: 'Signed Up', messageId: 'm' })

describe('the listeners', () => {
  it('are the collector for every dialect, and the OTLP port for OpenTelemetry and probes alone', async () => {
    const { urls } = await open()
    const status = async (url: string, init?: RequestInit) => (await fetch(url, init)).status
    const post = (body: string) => ({ method: 'POST', headers: json, body })
    for (const path of ['/v1/traces', '/v1/logs', '/v1/metrics']) {
      expect(await status(`${urls.otlp}${path}`, post('{}'))).toBe(200)
      expect(await status(`${urls.collector}/in${path}`, post('{}'))).toBe(200)
    }
    expect(await status(`${urls.collector}/in/v1/track`, post(track))).toBe(200)
    expect(await status(`${urls.otlp}/v1/track`, post(track))).toBe(404)
    for (const probe of ['/health/live', '/health/ready']) expect(await status(`${urls.otlp}${probe}`)).toBe(200)
    expect(await status(`${urls.otlp}/metrics`)).toBe(404)
    expect(urls.grpc).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  it('answer preflights of pages on the OTLP port too', async () => {
    const { urls } = await open()
    const headers = { origin: 'https://shop.example', 'access-control-request-method': 'POST' }
    const answer = await fetch(`${urls.otlp}/v1/traces`, { method: 'OPTIONS', headers })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example')
  })

  it('that are turned off are null', async () => {
    const { urls } = await open({ otlpPort: false, grpcPort: false })
    expect(urls).toMatchObject({ otlp: null, grpc: null })
  })

  it('do without a port that another process has, and say so once each', async () => {
    const [otlpPort, grpcPort] = [await takePort(), await takePort()]
    const { urls, logged } = await open({ otlpPort, grpcPort })
    expect(urls).toMatchObject({ otlp: null, grpc: null })
    expect((await fetch(`${urls.collector}/health/ready`)).status).toBe(200)
    expect(logged).toEqual([
      {
        level: 'error',
        message: `OTLP over HTTP is NOT taken: another process listens on 127.0.0.1:${otlpPort}: stop it, or set collector.otlpPort (0 takes any free one); set collector.otlpPort to false if that is as it should be`,
      },
      { level: 'error', message: expect.stringContaining(`OTLP over gRPC is NOT taken: another process listens on`) },
    ])
    expect(logged[1]!.message).toContain('collector.grpcPort')
  })

  it('do not start without the collector’s own port', async () => {
    const { listeners } = make({ port: await takePort() })
    await expect(listeners.start(new AbortController().signal)).rejects.toMatchObject({ code: 'config' })
  })

  it('bear together what the limits say', async () => {
    let finish = () => {}
    const hold: Accept = (batch, signal) => new Promise((resolve) => (finish = () => resolve(stored(batch, signal))))
    const { urls, metrics, listeners } = await open({ limits: { maxRequestsInFlight: 1 } }, hold)
    const underWay = fetch(`${urls.collector}/in/v1/track`, { method: 'POST', headers: json, body: track })
    const sample = 'millrace_queue_size{queue="collector_requests"} 1'
    while (!(await metrics.metrics()).includes(sample)) await new Promise((resolve) => setTimeout(resolve, 5))
    const full = await fetch(`${urls.otlp}/v1/traces`, { method: 'POST', headers: json, body: '{}' })
    expect(full.status).toBe(503)
    expect(full.headers.get('retry-after')).toBe('1')
    // Each stops by itself: the request under way is answered.
    const stopping = listeners.stop()
    finish()
    expect((await underWay).status).toBe(200)
    await stopping
  })
})
