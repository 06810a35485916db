import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CallOptions,
  ChannelCredentials,
  Client,
  compressionAlgorithms,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import type { Accept } from '../../core/batch.ts'
import { systemClock } from '../../core/clock.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Authenticate, Credentials } from '../../core/principal.ts'
import { httpLimits, type TlsConfig } from '../../http/config.ts'
import { createInFlight } from '../../http/in-flight.ts'
import { jsonAnswer } from '../../http/answer.ts'
import { openRaw } from '../../testing/raw-http.ts'
import { createSequenceGaps } from '../sequence-gaps.ts'
import type { Source } from '../source.ts'
import { otlpMethods } from './otlp.ts'
import { createGrpcServer } from './server.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const tracePath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const never = new AbortController().signal

/** A dialect whose body is the ids of its events, one a line: what is tested here is the way of a call, not OTLP. */
const linesOf = (kinds: string[]): Source => ({
  name: 'otel',
  routes: [],
  accepts: ['application/x-protobuf'],
  keyInBody: false,
  decode(body, { kind }) {
    kinds.push(kind)
    const text = Buffer.from(body).toString()
    if (text.startsWith('!')) throw new PipelineError('malformed', 'byte 0 is 33: 100 % wrong – naïve')
    const ids = text.split('\n').filter((id) => id !== '')
    return { events: ids.map((id) => ({ columns: { id }, original: id })) }
  },
  answer: () => jsonAnswer({}),
  describe: () => ({ group: '', summary: '', body: {}, answer: {}, partly: {} }),
})

interface Settings {
  readonly limits?: Parameters<typeof httpLimits.parse>[0]
  readonly accept?: Accept
  readonly authenticate?: Authenticate
  readonly tls?: TlsConfig
}

const stored: Accept = (batch) =>
  Promise.resolve(batch.events.map(({ columns }, index) => ({ index, id: columns.id ?? '', outcome: 'stored' })))

async function open(settings: Settings = {}) {
  const metrics = new Registry()
  const limits = httpLimits.parse(settings.limits ?? {})
  const inFlight = createInFlight(limits)
  const seen: Credentials[] = []
  const kinds: string[] = []
  const signals: AbortSignal[] = []
  const logged: object[] = []
  const log = (fields: object) => void logged.push(fields)
  const deps = { clock: systemClock, metrics, logger: { debug: log, info: log, warn: log, error: log } }
  const server = createGrpcServer({
    host: '127.0.0.1',
    port: 0,
    portKey: 'collector.grpcPort',
    limits,
    inFlight,
    ...(settings.tls && { tls: settings.tls }),
    methods: otlpMethods({
      source: linesOf(kinds),
      gaps: createSequenceGaps(metrics),
      deps,
      accept(batch, signal) {
        signals.push(signal)
        return (settings.accept ?? stored)(batch, signal)
      },
      authenticate(shown) {
        seen.push(shown)
        return settings.authenticate?.(shown) ?? { project: 'default', scope: 'admin', keyId: '' }
      },
    }),
    deps,
  })
  await server.start(never)
  cleanups.push(() => server.stop())
  return { server, url: server.url(), metrics, inFlight, seen, kinds, signals, logged }
}

interface Answer {
  readonly code: number
  readonly text: string
  readonly details: Buffer | undefined
}

type Ask = Partial<{
  path: string
  metadata: Record<string, string>
  options: CallOptions
  credentials: ChannelCredentials
  channel: object
}>

/** A call by the library that Node's exporters use. */
function call(url: string, message: string | Buffer, ask: Ask = {}): Promise<Answer> {
  const client = new Client(new URL(url).host, ask.credentials ?? ChannelCredentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
    ...ask.channel,
  })
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(ask.metadata ?? {})) metadata.set(name, value)
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      ask.path ?? tracePath,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      Buffer.from(message as string),
      metadata,
      { deadline: Date.now() + 15_000, ...ask.options },
      (error: ServiceError | null, answer?: Buffer) => {
        client.close()
        const details = error?.metadata?.get('grpc-status-details-bin')[0] as Buffer | undefined
        resolve({ code: error?.code ?? 0, text: error?.details ?? String(answer), details })
      },
    )
  })
}

const gzip = { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip }

async function metric(metrics: Registry, sample: string): Promise<number> {
  const line = (await metrics.metrics()).split('\n').find((text) => text.startsWith(`${sample} `))
  return line === undefined ? 0 : Number(line.slice(sample.length + 1))
}

describe('a call', () => {
  it.each([
    ['traces', tracePath],
    ['logs', '/opentelemetry.proto.collector.logs.v1.LogsService/Export'],
    ['metrics', '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'],
  ])('of %s is taken, and answered when it is stored', async (kind, path) => {
    const { url, metrics, kinds } = await open()
    expect(await call(url, 'a\nb', { path })).toMatchObject({ code: 0, text: '' })
    expect(kinds).toEqual([kind])
    expect(await metric(metrics, 'millrace_requests_total{dialect="otel",status="200"}')).toBe(1)
  })

  it('may be compressed, empty, and as large as a body', async () => {
    const { url, inFlight } = await open({ limits: { maxBodyBytes: 1_000_000 } })
    expect(await call(url, 'a\n'.repeat(400_000), { channel: gzip })).toMatchObject({ code: 0 })
    expect(await call(url, '')).toMatchObject({ code: 0, text: '' })
    const largest = Buffer.alloc(1_000_000, 'a')
    expect(await call(url, largest)).toMatchObject({ code: 0 })
    expect(inFlight).toMatchObject({ requests: 0, bytes: 0 })
  })

  it('shows its key in the metadata that exporters set', async () => {
    const { url, seen } = await open()
    await call(url, 'a', { metadata: { authorization: 'Bearer k1' } })
    await call(url, 'a', { metadata: { authorization: `Basic ${Buffer.from('k2:').toString('base64')}` } })
    await call(url, 'a', { metadata: { 'x-write-key': 'k3' } })
    await call(url, 'a')
    expect(seen.map(({ key }) => key)).toEqual(['k1', 'k2', 'k3', undefined])
  })

  it('may be an import, with an admin key', async () => {
    const batches: unknown[] = []
    const accept: Accept = (batch, signal) => {
      batches.push(batch.historical)
      return stored(batch, signal)
    }
    const { url } = await open({ accept })
    await call(url, 'a', { metadata: { 'x-millrace-historical': '1' } })
    await call(url, 'a')
    expect(batches).toEqual([true, undefined])
  })
})

describe('a partial success', () => {
  it('tells how many were rejected and why; what is stored already is none of them', async () => {
    const outcomes = ['stored', 'quarantined', 'duplicate', 'dropped'] as const
    const { url } = await open({
      accept: (batch) =>
        Promise.resolve(
          batch.events.map((_, index) => ({
            index,
            id: '',
            outcome: outcomes[index]!,
            reason: 'schema',
            issues: ['/a: b'],
          })),
        ),
    })
    const answer = await call(url, 'a\nb\nc\nd')
    expect(answer.code).toBe(0)
    // partial_success 1 { rejected 1: 2, error_message 2 }
    expect(answer.text).toMatch(/^\n.\x08\x02\x12.2 of 4 spans rejected: /s)
  })
})

describe('a refusal', () => {
  const failing = (error: PipelineError): Settings => ({ accept: () => Promise.reject(error) })
  const keyless: Settings = {
    authenticate() {
      throw new PipelineError('unauthorized', 'a write key is needed')
    },
  }
  const wrongKey: Settings = {
    authenticate() {
      throw new PipelineError('forbidden', 'key k has scope read, this needs write')
    },
  }

  it.each([
    ['malformed is INVALID_ARGUMENT', {}, '!', 3, 400, undefined],
    ['unauthorized is UNAUTHENTICATED', keyless, 'a', 16, 401, undefined],
    ['forbidden is PERMISSION_DENIED', wrongKey, 'a', 7, 403, undefined],
    [
      'rate_limited is RESOURCE_EXHAUSTED with a delay',
      failing(new PipelineError('rate_limited', 'too many', { retryAfterSeconds: 7 })),
      'a',
      8,
      429,
      7,
    ],
    [
      'unavailable is UNAVAILABLE with a delay',
      failing(new PipelineError('unavailable', 'the log is full', { retryAfterSeconds: 3 })),
      'a',
      14,
      503,
      3,
    ],
    ['a failure of ours is INTERNAL', failing(new PipelineError('corrupt', 'checksum')), 'a', 13, 500, undefined],
  ] as const)('%s', async (_, settings, message, code, status, delay) => {
    const { url, metrics } = await open(settings)
    const answer = await call(url, message)
    expect(answer.code).toBe(code)
    expect(answer.details === undefined ? undefined : retryDelay(answer.details)).toBe(delay)
    expect(await metric(metrics, `millrace_requests_total{dialect="otel",status="${status}"}`)).toBe(1)
  })

  it('says what is wrong, whatever characters that takes, and nothing of our insides', async () => {
    expect((await call((await open()).url, '!')).text).toBe('byte 0 is 33: 100 % wrong – naïve')
    const { url, logged } = await open(failing(new PipelineError('corrupt', 'checksum of /secret/file')))
    expect((await call(url, 'a')).text).toMatch(/^the server's log tells more under request id /)
    expect(logged).toHaveLength(1)
  })

  it('is UNAVAILABLE with a delay when some events are not stored', async () => {
    const { url } = await open({
      accept: (batch) =>
        Promise.resolve(
          batch.events.map(({ columns }, index) => ({
            index,
            id: columns.id ?? '',
            outcome: index === 1 ? 'retry' : 'stored',
          })),
        ),
    })
    const answer = await call(url, 'a\nb\nc')
    expect(answer).toMatchObject({ code: 14, text: '1 of 3 events are not stored yet: send them again' })
    expect(retryDelay(answer.details!)).toBe(1)
  })

  it.each([
    ['plain', {}],
    ['as a bomb', gzip],
  ])('of what is too large, %s, is RESOURCE_EXHAUSTED without a delay: nobody sends it again', async (_, channel) => {
    const { url, inFlight, signals } = await open({ limits: { maxBodyBytes: 100_000 } })
    const answer = await call(url, Buffer.alloc(30_000_000), { channel })
    expect(answer).toMatchObject({ code: 8, details: undefined })
    expect(signals).toEqual([])
    expect(inFlight).toMatchObject({ requests: 0, bytes: 0 })
    expect(await call(url, 'a')).toMatchObject({ code: 0 })
  })

  it.each([
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
    '/opentelemetry.proto.collector.trace.v1.TraceService/Import',
    '/constructor',
  ])('of %s is UNIMPLEMENTED', async (path) => {
    expect(await call((await open()).url, 'a', { path })).toMatchObject({ code: 12 })
  })

  it('comes when the process holds as much as it may, also by another listener', async () => {
    const { url, inFlight } = await open({ limits: { maxRequestsInFlight: 2, maxBytesInFlight: 10_000 } })
    const others = [inFlight.enter(), inFlight.enter()]
    const full = await call(url, 'a')
    expect(full.code).toBe(14)
    expect(retryDelay(full.details!)).toBe(1)
    others[0]!.leave()
    expect(await call(url, 'a')).toMatchObject({ code: 0 })
    expect((await call(url, Buffer.alloc(20_000, '\n'))).text).toMatch(/too many body bytes at once/)
    others[1]!.leave()
    expect(inFlight).toMatchObject({ requests: 0, bytes: 0 })
  })
})

describe('a deadline', () => {
  it('ends the call and the wait for its events', async () => {
    let reason: unknown
    const { url, inFlight } = await open({
      accept: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reason = signal.reason
            reject(signal.reason as Error)
          })
        }),
    })
    // Sent by hand: a client of the library answers itself at its deadline.
    const answer = await byHand(url, { 'grpc-timeout': '50m' }, framed('a'))
    expect(answer['grpc-status']).toBe('4')
    expect(reason).toMatchObject({ code: 'timeout' })
    expect(inFlight.requests).toBe(0)
  })

  it('that nobody can read is INVALID_ARGUMENT', async () => {
    const { url, inFlight } = await open()
    for (const timeout of ['soon', '', '123456789S', '1.5S', '-1m'])
      expect((await byHand(url, { 'grpc-timeout': timeout }, framed('a')))['grpc-status']).toBe('3')
    expect((await byHand(url, { 'grpc-timeout': '99999999H' }, framed('a')))['grpc-status']).toBe('0')
    expect(inFlight.requests).toBe(0)
  })
})

describe('hostile bytes', () => {
  it.each([
    ['nothing at all', Buffer.alloc(0), '3'],
    ['half a prefix', Buffer.from([0, 0, 0]), '3'],
    ['less than it says', Buffer.concat([framed('abc').subarray(0, 6)]), '3'],
    ['more than it says', Buffer.concat([framed('a'), Buffer.from('x')]), '3'],
    ['two messages', Buffer.concat([framed('a'), framed('b')]), '3'],
    ['an unknown flag', Buffer.from([7, 0, 0, 0, 1, 97]), '3'],
    ['a length of 4 GB', Buffer.from([0, 255, 255, 255, 255, 1]), '8'],
    ['compression that nobody named', Buffer.from([1, 0, 0, 0, 1, 97]), '3'],
  ])('in a message, %s, are refused', async (_, body, status) => {
    const { url, inFlight, signals } = await open()
    expect((await byHand(url, {}, body))['grpc-status']).toBe(status)
    expect(signals).toEqual([])
    expect(inFlight).toMatchObject({ requests: 0, bytes: 0 })
  })

  it('that are no gzip are refused, and so is an encoding that is not known', async () => {
    const { url } = await open()
    const body = Buffer.from([1, 0, 0, 0, 3, 97, 98, 99])
    expect((await byHand(url, { 'grpc-encoding': 'gzip' }, body))['grpc-status']).toBe('3')
    const unknown = await byHand(url, { 'grpc-encoding': 'snappy' }, body)
    expect(unknown['grpc-status']).toBe('12')
    expect(unknown['grpc-accept-encoding']).toContain('gzip')
  })

  it('instead of a call end their own connection only', async () => {
    const { url } = await open()
    const raw = await openRaw(url)
    raw.write('POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}')
    await raw.closed
    expect((await byHand(url, { 'content-type': 'application/json' }, framed('a')))[':status']).toBe(415)
    expect((await byHand(url, { ':method': 'GET' }, undefined))[':status']).toBe(415)
    expect(await call(url, 'a')).toMatchObject({ code: 0 })
  })

  it('that stop in the middle are given up, by the client or after a while by us', async () => {
    const { url, inFlight, signals, metrics } = await open({ limits: { bodyStallMs: 100 } })
    const session = connectHttp2(url)
    const left = session.request({ ...grpcHeaders, ':path': tracePath })
    left.on('error', () => undefined)
    left.write(framed('abc').subarray(0, 6))
    await until(() => inFlight.requests === 1)
    left.close(8)
    await until(() => inFlight.requests === 0)
    const slow = session.request({ ...grpcHeaders, ':path': tracePath })
    const headers = new Promise<Record<string, unknown>>((resolve) => slow.on('response', resolve))
    slow.write(framed('abc').subarray(0, 6))
    expect((await headers)['grpc-status']).toBe('14')
    session.close()
    expect(signals).toEqual([])
    expect(await metric(metrics, 'millrace_requests_total{dialect="otel",status="499"}')).toBe(1)
    expect(await metric(metrics, 'millrace_requests_total{dialect="otel",status="503"}')).toBe(1)
  })
})

describe('a stop', () => {
  it('lets calls under way end and refuses new ones', async () => {
    let finish = () => {}
    const { url, server, inFlight } = await open({
      accept: (batch, signal) => new Promise((resolve) => (finish = () => resolve(stored(batch, signal)))),
    })
    const underWay = call(url, 'a')
    await until(() => inFlight.requests === 1)
    const stopping = server.stop()
    expect(await call(url, 'b', { options: { deadline: Date.now() + 2000 } })).toMatchObject({ code: 14 })
    finish()
    expect(await underWay).toMatchObject({ code: 0 })
    await stopping
  })

  it('has an end, whoever is still there', async () => {
    const { url, server, inFlight, signals } = await open({
      limits: { stopMs: 50 },
      accept: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        }),
    })
    const underWay = call(url, 'a')
    await until(() => inFlight.requests === 1)
    await server.stop()
    expect(signals[0]!.aborted).toBe(true)
    expect((await underWay).code).not.toBe(0)
  })

  it('is heard by idle connections', async () => {
    const { url, server } = await open()
    const session = connectHttp2(url)
    await new Promise((resolve) => session.once('remoteSettings', resolve))
    const closed = new Promise((resolve) => session.once('close', resolve))
    await server.stop()
    await closed
  })
})

describe('TLS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-grpc-'))
  const file = (name: string) => join(dir, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
  const certificate = (name: string) => {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      ...subject,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
    )
  }
  certificate('server')
  certificate('client')
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))

  it('is spoken where it is configured; with clientCa only to those who show a certificate', async () => {
    const tls = { cert: file('server.crt'), key: file('server.key') }
    const ca = readFileSync(file('server.crt'))
    const one = await open({ tls })
    expect(one.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    expect(await call(one.url, 'a', { credentials: ChannelCredentials.createSsl(ca) })).toMatchObject({ code: 0 })
    const mutual = await open({ tls: { ...tls, clientCa: file('client.crt') } })
    const soon = { options: { deadline: Date.now() + 3000 } }
    const without = await call(mutual.url, 'a', { credentials: ChannelCredentials.createSsl(ca), ...soon })
    expect(without.code).not.toBe(0)
    const shown = ChannelCredentials.createSsl(ca, readFileSync(file('client.key')), readFileSync(file('client.crt')))
    expect(await call(mutual.url, 'a', { credentials: shown })).toMatchObject({ code: 0 })
  })
})

const grpcHeaders = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' }

function framed(text: string): Buffer {
  const bytes = Buffer.from(text)
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([prefix, bytes])
}

/** Headers and trailers of the answer together. */
function byHand(url: string, headers: object, body: Buffer | undefined): Promise<Record<string, unknown>> {
  const session = connectHttp2(url)
  return new Promise((resolve, reject) => {
    const told: Record<string, unknown> = {}
    session.on('error', reject)
    const stream = session.request(
      { ...grpcHeaders, ':path': tracePath, ...headers },
      { endStream: body === undefined },
    )
    stream.on('response', (got) => Object.assign(told, got))
    stream.on('trailers', (got) => Object.assign(told, got))
    stream.on('error', reject)
    stream.on('close', () => {
      session.close()
      resolve(told)
    })
    stream.resume()
    if (body !== undefined) stream.end(body)
  })
}

/** Seconds of the RetryInfo in a google.rpc.Status, which must be the last thing in it. */
function retryDelay(status: Buffer): number {
  const text = status.toString('latin1')
  expect(text).toContain('type.googleapis.com/google.rpc.RetryInfo')
  // …value(RetryInfo: 0a 02 (Duration: 08 seconds))
  expect([...status.subarray(-6, -1)]).toEqual([0x12, 4, 0x0a, 2, 8])
  return status.at(-1)!
}

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 5))
}
