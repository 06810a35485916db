import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { PipelineError } from '../core/errors.ts'
import { openRaw, type RawConnection } from '../testing/raw-http.ts'
import { jsonAnswer } from './answer.ts'
import { httpLimits } from './config.ts'
import { mountHealth, mountMetrics } from './health.ts'
import { createHttpServer, type HttpServer, type HttpServerOptions } from './server.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Requests that `/hold` keeps until the test lets them go. */
interface Held {
  readonly signals: AbortSignal[]
  go(): void
}

interface Fixture {
  readonly server: HttpServer
  readonly url: string
  readonly metrics: Registry
  readonly held: Held
  readonly bodies: Buffer[]
  readonly logged: object[]
  readonly raw: () => Promise<RawConnection>
}

async function open(
  limits: Parameters<typeof httpLimits.parse>[0] = {},
  more: Partial<Pick<HttpServerOptions, 'cors' | 'tls'>> = {},
): Promise<Fixture> {
  const metrics = new Registry()
  const waiting: (() => void)[] = []
  const signals: AbortSignal[] = []
  const bodies: Buffer[] = []
  const logged: object[] = []
  const log = (fields: object) => void logged.push(fields)
  const server = createHttpServer({
    name: 'collector',
    host: '127.0.0.1',
    port: 0,
    limits: httpLimits.parse(limits),
    deps: { clock: systemClock, metrics, logger: { debug: log, info: log, warn: log, error: log } },
    ...more,
    mount(http) {
      mountHealth(http, () => undefined)
      mountMetrics(http, metrics, () => undefined)
      http.route({
        method: 'POST',
        path: '/echo',
        dialect: 'test',
        describes: 'hidden',
        async respond({ readBody }) {
          const body = await readBody()
          bodies.push(body)
          return jsonAnswer({ bytes: body.length })
        },
      })
      http.route({
        method: 'POST',
        path: '/hold',
        dialect: 'test',
        describes: 'hidden',
        async respond({ readBody, signal, untilGone }) {
          await readBody()
          signals.push(untilGone())
          await new Promise<void>((resolve, reject) => {
            waiting.push(resolve)
            signal.addEventListener('abort', () => reject(signal.reason as Error))
          })
          return jsonAnswer({ held: true })
        },
      })
      http.route({
        method: 'GET',
        path: '/things/:id',
        dialect: 'test',
        describes: 'hidden',
        respond: () => Promise.resolve(jsonAnswer({})),
      })
      http.route({
        method: 'GET',
        path: '/deaf',
        dialect: 'test',
        describes: 'hidden',
        respond: () => new Promise(() => undefined),
      })
      http.route({
        method: 'GET',
        path: '/stream',
        dialect: 'test',
        describes: 'hidden',
        respond: () => Promise.resolve({ status: 200, type: 'text/plain', body: Readable.from(['a', 'b']) }),
      })
      http.route({
        method: 'GET',
        path: '/broken',
        dialect: 'test',
        describes: 'hidden',
        respond: () => Promise.reject(new Error('password=hunter2')),
      })
      http.route({
        method: 'GET',
        path: '/unsendable',
        dialect: 'test',
        describes: 'hidden',
        respond: () => Promise.resolve({ status: 200, headers: { 'x-bad': 'a\nb' }, body: '' }),
      })
      http.route({
        method: 'GET',
        path: '/full',
        dialect: 'test',
        describes: 'hidden',
        respond: () => Promise.reject(new PipelineError('unavailable', 'the log is full', { retryAfterSeconds: 2.2 })),
      })
    },
  })
  await server.start(new AbortController().signal)
  cleanups.push(() => server.stop())
  return {
    server,
    url: server.url(),
    metrics,
    bodies,
    logged,
    held: {
      signals,
      go: () => {
        for (const resolve of waiting.splice(0)) resolve()
      },
    },
    async raw() {
      const raw = await openRaw(server.url())
      cleanups.push(() => raw.destroy())
      return raw
    },
  }
}

const post = (path: string, length: number, more = '') =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 5))
}

async function metric(metrics: Registry, line: string): Promise<number> {
  const found = (await metrics.metrics()).split('\n').find((each) => each.startsWith(`${line} `))
  return found === undefined ? 0 : Number(found.slice(line.length + 1))
}

describe('bodies', () => {
  it('come whole from one packet, many packets, chunks and pipelined requests', async () => {
    const { raw, bodies } = await open()
    const connection = await raw()
    connection.write(`${post('/echo', 5)}abcde`)
    expect((await connection.response()).body).toBe('{"bytes":5}')
    connection.write(post('/echo', 4))
    for (const letter of 'wxyz') {
      await new Promise((resolve) => setTimeout(resolve, 5))
      connection.write(letter)
    }
    expect((await connection.response()).status).toBe(200)
    connection.write(
      'POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    )
    expect((await connection.response()).status).toBe(200)
    connection.write(`${post('/echo', 1)}1${post('/echo', 1)}2${post('/echo', 0)}`)
    for (let i = 0; i < 3; i++) expect((await connection.response()).status).toBe(200)
    expect(bodies.map(String)).toEqual(['abcde', 'wxyz', 'abcde', '1', '2', ''])
  })

  it('too large are refused from their announced length, as they grow, and as they inflate', async () => {
    const { url, raw } = await open({ maxBodyBytes: 1000 })
    const announced = await raw()
    announced.write(post('/echo', 1001))
    expect(await announced.response()).toMatchObject({ status: 413, body: expect.stringContaining('too_large') })

    const chunked = await raw()
    chunked.write('POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n')
    chunked.write(`3e9\r\n${'x'.repeat(1001)}\r\n`)
    expect((await chunked.response()).status).toBe(413)

    const inflated = await fetch(`${url}/echo`, {
      method: 'POST',
      headers: { 'content-encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(1001)),
    })
    expect(inflated.status).toBe(413)
    expect((await fetch(`${url}/echo`, { method: 'POST', body: 'x'.repeat(1000) })).status).toBe(200)
  })

  it('refused early leave the connection usable when their rest comes', async () => {
    const { raw } = await open({ maxBodyBytes: 1000 })
    const connection = await raw()
    connection.write(post('/echo', 5000))
    expect((await connection.response()).status).toBe(413)
    connection.write('x'.repeat(5000))
    connection.write(`${post('/echo', 2)}ok`)
    expect((await connection.response()).body).toBe('{"bytes":2}')
  })

  it('refused early cut the connection when their rest never ends', async () => {
    const { raw } = await open({ maxBodyBytes: 1000, bodyTimeoutMs: 200 })
    const connection = await raw()
    connection.write(post('/echo', 5000))
    expect((await connection.response()).status).toBe(413)
    await connection.closed
  })

  it('that stop are answered 408 and cut', async () => {
    const { raw, metrics } = await open({ bodyStallMs: 80, bodyTimeoutMs: 400 })
    const connection = await raw()
    connection.write(`${post('/echo', 10)}abc`)
    expect(await connection.response()).toMatchObject({
      status: 408,
      headers: { 'content-type': expect.stringContaining('problem+json') },
      body: expect.stringContaining('slow_body'),
    })
    await connection.closed
    expect(await metric(metrics, 'millrace_requests_total{dialect="test",status="408"}')).toBe(1)
  })

  it('that trickle for ever are answered 408', async () => {
    const { raw } = await open({ bodyStallMs: 500, bodyTimeoutMs: 300 })
    const connection = await raw()
    connection.write(post('/echo', 10_000))
    const trickle = setInterval(() => connection.write('x'), 20)
    cleanups.push(() => clearInterval(trickle))
    expect((await connection.response()).status).toBe(408)
  })
})

describe('load', () => {
  it('beyond the requests at once is refused with 503 and Retry-After, and taken again later', async () => {
    const { url, held, metrics } = await open({ maxRequestsInFlight: 2 })
    const first = [1, 2].map(() => fetch(`${url}/hold`, { method: 'POST', body: '{}' }))
    await until(() => held.signals.length === 2)
    expect(await metric(metrics, 'millrace_queue_size{queue="collector_requests"}')).toBe(2)
    expect(await metric(metrics, 'millrace_queue_limit{queue="collector_requests"}')).toBe(2)
    const refused = await fetch(`${url}/echo`, { method: 'POST', body: '{}' })
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect((await fetch(`${url}/health/live`)).status).toBe(200)
    held.go()
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200])
    expect((await fetch(`${url}/echo`, { method: 'POST', body: '{}' })).status).toBe(200)
    expect(await metric(metrics, 'millrace_queue_size{queue="collector_requests"}')).toBe(0)
  })

  it('beyond the body bytes at once is refused with 503, and every byte is given back', async () => {
    const { url, held, metrics } = await open({ maxBytesInFlight: 1500 })
    const first = fetch(`${url}/hold`, { method: 'POST', body: 'x'.repeat(1000) })
    await until(() => held.signals.length === 1)
    expect((await fetch(`${url}/echo`, { method: 'POST', body: 'x'.repeat(600) })).status).toBe(503)
    const bomb = { method: 'POST', headers: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(600)) }
    expect((await fetch(`${url}/echo`, bomb)).status).toBe(503)
    held.go()
    expect((await first).status).toBe(200)
    expect((await fetch(`${url}/echo`, bomb)).status).toBe(200)
    expect(await metric(metrics, 'millrace_queue_size{queue="collector_bytes"}')).toBe(0)
  })

  it('is given back when clients leave in the middle of a body', async () => {
    const { raw, metrics } = await open()
    for (let i = 0; i < 5; i++) {
      const connection = await raw()
      connection.write(`${post('/echo', 100)}half`)
      await until(async () => (await metric(metrics, 'millrace_queue_size{queue="collector_bytes"}')) === 4)
      connection.destroy()
      await until(async () => (await metric(metrics, 'millrace_queue_size{queue="collector_requests"}')) === 0)
    }
    expect(await metric(metrics, 'millrace_queue_size{queue="collector_bytes"}')).toBe(0)
    expect(await metric(metrics, 'millrace_requests_total{dialect="test",status="499"}')).toBe(5)
  })
})

it('tells a route when its client has left, and counts it', async () => {
  const { raw, held, metrics } = await open()
  const connection = await raw()
  connection.write(`${post('/hold', 2)}{}`)
  await until(() => held.signals.length === 1)
  expect(held.signals[0]?.aborted).toBe(false)
  connection.destroy()
  await until(() => held.signals[0]?.aborted === true)
  held.go()
  await until(async () => (await metric(metrics, 'millrace_requests_total{dialect="test",status="499"}')) === 1)
})

describe('what is not HTTP', () => {
  const hostile: [string, string, number][] = [
    ['a bad chunk size', 'POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n', 400],
    ['two lengths', 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab', 400],
    [
      'length and chunks',
      'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['endless headers', `GET / HTTP/1.1\r\nhost: x\r\n${'x-a: b\r\n'.repeat(4000)}`, 431],
    ['an unknown method', 'YEET / HTTP/1.1\r\nhost: x\r\n\r\n', 400],
  ]
  it.each(hostile)('is refused as a problem: %s', async (_name, bytes, status) => {
    const { raw, url } = await open()
    const connection = await raw()
    connection.write(bytes)
    const answer = await connection.response()
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toMatchObject({ status, detail: expect.any(String) })
    await connection.closed
    expect((await fetch(`${url}/health/live`)).status).toBe(200)
  })

  it.each([
    ['no Host', 'POST /echo HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}', 400, /Host/],
    ['no Host, and no such route', 'GET /nowhere HTTP/1.1\r\n\r\n', 400, /Host/],
    [
      'an expectation that nobody knows',
      'POST /echo HTTP/1.1\r\nhost: x\r\nexpect: tea\r\ncontent-length: 2\r\n\r\n{}',
      417,
      /Expect/,
    ],
  ])('is refused as a problem with its reason: %s', async (_name, bytes, status, detail) => {
    const { raw } = await open()
    const connection = await raw()
    connection.write(bytes)
    const answer = await connection.response()
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(answer.body)).toMatchObject({ status, detail: expect.stringMatching(detail) })
  })

  it('needs no Host in HTTP/1.0', async () => {
    const { raw } = await open()
    const connection = await raw()
    connection.write('GET /health/live HTTP/1.0\r\n\r\n')
    expect((await connection.response()).status).toBe(200)
  })

  it('is cut off when a head trickles', async () => {
    const { raw } = await open({ headersTimeoutMs: 100 })
    const connection = await raw()
    connection.write('POST /echo HTTP/1.1\r\nhost:')
    expect((await connection.response()).status).toBe(408)
    await connection.closed
  })

  it('never answers in the place of a request that is under way', async () => {
    const { raw, held } = await open()
    const connection = await raw()
    connection.write(`${post('/hold', 2)}{}`)
    await until(() => held.signals.length === 1)
    connection.write('garbage\r\n\r\n')
    await expect(connection.response()).rejects.toThrow('ended without a response')
    held.go()
  })
})

describe('routes', () => {
  it('that do not exist are 404, wrong methods 405 with Allow', async () => {
    const { url } = await open()
    const missing = await fetch(`${url}/nothing?key=secret`, { method: 'POST', body: 'x' })
    expect(missing.status).toBe(404)
    expect(missing.headers.get('content-type')).toContain('application/problem+json')
    expect(await missing.text()).not.toContain('secret')
    for (const [method, path, allow] of [
      ['GET', '/echo/', 'POST'],
      ['DELETE', '/things/42', 'GET, HEAD'],
      ['PATCH', '/health/live', 'GET, HEAD'],
    ]) {
      const wrong = await fetch(url + path!, { method: method! })
      expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, allow])
    }
  })

  it('answer HEAD and OPTIONS', async () => {
    const { url } = await open()
    const head = await fetch(`${url}/things/1`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const options = await fetch(`${url}/echo`, { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'POST, OPTIONS'])
    expect((await fetch(`${url}/nothing`, { method: 'OPTIONS' })).status).toBe(404)
  })

  it('tell nothing of what broke inside, but log it under the request id', async () => {
    const { url, logged } = await open()
    const broken = await fetch(`${url}/broken`, { headers: { 'x-request-id': 'abc-1' } })
    const body = await broken.text()
    expect(broken.status).toBe(500)
    expect(broken.headers.get('x-request-id')).toBe('abc-1')
    expect(body).toContain('abc-1')
    expect(body).not.toContain('hunter2')
    expect(logged).toMatchObject([{ requestId: 'abc-1', path: '/broken' }])
  })

  it('whose answer cannot be sent lose their connection, nobody else does', async () => {
    const { url, logged } = await open()
    await expect(fetch(`${url}/unsendable`)).rejects.toThrow()
    expect(logged).toMatchObject([{ path: '/unsendable' }])
    expect((await fetch(`${url}/things/1`)).status).toBe(200)
  })

  it('say when to come again', async () => {
    const { url } = await open()
    const full = await fetch(`${url}/full`)
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '3'])
    expect(await full.json()).toMatchObject({
      code: 'unavailable',
      status: 503,
      detail: 'the log is full',
      title: 'Not now',
    })
  })

  it('may stream', async () => {
    const { url, metrics } = await open()
    expect(await (await fetch(`${url}/stream`)).text()).toBe('ab')
    await until(async () => (await metric(metrics, 'millrace_queue_size{queue="collector_requests"}')) === 0)
  })

  it('make their own request ids when a given one is odd', async () => {
    const { url } = await open()
    const odd = await fetch(`${url}/things/1`, { headers: { 'x-request-id': 'x'.repeat(500) } })
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f]{12}-\w+$/)
  })

  it('are measured', async () => {
    const { url, metrics } = await open()
    await fetch(`${url}/things/1`)
    await fetch(`${url}/nothing`)
    const text = await (await fetch(`${url}/metrics`)).text()
    expect(text).toContain('# TYPE millrace_request_seconds histogram')
    expect(await metric(metrics, 'millrace_requests_total{dialect="test",status="200"}')).toBe(1)
    expect(await metric(metrics, 'millrace_requests_total{dialect="none",status="404"}')).toBe(1)
    expect(await metric(metrics, 'millrace_request_seconds_bucket{dialect="test",le="+Inf"}')).toBe(1)
    expect(await metric(metrics, 'millrace_request_seconds_count{dialect="test"}')).toBe(1)
  })
})

describe('a stop', () => {
  it('finishes what is under way, refuses what is new, and ends keep-alive connections', async () => {
    const { server, raw, held } = await open({ drainMs: 100 })
    const [busy, idle] = [await raw(), await raw()]
    idle.write(`${post('/echo', 2)}ok`)
    await idle.response()
    busy.write(`${post('/hold', 2)}{}`)
    await until(() => held.signals.length === 1)
    const stopped = server.stop()
    expect(server.stop()).toBe(stopped)
    idle.write('GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n')
    expect(await idle.response()).toMatchObject({ status: 503, headers: { connection: 'close' } })
    await idle.closed
    await new Promise((resolve) => setTimeout(resolve, 150))
    await expect(openRaw(server.url())).rejects.toThrow()
    held.go()
    expect((await busy.response()).body).toBe('{"held":true}')
    await busy.closed
    await stopped
  })

  it('does not wait for ever', async () => {
    const { server, raw, held, logged } = await open({ stopMs: 100 })
    const connection = await raw()
    connection.write(`${post('/hold', 2)}{}`)
    await until(() => held.signals.length === 1)
    await server.stop()
    await connection.closed
    expect(logged).toMatchObject([{ requests: 1 }])
  })

  it('leaves behind what does not hear its signal', async () => {
    const { server, raw } = await open({ stopMs: 50 })
    const connection = await raw()
    connection.write('GET /deaf HTTP/1.1\r\nhost: x\r\n\r\n')
    await new Promise((resolve) => setTimeout(resolve, 30))
    await server.stop()
    await connection.closed
  })

  it('may come before the start', async () => {
    const server = createHttpServer({
      name: 'api',
      host: '127.0.0.1',
      port: 0,
      limits: httpLimits.parse({}),
      deps: { clock: systemClock, metrics: new Registry(), logger: { debug() {}, info() {}, warn() {}, error() {} } },
      mount() {},
    })
    await server.stop()
    expect(() => server.url()).toThrow('does not listen')
  })
})

it('says which port is taken and what to do', async () => {
  const { url } = await open()
  const second = createHttpServer({
    name: 'collector',
    host: '127.0.0.1',
    port: Number(new URL(url).port),
    limits: httpLimits.parse({}),
    deps: { clock: systemClock, metrics: new Registry(), logger: { debug() {}, info() {}, warn() {}, error() {} } },
    mount() {},
  })
  await expect(second.start(new AbortController().signal)).rejects.toMatchObject({
    code: 'config',
    message: expect.stringContaining(`${new URL(url).host}: stop it, or set collector.port`),
  })
  await second.stop()
})

describe('CORS', () => {
  it('answers a preflight for any origin, and lets the page read answers', async () => {
    const { url } = await open({}, { cors: { allows: (origin) => origin !== 'https://evil.example' } })
    const origin = 'https://shop.example'
    const preflight = await fetch(`${url}/echo`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, x-own',
      },
    })
    expect(preflight.status).toBe(204)
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'content-type, x-own',
      'access-control-allow-methods': 'POST, OPTIONS',
      'access-control-max-age': '86400',
    })
    for (const path of ['/things/1', '/full', '/nothing']) {
      const answer = await fetch(url + path, { headers: { origin } })
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
      expect(answer.headers.get('access-control-expose-headers')).toContain('retry-after')
      expect(answer.headers.get('vary')).toBe('origin')
    }
    const evil = await fetch(`${url}/echo`, { method: 'OPTIONS', headers: { origin: 'https://evil.example' } })
    expect([evil.status, evil.headers.get('access-control-allow-origin')]).toEqual([403, null])
    const odd = await fetch(`${url}/echo`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-headers': 'a b;c' },
    })
    expect(odd.headers.get('access-control-allow-headers')).toContain('authorization, content-type, content-encoding')
  })

  it('is off where nobody asked for it', async () => {
    const { url } = await open()
    const answer = await fetch(`${url}/things/1`, { headers: { origin: 'https://shop.example' } })
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })
})

// A tool of the machine, not of this repository: where it is missing, two tests are skipped and say so.
const opensslCommand = 'openssl'

describe('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
  cleanupsAtEnd(folder)
  const file = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync(opensslCommand, args, { stdio: 'ignore', cwd: folder })
  let hasOpenssl = true
  try {
    // The names differ: an issuer of its own name would look self-signed.
    const make = (name: string, ...args: string[]) =>
      openssl(
        'req',
        '-subj',
        `/CN=${name}`,
        '-nodes',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-keyout',
        `${name}.key`,
        ...args,
      )
    make('ca', '-x509', '-days', '2', '-out', 'ca.pem')
    make('server', '-x509', '-days', '2', '-addext', 'subjectAltName=IP:127.0.0.1', '-out', 'server.pem')
    make('client', '-out', 'client.csr')
    openssl(
      'x509',
      '-req',
      '-in',
      'client.csr',
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-out',
      'client.pem',
    )
  } catch {
    hasOpenssl = false
  }

  const get = (url: string, client: object = {}) =>
    new Promise<number>((resolve, reject) => {
      const options = { ca: readFileSync(file('server.pem')), agent: false, ...client }
      httpsRequest(`${url}/health/live`, options, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
      })
        .on('error', reject)
        .end()
    })

  it.skipIf(!hasOpenssl)(
    'serves https from files, to everybody without clientCa (skipped without openssl)',
    async () => {
      const { url } = await open({}, { tls: { cert: file('server.pem'), key: file('server.key') } })
      expect(url).toMatch(/^https:/)
      expect(await get(url)).toBe(200)
    },
  )

  it.skipIf(!hasOpenssl)(
    'with clientCa only answers clients with a certificate of that authority (skipped without openssl)',
    async () => {
      const pem = (name: string) => readFileSync(file(name), 'utf8')
      const { url } = await open(
        {},
        { tls: { cert: pem('server.pem'), key: pem('server.key'), clientCa: file('ca.pem') } },
      )
      await expect(get(url)).rejects.toThrow()
      await expect(get(url, { cert: pem('server.pem'), key: pem('server.key') })).rejects.toThrow()
      expect(await get(url, { cert: pem('client.pem'), key: pem('client.key') })).toBe(200)
    },
  )

  it('names the file that it cannot read', async () => {
    await expect(open({}, { tls: { cert: '/nowhere/cert.pem', key: '/nowhere/key.pem' } })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('/nowhere/'),
    })
  })
})

function cleanupsAtEnd(folder: string): void {
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
}
