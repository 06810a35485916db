import { request } from 'node:http'
import { constants, createGzip, gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openRaw } from '../../packages/server/src/testing/raw-http.ts'
import { ask, createInstance, eventually, type Instance, isAlive } from '../support/instance.ts'
import { type Answer, count, ledger, post, send, settled, storedEvent, why } from '../support/pipeline.ts'

let instance: Instance
let collector: string
let api: string
let pids: readonly (number | undefined)[]
/** What the 200 answers of this file have said so far: the ledger must say the same. */
const told = { stored: 0, duplicate: 0, dropped: 0, quarantined: 0 }

beforeAll(async () => {
  instance = createInstance({ args: ['--set', 'collector.limits.bodyStallMs=300'] })
  ;({ collector, api } = await instance.start())
  pids = processes()
})
afterAll(() => instance.dispose())

// Whatever was sent: the processes are the same ones, and they serve.
afterEach(async () => {
  expect(processes()).toEqual(pids)
  expect((await fetch(`${collector}/health/ready`)).status).toBe(200)
})

const processes = () => (['collector', 'worker', 'engine'] as const).map((role) => instance.pid(role))
const routes = ['/v1/batch', '/v1/track', '/v1/events', '/v1/events/batch'] as const

interface Problem {
  readonly code: string
  readonly detail: string
  readonly status: number
}

async function refusal(response: Response): Promise<[number, string]> {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const problem = (await response.json()) as Problem
  expect(problem.detail.length).toBeGreaterThan(10)
  expect(problem.status).toBe(response.status)
  return [response.status, problem.code]
}

async function sent(
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  path = '/v1/events',
): Promise<Answer> {
  const answer = await send(collector + path, body, headers)
  for (const name of ['stored', 'duplicate', 'dropped', 'quarantined'] as const) told[name] += answer[name]
  return answer
}

const event = (id: string, more: object = {}) => ({ id, event_name: 'e', ...more })

describe('a body that cannot be read', () => {
  const whole = JSON.stringify({ batch: Array.from({ length: 50 }, (_, at) => event(`cut-${at}`)) })
  it.each<[string, string, number, string, () => Uint8Array | string]>([
    ['truncated gzip', 'gzip', 400, 'malformed', () => gzipSync(whole).subarray(0, 60)],
    [
      'gzip with a wrong checksum',
      'gzip',
      400,
      'malformed',
      () => gzipSync(whole).map((byte, at, all) => (at < all.length - 8 ? byte : 0)),
    ],
    ['plain text under a gzip header', 'gzip', 400, 'malformed', () => whole],
    ['gzip under no header', '', 400, 'malformed', () => gzipSync(whole)],
    ['gzip under a zstd header', 'zstd', 400, 'malformed', () => gzipSync(whole)],
    ['an encoding that does not exist', 'lzma', 415, 'unsupported_media_type', () => whole],
    [
      'invalid UTF-8',
      '',
      400,
      'malformed',
      () => Buffer.concat([Buffer.from('{"event_name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    ],
    ['nothing', '', 400, 'malformed', () => ''],
    ['10,000 levels', '', 400, 'malformed', () => '['.repeat(10_000) + ']'.repeat(10_000)],
    ['10,000 levels of objects', '', 400, 'malformed', () => '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)],
    ['a string', '', 400, 'malformed', () => '"event"'],
    ['a NUL byte as is', '', 400, 'malformed', () => '{"event_name":"a\u0000b"}'],
  ])('%s is refused on every route, and nothing of it is stored', async (_name, encoding, status, code, body) => {
    for (const route of routes) {
      const response = await post(collector + route, body(), encoding === '' ? {} : { 'content-encoding': encoding })
      expect([route, ...(await refusal(response))]).toEqual([route, status, code])
    }
  })

  it('JSON cut anywhere is refused, and the position is named', async () => {
    const body = JSON.stringify([event('cut', { properties: { text: 'é"\\', list: [1, { a: null }] } })])
    const bytes = Buffer.from(body)
    const statuses = await Promise.all(
      Array.from({ length: bytes.length - 1 }, (_, at) => post(`${collector}/v1/events`, bytes.subarray(0, at + 1))),
    )
    for (const response of statuses) expect(await refusal(response)).toEqual([400, 'malformed'])
  })

  it('a bomb of 1 GB stops at the limit', async () => {
    const bomb = await bombOf(1_000_000_000)
    expect(bomb.length).toBeLessThan(5_000_000)
    for (const route of routes) {
      const response = await post(collector + route, bomb, { 'content-encoding': 'gzip' })
      expect([route, ...(await refusal(response))]).toEqual([route, 413, 'too_large'])
    }
  })

  it('a body of more than 20 MB is refused, by its announced length or by its bytes', async () => {
    expect(await refusal(await post(`${collector}/v1/events`, Buffer.alloc(20_000_001, 0x20)))).toEqual([
      413,
      'too_large',
    ])
  })

  it('100,001 events are refused as a whole; 100,000 are taken', async () => {
    const batch = (size: number) =>
      `[${Array.from({ length: size }, (_, at) => `{"id":"m${at}","event_name":"many"}`).join(',')}]`
    expect(await refusal(await post(`${collector}/v1/events`, batch(100_001)))).toEqual([413, 'too_large'])
    const lines = `{"event_name":"many"}\n`.repeat(100_001)
    expect(
      await refusal(await post(`${collector}/v1/events`, lines, { 'content-type': 'application/x-ndjson' })),
    ).toEqual([413, 'too_large'])
    expect(await sent(batch(100_000))).toMatchObject({ stored: 100_000, quarantined: 0 })
  })
})

describe('a request that is none', () => {
  it.each([
    ['an unknown route', '/v1/nothing', 'POST', 'application/json', 404, 'not_found'],
    ['another method', '/v1/events', 'PUT', 'application/json', 405, 'method_not_allowed'],
    ['GET', '/v1/batch', 'GET', undefined, 405, 'method_not_allowed'],
    ['an image', '/v1/events', 'POST', 'image/png', 415, 'unsupported_media_type'],
    ['a type that is none', '/v1/events', 'POST', ';;', 415, 'unsupported_media_type'],
    ['UTF-16', '/v1/events', 'POST', 'application/json; charset=utf-16', 415, 'unsupported_media_type'],
  ])('%s is refused with what is allowed', async (_name, path, method, type, status, code) => {
    const response = await fetch(collector + path, {
      method,
      headers: type === undefined ? {} : { 'content-type': type },
      ...(method !== 'GET' && { body: '{"event_name":"e"}' }),
    })
    const [answered, named] = await refusal(response)
    expect(answered).toBe(status)
    if (status !== 405) expect(named).toBe(code)
    else expect(response.headers.get('allow')).toContain('POST')
  })

  it('a body that trickles or stops is cut off with 408', async () => {
    const connection = await openRaw(collector)
    connection.write(
      'POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"event',
    )
    const response = await connection.response()
    expect([response.status, (JSON.parse(response.body) as Problem).code]).toEqual([408, 'slow_body'])
    await connection.closed
  })

  it('a client that goes away within its body leaves nothing behind', async () => {
    const before = await requestsInFlight()
    for (let at = 0; at < 20; at++) {
      const connection = await openRaw(collector)
      connection.write(
        `POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n[${JSON.stringify(event('gone'))}`,
      )
      connection.destroy()
    }
    await eventually(async () => ((await requestsInFlight()) === before ? true : undefined))
  })

  it('a client that goes away before the answer has sent its events all the same: sent again they are duplicates, once', async () => {
    const ids = Array.from({ length: 40 }, (_, at) => `left-${at}`)
    for (const id of ids) {
      const body = JSON.stringify(event(id))
      const connection = await openRaw(collector)
      connection.write(
        `POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      )
      // Some after the bytes have surely arrived, some at once.
      if (Number(id.slice(5)) % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
      connection.destroy()
    }
    const before = (await settled(api)).sums.stored - told.stored
    const answer = await sent(JSON.stringify(ids.map((id) => event(id))))
    expect(answer.stored + answer.duplicate).toBe(40)
    expect(answer.duplicate).toBe(before)
    told.stored += answer.duplicate // of those nobody was told
    expect((await settled(api)).sums).toMatchObject({ stored: told.stored })
    expect(await count(api, `id LIKE 'left-%'`)).toBe(40)
  })

  it('a chunked body without a length is read as any other', async () => {
    const answer = await new Promise<number>((resolve, reject) => {
      const open = request(
        `${collector}/v1/events`,
        { method: 'POST', headers: { 'content-type': 'application/json' } },
        (response) => {
          response.resume()
          resolve(response.statusCode!)
        },
      )
      open.on('error', reject)
      open.write('[{"id":"chunked",')
      open.end('"event_name":"e"}]')
    })
    expect(answer).toBe(200)
    told.stored++
  })
})

describe('odd events in a good body', () => {
  it('an empty batch is nothing, and answered so', async () => {
    for (const [path, body] of [
      ['/v1/events', '[]'],
      ['/v1/events', '{"events":[]}'],
      ['/v1/batch', '{"batch":[]}'],
    ] as const)
      expect(await sent(body, {}, path)).toEqual({
        success: true,
        stored: 0,
        duplicate: 0,
        dropped: 0,
        quarantined: 0,
        receipts: [],
      })
  })

  it('one bad event among good ones is kept apart, and its neighbours go on', async () => {
    const body = Array.from({ length: 100 }, (_, at) =>
      at === 57 ? event('n-57', { duration_ms: 'long' }) : event(`n-${at}`),
    )
    const answer = await sent(JSON.stringify(body))
    expect(answer).toMatchObject({ stored: 99, quarantined: 1 })
    expect(answer.receipts).toEqual([
      {
        index: 57,
        id: 'n-57',
        outcome: 'quarantined',
        reason: 'schema',
        issues: [expect.stringMatching(/^\/duration_ms: /)],
      },
    ])
  })

  it('values that no event can be are each quarantined, one by one', async () => {
    const answer = await sent(JSON.stringify([null, 1, 'x', [], true, [event('in-a-list')], event('real')]))
    expect(answer).toMatchObject({ stored: 1, quarantined: 6 })
    for (const { id, issues } of answer.receipts) {
      expect(id).not.toBe('')
      expect(issues?.length).toBeGreaterThan(0)
      expect((await eventually(() => why(api, id).catch(() => undefined))).outcome).toBe('quarantined')
    }
  })

  it('an unknown type and a missing name are quarantined', async () => {
    const own = await sent(
      JSON.stringify([event('ty-1', { event_type: 'nonsense' }), { id: 'ty-2' }, event('ty-3', { event_type: 7 })]),
    )
    expect(own).toMatchObject({ stored: 0, quarantined: 3 })
    const segment = {
      batch: [
        { type: 'nonsense', messageId: 'ty-4' },
        { messageId: 'ty-5' },
        { type: 'track', messageId: 'ty-6', userId: 'u' },
      ],
    }
    expect(await sent(JSON.stringify(segment), {}, '/v1/batch')).toMatchObject({ stored: 0, quarantined: 3 })
  })

  it('numeric ids become decimal text, missing ones are made, and ids that are none are quarantined', async () => {
    const body = `[{"id":12345678901234567890,"event_name":"e"},{"id":7,"event_name":"e"},{"event_name":"e"},{"id":"","event_name":"e"},
      {"id":{},"event_name":"e"},{"id":[1],"event_name":"e"},{"id":true,"event_name":"e"},{"id":"${'x'.repeat(257)}","event_name":"e"}]`
    const response = await post(`${collector}/v1/events`, body, { prefer: 'return=representation' })
    const answer = (await response.json()) as Answer
    for (const name of ['stored', 'quarantined'] as const) told[name] += answer[name]
    expect(answer.receipts.map(({ outcome }) => outcome)).toEqual([
      ...Array.from({ length: 4 }, () => 'stored'),
      ...Array.from({ length: 4 }, () => 'quarantined'),
    ])
    expect(answer.receipts.slice(0, 2).map(({ id }) => id)).toEqual(['12345678901234567890', '7'])
    for (const { id } of answer.receipts) expect(id).not.toBe('')
    expect(await storedEvent(api, '12345678901234567890')).toMatchObject({ event_name: 'e' })
  })

  it.each([
    ['duration_ms', '"5"'],
    ['duration_ms', 'true'],
    ['duration_ms', '[5]'],
    ['duration_ms', '1e999'],
    ['actor_name', '{}'],
    ['actor_name', '[1]'],
    ['properties', '"text"'],
    ['properties', '[1]'],
    ['context', 'false'],
    ['timestamp_ns', '1.5'],
    ['timestamp_ns', '"soon"'],
    ['timestamp_ns', '99999999999999999999999999'],
  ])('a column %s of the wrong type (%s) is quarantined with its pointer', async (column, value) => {
    const answer = await sent(`{"id":"wt-${column}-${value.length}","event_name":"e","${column}":${value}}`)
    expect(answer).toMatchObject({ stored: 0, quarantined: 1 })
    expect(answer.receipts[0]?.issues?.[0]).toMatch(new RegExp(`^/${column}: `))
  })

  it.each([
    '"yesterday"',
    '"2026-13-01T00:00:00Z"',
    '"2026-02-30T00:00:00Z"',
    '"2026-01-01"',
    '"2026-01-01T00:00:00"',
    '"01/02/2026"',
    '""',
    '1767225600',
    '1767225600000000',
    '"1767225600000"',
    '-1e300',
    'true',
    '{}',
    '[1767225600000]',
    '"9999-12-31T23:59:59Z"',
  ])('a timestamp of the wrong form (%s) is quarantined and never guessed', async (value) => {
    const answer = await sent(`{"id":"ts-${Buffer.from(value).toString('hex')}","event_name":"e","timestamp":${value}}`)
    expect(answer).toMatchObject({ stored: 0, quarantined: 1 })
    expect(answer.receipts[0]?.issues?.[0]).toMatch(/^\/timestamp: /)
  })

  it('more than an hour ahead or 30 days old is quarantined, within that it is stored', async () => {
    const at = (ms: number) => new Date(Date.now() + ms).toISOString()
    const body = [
      event('time-ahead', { timestamp: at(3_700_000) }),
      event('time-old', { timestamp: at(-31 * 86_400_000) }),
      event('time-near', { timestamp: at(3_500_000) }),
      event('time-late', { timestamp: at(-29 * 86_400_000) }),
    ]
    const answer = await sent(JSON.stringify(body))
    expect(answer.receipts).toMatchObject([
      { index: 0, issues: ['/timestamp: 1 hour 1 minute ahead, at most 1 hour'] },
      { index: 1, issues: ['/timestamp: 31 days old, at most 30'] },
    ])
    expect(answer.stored).toBe(2)
  })

  it('integers beyond 2^53 stay exact, in columns and in JSON, to SQL and to the API', async () => {
    const big = '9223372036854775807'
    const at = `${Date.now()}123457`
    await sent(
      `{"id":"big","event_name":"e","timestamp_ns":${at},"properties":{"n":${big},"deep":{"m":-9007199254740993},"small":1}}`,
    )
    await storedEvent(api, 'big')
    const [row] = await ask(
      api,
      `SELECT timestamp_ns, properties.n::Int64 AS n, properties.deep.m::Int64 AS m, properties.small::Int64 AS s FROM events WHERE id = 'big'`,
    )
    expect(row).toEqual({ timestamp_ns: at, n: big, m: '-9007199254740993', s: '1' })
    const text = await (await fetch(`${api}/api/v1/events/big`)).text()
    expect(text).toMatch(new RegExp(`"n":"?${big}\\b`))
    expect(text).toMatch(/"m":"?-9007199254740993\b/)
  })

  it('keys like __proto__ and constructor are keys as any other, and duplicate keys do no harm', async () => {
    const body =
      '[{"id":"proto","event_name":"e","properties":{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}},"toString":"t"}},' +
      '{"id":"twice","event_name":"first","event_name":"second","properties":{"a":1,"a":2}},' +
      '{"id":"top","event_name":"e","__proto__":{"event_type":"page"},"hasOwnProperty":1}]'
    const answer = await sent(body)
    expect(answer).toMatchObject({ stored: 3, quarantined: 0 })
    const stored = await storedEvent(api, 'proto')
    const properties = stored['properties'] as Record<string, unknown>
    expect(Object.getPrototypeOf(properties)).toBe(Object.prototype)
    expect(JSON.stringify(properties)).toContain('"__proto__":{"admin":true}')
    expect(properties).toMatchObject({ constructor: { prototype: { x: 1 } }, toString: 't' })
    expect(await storedEvent(api, 'twice')).toMatchObject({ event_name: 'second', properties: { a: 2 } })
    expect(await sent(JSON.stringify(event('after-proto')))).toMatchObject({ stored: 1 })
    expect(await storedEvent(api, 'after-proto')).not.toHaveProperty('properties')
  })

  it('NUL characters and lone surrogates are stored as text that can be asked for, but are no part of an id', async () => {
    const body =
      '[{"id":"nul","event_name":"a\\u0000b","actor_name":"\\u0000","properties":{"k\\u0000":"v\\u0000w"}},' +
      '{"id":"lone","event_name":"e","actor_name":"x\\ud800y","properties":{"\\udc00":"\\ud83d"}},' +
      '{"id":"emoji","event_name":"e","actor_name":"\\ud83d\\ude00 😀"},{"id":"\\ud800-id","event_name":"e"}]'
    const answer = await sent(body)
    expect(answer).toMatchObject({
      stored: 3,
      quarantined: 1,
      receipts: [{ index: 3, outcome: 'quarantined', issues: [expect.stringMatching(/^\/id: holds U\+FFFD/)] }],
    })
    await settled(api)
    expect(await storedEvent(api, 'emoji')).toMatchObject({ actor_name: '😀 😀' })
    expect(await storedEvent(api, 'nul')).toMatchObject({
      event_name: 'a\u0000b',
      actor_name: '\u0000',
      properties: { 'k\u0000': 'v\u0000w' },
    })
    expect(await storedEvent(api, 'lone')).toMatchObject({ actor_name: 'x\ufffdy', properties: { '\ufffd': '\ufffd' } })
    expect(await count(api, `event_name = 'a\\0b'`)).toBe(1)
  })

  it('events too big, too deep or too wide are quarantined, their neighbours stored', async () => {
    const deep = JSON.parse('{"a":'.repeat(40) + '1' + '}'.repeat(40)) as object
    const deeper = JSON.parse('{"a":'.repeat(900) + '1' + '}'.repeat(900)) as object
    const answer = await sent(
      JSON.stringify([
        event('size-ok'),
        event('size-big', { properties: { text: 'x'.repeat(1_100_000) } }),
        event('size-deep', { properties: deep }),
        event('size-deeper', { properties: deeper }),
        event('size-wide', { properties: Object.fromEntries(Array.from({ length: 1500 }, (_, at) => [`k${at}`, at])) }),
        event('size-long', { actor_name: 'x'.repeat(10_000) }),
      ]),
    )
    expect(answer).toMatchObject({ stored: 1, quarantined: 5 })
    expect(answer.receipts.map(({ reason }) => reason)).toEqual(['limit', 'limit', 'limit', 'limit', 'limit'])
  })

  it('a key per event, ten thousand of them, is taken and can be asked for', async () => {
    const body = Array.from({ length: 10_000 }, (_, at) =>
      event(`key-${at}`, { event_name: 'keys', properties: { [`id_${at}`]: at } }),
    )
    expect(await sent(JSON.stringify(body))).toMatchObject({ stored: 10_000 })
    await settled(api)
    const [row] = await ask(api, `SELECT properties.id_7777::Int64 AS n FROM events WHERE id = 'key-7777'`)
    expect(row).toEqual({ n: '7777' })
  })
})

describe('bad protobuf', () => {
  it.each([
    ['random bytes', Buffer.from('ffffffffffffffffffff', 'hex')],
    ['a length beyond the end', Buffer.from([0x32, 0x7f, 0x0a])],
    ['a group that never ends', Buffer.from([0x33, 0x33, 0x33])],
    ['field number 0', Buffer.from([0x00, 0x00])],
    ['JSON', Buffer.from('{"events":[]}')],
  ])('%s is refused', async (_name, body) => {
    const response = await post(`${collector}/v1/events/batch`, body, { 'content-type': 'application/x-protobuf' })
    expect(await refusal(response)).toEqual([400, 'malformed'])
  })
})

describe('bad questions', () => {
  it.each([
    ['no JSON', 'select 1', 400, 'malformed'],
    ['no query', '{}', 400, 'malformed'],
    ['an empty one', '{"query":""}', 400, 'malformed'],
    ['a key that is none', '{"query":"select 1","limit":5}', 400, 'malformed'],
    ['params that are a list', '{"query":"select 1","params":[1]}', 400, 'malformed'],
  ])('%s: refused with the reason', async (_name, body, status, code) => {
    expect(await refusal(await post(`${api}/api/v1/sql`, body))).toEqual([status, code])
  })

  it.each([
    ['SELEC 1'],
    ['SELECT nothing FROM events'],
    ['SELECT * FROM nowhere'],
    ["SELECT file('/etc/passwd')"],
    ['SELECT 1 SETTINGS max_threads = 1'],
    ['DROP TABLE events'],
    ['SELECT 1; SELECT 2'],
    ['SELECT {missing:String}'],
    ['SELECT throwIf(1)'],
    ['SELECT '.padEnd(90_000, '(')],
  ])('%s: a 4xx, never a 5xx', async (query) => {
    const response = await post(`${api}/api/v1/sql`, JSON.stringify({ query }))
    const [status] = await refusal(response)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
  })

  it.each([
    '/ledger?from=yesterday',
    '/ledger?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z',
    '/quarantine?limit=0',
    '/quarantine?limit=100000',
    '/quarantine?cursor=abc',
    '/nothing',
    '/events/%00/why',
    `/events/${'x'.repeat(5000)}/why`,
    '/events/%ff/why',
  ])('GET %s: a 4xx with the parameter named', async (path) => {
    const response = await fetch(`${api}/api/v1${path}`)
    const [status] = await refusal(response)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
  })
})

it('after all of that the ledger says exactly what the answers said, and no request was answered with a 5xx', async () => {
  const view = await settled(api)
  const { received, ...sums } = view.sums
  expect(sums).toEqual(told)
  expect(received).toBe(Object.values(told).reduce((sum, events) => sum + events, 0))
  expect(await count(api, '1')).toBe(told.stored)
  expect(await count(api, '1', 'quarantine')).toBe(told.quarantined)
  expect(await ledger(api)).toMatchObject({ balanced: true, in_flight: 0 })
  const metrics = (await (await fetch(`${collector}/metrics`)).text()) + (await (await fetch(`${api}/metrics`)).text())
  expect(metrics.match(/^millrace_requests_total\{[^}]*status="5\d\d".*$/m)).toBeNull()
  expect(pids.every((pid) => isAlive(pid))).toBe(true)
  expect(instance.log()).not.toContain('"level":"error"')
})

async function requestsInFlight(): Promise<number> {
  const text = await (await fetch(`${collector}/metrics`)).text()
  return Number(/^millrace_queue_size\{queue="collector_requests"[^}]*\} (\d+)$/m.exec(text)?.[1])
}

/** Spaces, compressed while they are made. */
async function bombOf(bytes: number): Promise<Buffer> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED })
  const chunks: Buffer[] = []
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk))
  const done = new Promise((resolve) => gzip.on('end', resolve))
  const piece = Buffer.alloc(1_000_000, 0x20)
  for (let made = 0; made < bytes; made += piece.length)
    if (!gzip.write(piece)) await new Promise((resolve) => gzip.once('drain', resolve))
  gzip.end()
  await done
  return Buffer.concat(chunks)
}
