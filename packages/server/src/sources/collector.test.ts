import { connect } from 'node:net'
import { Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import { Analytics } from '@segment/analytics-node'
import { afterEach, describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import type { Receipt } from '../core/outcome.ts'
import type { Authenticate } from '../core/principal.ts'
import { type CollectorSettings, type RunningCollector, startCollector } from '../testing/collector.ts'
import { openRaw } from '../testing/raw-http.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function open(settings: CollectorSettings = {}): Promise<RunningCollector> {
  const collector = await startCollector(settings)
  cleanups.push(collector.stop)
  return collector
}

function send(url: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
  const type = { 'content-type': 'application/json' }
  return fetch(url, { method: 'POST', headers: { ...type, ...headers }, body: body as string })
}

const track = (id: string) => ({ type: 'track', event: 'Bought', userId: 'u1', messageId: id })
const batchOf = (count: number) => JSON.stringify({ batch: Array.from({ length: count }, (_, i) => track(`m${i}`)) })

const keys: Authenticate = ({ key, origin, scope }) => {
  if (key !== 'right' && key !== 'boss') throw new PipelineError('unauthorized', 'this key is not known')
  if (key === 'right' && scope !== 'write') throw new PipelineError('forbidden', 'a write key')
  if (origin === 'https://evil.example') throw new PipelineError('forbidden', 'not from this origin')
  return { project: `project of ${key}`, scope: key === 'boss' ? 'admin' : 'write', keyId: key }
}

describe('answers', () => {
  it('count what was stored, and list receipts only of what was not', async () => {
    const outcomes = (index: number) =>
      (
        [
          {},
          { outcome: 'duplicate' },
          { outcome: 'dropped', reason: 'expired' },
          { outcome: 'quarantined', reason: 'schema', issues: ['/x: bad'] },
        ] as const
      )[index] ?? {}
    const { url } = await open({ decide: outcomes })
    const answer = await send(`${url}/v1/batch`, batchOf(5))
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({
      success: true,
      stored: 2,
      duplicate: 1,
      dropped: 1,
      quarantined: 1,
      receipts: [
        { index: 1, id: 'm1', outcome: 'duplicate' },
        { index: 2, id: 'm2', outcome: 'dropped', reason: 'expired' },
        { index: 3, id: 'm3', outcome: 'quarantined', reason: 'schema', issues: ['/x: bad'] },
      ],
    })
  })

  it('list every receipt when the sender prefers a representation', async () => {
    const { url } = await open()
    const answer = await send(`${url}/v1/events`, '[{"event_name":"a","id":"1"},{"event_name":"b","id":"2"}]', {
      prefer: 'respond-async, return=representation',
    })
    expect(answer.headers.get('preference-applied')).toBe('return=representation')
    expect(await answer.json()).toMatchObject({
      stored: 2,
      receipts: [
        { index: 0, outcome: 'stored' },
        { index: 1, outcome: 'stored' },
      ],
    })
  })

  it('are 200 with zeros for an empty batch, which goes no further', async () => {
    const { url, batches } = await open()
    for (const [path, body] of [
      ['/v1/batch', '{"batch":[]}'],
      ['/v1/events', '[]'],
    ]) {
      const answer = await send(url + path!, body!)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual({
        success: true,
        stored: 0,
        duplicate: 0,
        dropped: 0,
        quarantined: 0,
        receipts: [],
      })
    }
    expect(batches).toEqual([])
  })

  it('are 503 with receipts after partial success', async () => {
    const { url } = await open({ decide: (index) => (index === 1 ? { outcome: 'retry', reason: 'unavailable' } : {}) })
    const answer = await send(`${url}/v1/batch`, batchOf(3))
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await answer.json()).toMatchObject({
      success: false,
      code: 'unavailable',
      status: 503,
      stored: 2,
      retry: 1,
      receipts: [{ index: 1, id: 'm1', outcome: 'retry' }],
    })
  })

  it('are 503 with Retry-After when nothing can be taken', async () => {
    const { url } = await open({
      accept: () => Promise.reject(new PipelineError('unavailable', 'the log is full', { retryAfterSeconds: 5 })),
    })
    const answer = await send(`${url}/v1/batch`, batchOf(1))
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await answer.json()).toMatchObject({ success: false, message: 'the log is full', code: 'unavailable' })
  })

  it('come only when accept has resolved', async () => {
    let resolve: (receipts: readonly Receipt[]) => void = () => undefined
    const { url, batches } = await open({ accept: () => new Promise((r) => (resolve = r)) })
    let isAnswered = false
    const answer = send(`${url}/v1/track`, JSON.stringify(track('m1'))).then((response) => {
      isAnswered = true
      return response
    })
    while (batches.length === 0) await new Promise((r) => setTimeout(r, 2))
    await new Promise((r) => setTimeout(r, 30))
    expect(isAnswered).toBe(false)
    resolve([{ index: 0, id: 'm1', outcome: 'stored' }])
    expect((await answer).status).toBe(200)
  })
})

describe('Segment', () => {
  it('is taken from the unchanged analytics-node, which reports success', async () => {
    const { url, batches, credentials } = await open({ authenticate: keys })
    const client = new Analytics({ writeKey: 'right', host: url, flushAt: 10 })
    cleanups.push(() => client.closeAndFlush())
    const errors: unknown[] = []
    const statuses: unknown[] = []
    client.on('error', (error) => errors.push(error))
    client.on('http_response', (response) => statuses.push(response.status))
    const sent = (['a', 'b', 'c'] as const).map(
      (name) =>
        new Promise((resolve, reject) =>
          client.track({ userId: 'u1', event: name }, (error) => (error ? reject(error) : resolve(name))),
        ),
    )
    client.identify({ userId: 'u1', traits: { plan: 'pro' } })
    client.page({ userId: 'u1', name: 'Home' })
    client.screen({ userId: 'u1', name: 'Main' })
    client.group({ userId: 'u1', groupId: 'g1' })
    client.alias({ userId: 'u1', previousId: 'anonymous' })
    await client.flush()
    expect(await Promise.all(sent)).toEqual(['a', 'b', 'c'])
    expect(errors).toEqual([])
    expect(new Set(statuses)).toEqual(new Set([200]))
    const events = batches.flatMap(({ events }) => events)
    expect(events.length).toBe(8)
    expect(events.flatMap(({ issues }) => issues ?? [])).toEqual([])
    expect(batches[0]).toMatchObject({
      project: 'project of right',
      source: 'segment',
      sentAt: expect.any(Number),
      receivedAt: expect.any(Number),
    })
    expect(credentials[0]).toEqual({ key: 'right', scope: 'write' })
  })

  it('is told not to come again with a wrong key', async () => {
    const { url } = await open({ authenticate: keys })
    const client = new Analytics({ writeKey: 'wrong', host: url, maxRetries: 5 })
    const statuses: unknown[] = []
    client.on('http_response', (response) => statuses.push(response.status))
    client.on('error', () => undefined)
    client.track({ userId: 'u1', event: 'a' })
    await client.closeAndFlush()
    expect(statuses).toEqual([401])
  })

  it('comes again by itself after 503, and its event is there once it is taken', async () => {
    let refusals = 1
    const { url, batches } = await open({
      accept: (batch) =>
        refusals-- > 0
          ? Promise.reject(new PipelineError('unavailable', 'starting'))
          : Promise.resolve(batch.events.map((_, index) => ({ index, id: 'm', outcome: 'stored' as const }))),
    })
    const client = new Analytics({ writeKey: 'k', host: url, maxRetries: 3 })
    client.track({ userId: 'u1', event: 'a', messageId: 'same' })
    await client.closeAndFlush()
    expect(batches.map(({ events }) => events[0]?.columns.id)).toEqual(['same', 'same'])
  })

  it.each([
    ['/v1/track', 'track'],
    ['/v1/t', 'track'],
    ['/v1/identify', 'track'],
    ['/v1/i', 'track'],
    ['/v1/page', 'page'],
    ['/v1/p', 'page'],
    ['/v1/screen', 'page'],
    ['/v1/s', 'page'],
    ['/v1/group', 'track'],
    ['/v1/g', 'track'],
    ['/v1/alias', 'track'],
    ['/v1/a', 'track'],
    ['/v1//track/', 'track'],
  ])('takes one message at %s', async (path, eventType) => {
    const { url, batches } = await open()
    const message = { messageId: 'm1', userId: 'u1', event: 'Bought', name: 'Home', groupId: 'g1', previousId: 'p1' }
    expect((await send(url + path, JSON.stringify(message))).status).toBe(200)
    expect(batches[0]?.events[0]?.issues ?? []).toEqual([])
    expect(batches[0]?.events[0]?.columns).toMatchObject({ id: 'm1', event_type: eventType })
  })

  it.each(['/v1/batch', '/v1/b', '/v1/import'])('takes batches at %s', async (path) => {
    const { url, batches } = await open()
    expect((await send(url + path, batchOf(3))).status).toBe(200)
    expect(batches[0]?.events.length).toBe(3)
  })

  it('reads text/plain, form data and no content type as JSON', async () => {
    const { url, batches } = await open()
    for (const type of [
      'text/plain',
      'text/plain;charset=UTF-8',
      'application/x-www-form-urlencoded',
      'Application/JSON; charset="utf-8"',
    ]) {
      expect((await send(`${url}/v1/t`, JSON.stringify(track('m')), { 'content-type': type })).status).toBe(200)
    }
    const connection = await openRaw(url)
    const body = JSON.stringify(track('m'))
    connection.write(`POST /v1/t HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    expect((await connection.response()).status).toBe(200)
    connection.destroy()
    expect(batches.length).toBe(5)
  })
})

describe('keys', () => {
  it.each<[string, Record<string, string>, string, string]>([
    ['Basic', { authorization: `Basic ${btoa('right:')}` }, '', 'x'],
    ['Basic with anything after the colon', { authorization: `basic ${btoa('right:secret')}` }, '', 'x'],
    ['Bearer', { authorization: 'Bearer right' }, '', 'x'],
    ['x-write-key', { 'x-write-key': 'right' }, '', 'x'],
    ['the query', {}, '?writeKey=right', 'x'],
    ['the body', {}, '', 'right'],
    ['the header before the body', { authorization: 'Bearer right' }, '', 'wrong'],
  ])('are found in %s', async (_where, headers, query, inBody) => {
    const { url, batches } = await open({ authenticate: keys })
    const answer = await send(
      `${url}/v1/batch${query}`,
      JSON.stringify({ writeKey: inBody, batch: [track('m')] }),
      headers,
    )
    expect(answer.status).toBe(200)
    expect(batches[0]?.project).toBe('project of right')
  })

  it('missing or wrong are 401, and nothing goes further', async () => {
    const { url, batches } = await open({ authenticate: keys })
    const refused = [
      await send(`${url}/v1/batch`, batchOf(1)),
      await send(`${url}/v1/batch`, batchOf(1), { authorization: 'Bearer wrong' }),
      await send(`${url}/v1/events`, '{"event_name":"a"}'),
      await send(`${url}/v1/events`, '{"event_name":"a"}', { authorization: 'Digest abc' }),
    ]
    for (const answer of refused) {
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toContain('Bearer')
      const text = await answer.text()
      expect(text).toContain('"unauthorized"')
      expect(text).not.toContain('wrong')
    }
    expect(batches).toEqual([])
  })

  it('of a project that lists its origins are 403 from elsewhere, also at a preflight that shows the key', async () => {
    const { url } = await open({ authenticate: keys })
    const origin = 'https://evil.example'
    expect(
      (await send(`${url}/v1/t`, JSON.stringify(track('m')), { authorization: 'Bearer right', origin })).status,
    ).toBe(403)
    const preflight = { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } }
    expect((await fetch(`${url}/v1/t?writeKey=right`, preflight)).status).toBe(403)
    expect((await fetch(`${url}/v1/t`, preflight)).headers.get('access-control-allow-origin')).toBe(origin)
  })

  it('that may administer mark a body as historical, others may not', async () => {
    const { url, batches } = await open({ authenticate: keys })
    const historical = { 'x-millrace-historical': '1' }
    expect((await send(`${url}/v1/batch`, batchOf(1), { ...historical, authorization: 'Bearer right' })).status).toBe(
      403,
    )
    expect((await send(`${url}/v1/batch`, batchOf(1), { ...historical, authorization: 'Bearer boss' })).status).toBe(
      200,
    )
    expect(batches.map((batch) => batch.historical)).toEqual([true])
  })

  it('guard the metrics, and health is open', async () => {
    const { url } = await open({ authenticate: keys, readiness: () => 'the log is full' })
    expect((await fetch(`${url}/metrics`)).status).toBe(401)
    expect((await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer right' } })).status).toBe(403)
    expect((await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer boss' } })).status).toBe(200)
    expect((await fetch(`${url}/health/live`)).status).toBe(200)
    const ready = await fetch(`${url}/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'unavailable', reason: 'the log is full' }])
  })
})

describe('bad bodies', () => {
  const encoded: [string, string, Uint8Array][] = [
    ['truncated gzip', 'gzip', zlib.gzipSync(batchOf(50)).subarray(0, 100)],
    ['gzip that is plain', 'gzip', Buffer.from(batchOf(1))],
    ['gzip that is zstd', 'gzip', zlib.zstdCompressSync(Buffer.from(batchOf(1)))],
    ['unlabelled gzip', '', zlib.gzipSync(batchOf(1))],
    ['unlabelled zstd', '', zlib.zstdCompressSync(Buffer.from(batchOf(1)))],
    ['invalid UTF-8', '', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
    ['JSON cut short', '', Buffer.from(batchOf(2).slice(0, -5))],
    ['10,000-deep nesting', '', Buffer.from('['.repeat(10_000))],
    ['nothing', '', Buffer.alloc(0)],
    ['a number', '', Buffer.from('42')],
  ]
  it.each(encoded)('are 400 and reach nobody: %s', async (_name, encoding, body) => {
    const { url, batches } = await open()
    for (const path of ['/v1/batch', '/v1/events', '/v1/events/batch']) {
      const answer = await send(url + path, body, encoding === '' ? {} : { 'content-encoding': encoding })
      expect([path, answer.status]).toEqual([path, 400])
      expect(await answer.json()).toMatchObject({ code: 'malformed', detail: expect.any(String) })
    }
    expect(batches).toEqual([])
  })

  it('are 415 in formats, encodings and charsets that are not taken', async () => {
    const { url } = await open()
    for (const [headers, name] of [
      [{ 'content-type': 'image/png' }, 'accept-post'],
      [{ 'content-type': ';;;' }, 'accept-post'],
      [{ 'content-encoding': 'gzip, br' }, 'accept-encoding'],
      [{ 'content-encoding': 'compress' }, 'accept-encoding'],
      [{ 'content-type': 'application/json; charset=utf-16' }, 'content-type'],
    ] as [Record<string, string>, string][]) {
      const answer = await send(`${url}/v1/batch`, batchOf(1), headers)
      expect(answer.status).toBe(415)
      expect(answer.headers.get(name)).toBeTruthy()
      expect(await answer.json()).toMatchObject({ code: 'unsupported_media_type', success: false })
    }
  })

  it('of more than 100,000 events are 413', async () => {
    const { url, batches } = await open()
    const many = `[${Array.from({ length: 100_001 }, () => '{"event_name":"a"}').join(',')}]`
    expect((await send(`${url}/v1/events`, many)).status).toBe(413)
    expect(batches).toEqual([])
  })

  it('of 20 MB are taken, of one byte more are not, with and without a length, plain and compressed', async () => {
    const { url, batches } = await open()
    const event = (bytes: number) => {
      const head = '{"event_name":"a","properties":{"x":"'
      return Buffer.from(`${head}${'y'.repeat(bytes - head.length - 3)}"}}`)
    }
    const chunked = (body: Buffer) => {
      const parts = Readable.toWeb(Readable.from([body.subarray(0, 1000), body.subarray(1000)]))
      const headers = { 'content-type': 'application/json' }
      const init: object = { method: 'POST', headers, body: parts, duplex: 'half' }
      return fetch(`${url}/v1/events`, init)
    }
    const gzipped = (body: Buffer) => send(`${url}/v1/events`, zlib.gzipSync(body), { 'content-encoding': 'gzip' })
    const plain = (body: Buffer) => send(`${url}/v1/events`, body)
    const [fits, tooLarge] = [event(20e6), event(20e6 + 1)]
    for (const way of [plain, chunked, gzipped]) expect((await way(fits)).status).toBe(200)
    expect(batches.length).toBe(3)
    for (const way of [plain, chunked, gzipped]) {
      // A client that goes on sending may see the connection end instead of the answer; never a success.
      const status = await way(tooLarge).then(
        (answer) => answer.status,
        () => 413,
      )
      expect(status).toBe(413)
    }
    expect(batches.length).toBe(3)
  })

  it('that inflate to 1 GB cost no memory and are 413', async () => {
    const { url } = await open()
    const bomb = await gigabyteOfZeros()
    const before = process.memoryUsage.rss()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        send(`${url}/v1/batch`, bomb, { 'content-encoding': 'gzip' }).then(({ status }) => status),
      ),
    )
    expect(new Set(answers)).toEqual(new Set([413]))
    expect(process.memoryUsage.rss() - before).toBeLessThan(250e6)
  })
})

it('stores what a client sent although it leaves before the answer', async () => {
  const finished: number[] = []
  const { url, batches } = await open({
    async accept(batch, signal) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      signal.throwIfAborted()
      finished.push(1)
      return batch.events.map((_, index) => ({ index, id: 'm', outcome: 'stored' as const }))
    },
  })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const body = batchOf(1)
  socket.write(`POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  while (batches.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  socket.destroy()
  while (finished.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  expect((await send(`${url}/v1/batch`, body)).status).toBe(200)
})

describe('every encoding', () => {
  it.each<[string, (plain: Buffer) => Uint8Array]>([
    ['identity', (plain) => plain],
    ['gzip', zlib.gzipSync],
    ['x-gzip', zlib.gzipSync],
    ['deflate', zlib.deflateSync],
    ['br', zlib.brotliCompressSync],
    ['zstd', zlib.zstdCompressSync],
  ])('%s is taken', async (encoding, compress) => {
    const { url, batches } = await open()
    const answer = await send(`${url}/v1/batch`, compress(Buffer.from(batchOf(20))), { 'content-encoding': encoding })
    expect(answer.status).toBe(200)
    expect(batches[0]?.events.length).toBe(20)
  })
})

it('answers below a base path, probes also without it', async () => {
  const { url } = await open({ basePath: '/events-in' })
  expect((await send(`${url}/events-in/v1/batch`, batchOf(1))).status).toBe(200)
  expect((await send(`${url}/v1/batch`, batchOf(1))).status).toBe(404)
  for (const path of ['/health/live', '/events-in/health/live']) expect((await fetch(url + path)).status).toBe(200)
})

it('counts requests by dialect and status', async () => {
  const { url, metric } = await open()
  await send(`${url}/v1/batch`, batchOf(1))
  await send(`${url}/v1/batch`, '{')
  await send(`${url}/v1/events`, '{"event_name":"a"}')
  expect(await metric('millrace_requests_total{dialect="segment",status="200"}')).toBe(1)
  expect(await metric('millrace_requests_total{dialect="segment",status="400"}')).toBe(1)
  expect(await metric('millrace_requests_total{dialect="millrace",status="200"}')).toBe(1)
  expect(await metric('millrace_request_seconds_count{dialect="segment"}')).toBe(2)
})

/** Made in pieces: the test itself must not hold a gigabyte. */
async function gigabyteOfZeros(): Promise<Buffer> {
  const gzip = zlib.createGzip({ level: 9 })
  const parts: Buffer[] = []
  gzip.on('data', (part: Buffer) => parts.push(part))
  const ended = new Promise((resolve) => gzip.on('end', resolve))
  const piece = Buffer.alloc(16e6)
  for (let i = 0; i < 63; i++) if (!gzip.write(piece)) await new Promise((resolve) => gzip.once('drain', resolve))
  gzip.end()
  await ended
  return Buffer.concat(parts)
}
