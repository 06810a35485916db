import type { EventColumns } from '@millrace/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { encodeCursor } from './cursor.ts'
import { type LiveUnderTest, type LiveUnderTestOptions, readSse, refusedUpgrade, startLive } from './live.fixture.ts'

let running: LiveUnderTest | undefined
async function start(options?: LiveUnderTestOptions): Promise<LiveUnderTest> {
  running = await startLive(options)
  return running
}
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const track = (id: string, more: EventColumns = {}): EventColumns => ({
  id,
  event_type: 'track',
  event_name: 'Signed Up',
  timestamp: 1000,
  ...more,
})
const many = (count: number, from = 0) => Array.from({ length: count }, (_, at) => track(`e${from + at}`))

describe('a stream', () => {
  it('welcomes, then shows each event with cursor and topic, several of one moment as a batch', async () => {
    const { socket, store } = await start()
    const seen = await socket()
    expect(await seen.until('connected')).toMatchObject({
      connectionId: expect.any(String) as string,
      topics: ['*'],
      cursor: expect.stringMatching(/^m1\./) as string,
    })
    await store([track('a', { properties: { plan: 'pro' } })])
    expect(await seen.until('event')).toEqual({
      type: 'event',
      cursor: expect.any(String) as string,
      topic: 'track.Signed_Up',
      event: expect.objectContaining({ id: 'a', project: 'default', properties: { plan: 'pro' } }) as object,
    })
    await store(many(3))
    const batch = await seen.until('batch')
    expect((batch['events'] as { type: string }[]).map(({ type }) => type)).toEqual(['event', 'event', 'event'])
    expect(seen.ids()).toEqual(['a', 'e0', 'e1', 'e2'])
  })

  it('has the same by server-sent events: the id is the cursor, also by Last-Event-ID', async () => {
    const { url, store } = await start()
    await store(many(5))
    const seen = await readSse(`${url}/api/v1/live/sse?fromTimestamp=0`, 2)
    expect(seen[0]).toMatchObject({ id: undefined, data: { type: 'connected' } })
    const events = seen[1]!.data['events'] as { cursor: string; event: { id: string } }[]
    expect(events.map(({ event }) => event.id)).toEqual(['e0', 'e1', 'e2', 'e3', 'e4'])
    expect(seen[1]!.id).toBe(events[4]!.cursor)
    const rest = await readSse(`${url}/api/v1/live/sse`, 2, { 'last-event-id': events[2]!.cursor })
    expect((rest[1]!.data['events'] as typeof events).map(({ event }) => event.id)).toEqual(['e3', 'e4'])
  })

  it('shows events of its topics that pass all its filters', async () => {
    const { socket, store } = await start()
    const seen = await socket('?topic=track.*&topic=log.**&filter=actor_id%3Dada&filter=duration_ms%3E%3D0')
    await store([
      track('1', { actor_id: 'ada', duration_ms: 0 }),
      track('2', { actor_id: 'bob', duration_ms: 1 }),
      track('3', { actor_id: 'ada' }),
      track('4', { actor_id: 'ada', duration_ms: 1, event_name: 'a.b' }),
      track('5', { actor_id: 'ada', duration_ms: 1, event_type: 'log', event_name: 'a.b.c' }),
    ])
    await seen.untilEvents(2)
    expect(seen.ids()).toEqual(['1', '5'])
  })

  it('holds only events of its own project, and nothing that an import brought', async () => {
    const { socket, store, keys } = await start({ mode: 'keys' })
    keys.set('s', { project: 'shop', scope: 'read', keyId: 's' })
    keys.set('b', { project: 'blog', scope: 'read', keyId: 'b' })
    const shop = await socket('?token=s')
    const blog = await socket('', { authorization: 'Bearer b' })
    await store([track('b1')], { project: 'blog' })
    await store([track('s0', { context: { millrace: { historical: true } } }), track('s1')], { project: 'shop' })
    await store([track('b2')], { project: 'blog' })
    await Promise.all([shop.untilEvents(1), blog.untilEvents(2)])
    expect([shop.ids(), blog.ids()]).toEqual([['s1'], ['b1', 'b2']])
    const past = await socket('?token=s&fromTimestamp=0')
    await past.untilEvents(1)
    await store([track('s2')], { project: 'shop' })
    await past.untilEvents(2)
    expect(past.ids()).toEqual(['s1', 's2'])
  })

  it('sends one message per event when coalescing is off', async () => {
    const { socket, store } = await start({ config: { coalescing: { enabled: false } } })
    const seen = await socket()
    await store(many(20))
    await seen.untilEvents(20)
    expect(seen.told.map(({ type }) => type)).toEqual(['connected', ...Array<string>(20).fill('event')])
  })
})

describe('what a client says', () => {
  it('is answered: subscribe, unsubscribe, ping', async () => {
    const { socket, store } = await start()
    const seen = await socket('?topic=page.*')
    seen.say({ type: 'subscribe', topics: ['track.**'] })
    expect(await seen.until('subscribed')).toEqual({ type: 'subscribed', topics: ['page.*', 'track.**'] })
    await store([track('1')])
    await seen.untilEvents(1)
    seen.say({ type: 'unsubscribe', topics: ['track.**'] })
    expect(await seen.until('unsubscribed')).toEqual({ type: 'unsubscribed', topics: ['page.*'] })
    await store([track('2'), track('3', { event_type: 'page' })])
    await seen.untilEvents(2)
    expect(seen.ids()).toEqual(['1', '3'])
    seen.say({ type: 'ping' })
    expect(await seen.until('pong')).toEqual({ type: 'pong', timestamp: expect.any(Number) as number })
  })

  it.each([
    ['not JSON', '{', 'PARSE_ERROR'],
    ['a list', '[]', 'PARSE_ERROR'],
    ['no type', '{}', 'UNKNOWN_TYPE'],
    ['a type that is none', '{"type":"dance"}', 'UNKNOWN_TYPE'],
    ['a wrong topic', '{"type":"subscribe","topics":["a*"]}', 'INVALID_WILDCARD'],
    ['no topics', '{"type":"subscribe"}', 'EMPTY_TOPIC'],
    ['topics that are none', '{"type":"subscribe","topics":[1]}', 'EMPTY_TOPIC'],
    [
      'too many topics',
      JSON.stringify({ type: 'subscribe', topics: many(101).map(({ id }) => id) }),
      'TOO_MANY_TOPICS',
    ],
  ])('that cannot be used is told and changes nothing: %s', async (_, text, code) => {
    const { socket, store } = await start()
    const seen = await socket()
    seen.say(text)
    expect(await seen.until('error')).toMatchObject({ code })
    await store([track('1')])
    await seen.untilEvents(1)
  })

  it('may be binary, and is an error then', async () => {
    const { socket } = await start()
    const seen = await socket()
    seen.webSocket.send(Buffer.from('{"type":"ping"}'), { binary: true })
    expect(await seen.until('error')).toMatchObject({ code: 'PARSE_ERROR' })
  })

  it('of 1 MB closes the connection with 1009, and no other', async () => {
    const { socket, store } = await start()
    const [seen, other] = await Promise.all([socket(), socket()])
    seen.webSocket.send(`"${'x'.repeat(1e6)}"`)
    expect((await seen.closed).code).toBe(1009)
    await store([track('1')])
    await other.untilEvents(1)
  })

  it('is not looked at when it comes too fast', async () => {
    const { socket } = await start()
    const seen = await socket()
    for (let i = 0; i < 1000; i++) seen.say({ type: 'ping' })
    expect(await seen.until('error')).toMatchObject({ code: 'RATE_LIMITED' })
  })
})

describe('a query', () => {
  it('answers at once, and again when an event that may change it is in the tables', async () => {
    const { socket, store, log } = await start()
    const seen = await socket()
    seen.say({ type: 'query', id: 'q', sql: "select count() from events where event_type = 'track'" })
    expect(await seen.until('query_result')).toMatchObject({ id: 'q', rows: [{ project: 'default', events: 0 }] })
    await store([track('1', { event_type: 'page' })])
    await store([track('2')])
    const member = await log.join('load', ['events'], async () => {}, new AbortController().signal)
    await log.commit(member, [{ topic: 'events', partition: 0, offset: 2 }])
    expect(await seen.until('query_result', 2)).toMatchObject({ id: 'q', rows: [{ events: 2 }] })
  })

  it('that fails is told with the reason; and there are not too many', async () => {
    const { socket } = await start()
    const seen = await socket()
    seen.say({ type: 'query', id: 'q', sql: 'select fail' })
    expect(await seen.until('query_error')).toEqual({
      type: 'query_error',
      id: 'q',
      code: 'query_failed',
      message: 'no such column',
    })
    for (let i = 0; i < 6; i++) seen.say({ type: 'query', id: `q${i}`, sql: 'select 1' })
    expect(await seen.until('query_error', 2)).toMatchObject({ id: 'q4', message: 'at most 5 queries at once' })
  })
})

describe('who may listen', () => {
  it.each([
    ['no key', '', {}, 401, 'unauthorized'],
    ['a wrong key', '?token=x', {}, 401, 'unauthorized'],
    ['a write key', '?token=w', {}, 403, 'forbidden'],
    ['another project with a read key', '?token=r&project=blog', {}, 403, 'forbidden'],
    ['a project that is none', '?token=a&project=nope', {}, 404, 'not_found'],
  ])('with keys, not %s', async (_, query, headers, status, code) => {
    const { url, keys } = await start({ mode: 'keys' })
    keys.set('w', { project: 'shop', scope: 'write', keyId: 'w' })
    keys.set('r', { project: 'shop', scope: 'read', keyId: 'r' })
    keys.set('a', { project: 'shop', scope: 'admin', keyId: 'a' })
    expect(await refusedUpgrade(`${url}/api/v1/live${query}`, headers)).toMatchObject({ status, code })
    const sse = await fetch(`${url}/api/v1/live/sse${query}`)
    expect([sse.status, ((await sse.json()) as { code: string }).code]).toEqual([status, code])
  })

  it('without keys, no page of another site, and no name that was bound to this machine', async () => {
    const { url } = await start()
    const live = `${url}/api/v1/live`
    const host = new URL(url).host
    for (const headers of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
      { host: 'evil.example' },
      { host: 'evil.example', origin: 'http://evil.example' },
    ] as Record<string, string>[])
      expect([headers, await refusedUpgrade(live, headers)]).toEqual([
        headers,
        expect.objectContaining({ status: 403, code: 'forbidden' }),
      ])
    expect(await refusedUpgrade(live, { origin: `http://${host}` })).toMatchObject({ status: 101 })
    expect((await fetch(`${live}/sse`, { headers: { origin: 'http://evil.example' } })).status).toBe(403)
  })

  it('until the key is revoked: told, and closed with 1008', async () => {
    const { socket, keys, url } = await start({ mode: 'keys' })
    keys.set('r', { project: 'shop', scope: 'read', keyId: 'r' })
    keys.set('o', { project: 'shop', scope: 'read', keyId: 'o' })
    const [seen, other] = await Promise.all([socket('?token=r'), socket('?token=o')])
    const sse = await fetch(`${url}/api/v1/live/sse?token=r`)
    keys.delete('r')
    expect(await seen.closed).toEqual({ code: 1008, reason: 'unauthorized' })
    expect(seen.told.at(-1)).toMatchObject({ type: 'error', code: 'UNAUTHORIZED' })
    expect(await sse.text()).toContain('"code":"UNAUTHORIZED"') // it ends
    other.say({ type: 'ping' })
    await other.until('pong')
  })

  it('goes on with a token that was refreshed in time, and keeps the old one when the new one is none', async () => {
    const { socket, keys, store } = await start({ mode: 'keys' })
    keys.set('old', { project: 'shop', scope: 'read', keyId: '1' })
    keys.set('new', { project: 'shop', scope: 'read', keyId: '2' })
    keys.set('blog', { project: 'blog', scope: 'read', keyId: '3' })
    const seen = await socket('?token=old')
    for (const token of ['nope', 'blog', '', 5]) seen.say({ type: 'refresh_token', token })
    await seen.until('token_error', 4)
    seen.say({ type: 'refresh_token', token: 'new' })
    await seen.until('token_refreshed')
    keys.delete('old')
    await new Promise((resolve) => setTimeout(resolve, 1200))
    await store([track('1')], { project: 'shop' })
    await seen.untilEvents(1)
  })
})

describe('what is refused before it begins', () => {
  it.each([
    ['topic=a..b', 'CONSECUTIVE_DOTS'],
    ['topic=', 'EMPTY_TOPIC'],
    ['topic=a.*&topic=**.a', 'INVALID_WILDCARD'],
    ['filter=nope%3D1', 'UNKNOWN_COLUMN'],
    ['filter=event_name', 'INVALID_FILTER'],
    ['filter=id%3Dx&'.repeat(21), 'TOO_MANY_FILTERS'],
    ['lastEventId=m1.zzzz', 'INVALID_CURSOR'],
    ['lastEventId=never-seen', 'INVALID_CURSOR'],
    ['fromTimestamp=yesterday', 'INVALID_TIMESTAMP'],
  ])('%s: 400 %s, by WebSocket and by SSE', async (query, code) => {
    const { url } = await start()
    expect(await refusedUpgrade(`${url}/api/v1/live?${query}`)).toMatchObject({ status: 400, code })
    const sse = await fetch(`${url}/api/v1/live/sse?${query}`)
    expect([sse.status, ((await sse.json()) as { code: string }).code]).toEqual([400, code])
  })

  it('is a stream beyond the limit (503), until another one has ended', async () => {
    const { url, socket, live } = await start({ config: { maxConnections: 2 } })
    const [first] = await Promise.all([socket(), socket()])
    expect(await refusedUpgrade(`${url}/api/v1/live`)).toMatchObject({
      status: 503,
      code: 'unavailable',
      headers: { 'retry-after': '5' },
    })
    expect((await fetch(`${url}/api/v1/live/sse`)).status).toBe(503)
    first.webSocket.close()
    await first.closed
    while (live.stats().connections.active > 1) await new Promise((resolve) => setTimeout(resolve, 5))
    await socket()
  })

  it('is a WebSocket elsewhere, a request without an upgrade, and a handshake that is none', async () => {
    const { url, socket, live } = await start()
    expect(await refusedUpgrade(`${url}/api/v1/other`)).toMatchObject({ status: 404 })
    for (const path of ['/api/v1/live', '/events']) {
      const plain = await fetch(url + path)
      expect([plain.status, plain.headers.get('upgrade')]).toEqual([426, 'websocket'])
    }
    const live426 = { status: 426, code: 'upgrade_required' }
    expect(await refusedUpgrade(`${url}/api/v1/live`, { upgrade: 'h2c' })).toMatchObject(live426)
    const malformed = { status: 400, code: 'malformed', headers: { 'sec-websocket-version': '13' } }
    expect(await refusedUpgrade(`${url}/api/v1/live`, { 'sec-websocket-key': 'short' })).toMatchObject(malformed)
    expect(await refusedUpgrade(`${url}/api/v1/live`, { 'sec-websocket-version': '7' })).toMatchObject(malformed)
    await (await socket('', {}, '/events')).until('connected')
    expect(live.stats().connections).toMatchObject({ active: 1, total: 1 })
  })
})

describe('coming back', () => {
  it('with a cursor goes on behind it, onto the moving stream, without a gap or a repetition', async () => {
    const { socket, store } = await start({ log: { partitions: 3 } })
    const first = await socket()
    let number = 0
    const storeSome = async (records: number) => {
      for (let i = 0; i < records; i++) {
        const count = 1 + (number % 4)
        await store(many(count, number), { partition: number % 3 })
        number += count
      }
    }
    await storeSome(20)
    await first.untilEvents(number)
    const cursors = first.events().map(({ cursor }) => cursor)
    const writing = storeSome(200)
    const readers = await Promise.all(
      [0, 7, 13, number - 1].map(async (at) => ({ at, seen: await socket(`?lastEventId=${cursors[at]}`) })),
    )
    await writing
    await first.untilEvents(number)
    for (const { at, seen } of readers) {
      await seen.untilEvents(number - at - 1)
      const expected = first.ids().slice(at + 1)
      expect(new Set(seen.ids())).toEqual(new Set(expected))
      expect(seen.ids().length).toBe(expected.length)
      expect(seen.told.filter(({ type }) => type === 'gap')).toEqual([])
    }
  })

  it('may name an event by its id, or a time', async () => {
    const { socket, store } = await start()
    for (let i = 0; i < 10; i++) await store(many(3, i * 3), { at: 1000 + i })
    const byId = await socket('?lastEventId=e16')
    await byId.untilEvents(13)
    expect(byId.ids()[0]).toBe('e17')
    const byTime = await socket('?fromTimestamp=1007')
    await byTime.untilEvents(9)
    expect(byTime.ids()[0]).toBe('e21')
  })

  it('to what the log has forgotten is warned, told the gap, and begins at the first that is left', async () => {
    const { socket, store, log } = await start({ rows: (sql) => (sql.includes('count()') ? [{ events: '12' }] : []) })
    const first = await socket()
    for (let i = 0; i < 10; i++) await store(many(2, i * 2), { at: 1000 + i })
    await first.untilEvents(20)
    await log.trim({ topic: 'events', partition: 0, offset: 6 })
    for (const query of [`lastEventId=${first.events()[1]!.cursor}`, 'fromTimestamp=500']) {
      const seen = await socket(`?${query}`)
      await seen.untilEvents(8)
      expect(seen.told.slice(1, 3)).toEqual([
        expect.objectContaining({ type: 'warning', code: 'REPLAY_TRUNCATED' }),
        { type: 'gap', missed: 12 },
      ])
      expect(seen.ids()[0]).toBe('e12')
    }
  })

  it('with a cursor of another log begins at the first event of this one', async () => {
    const { socket, store } = await start()
    await store(many(2))
    const seen = await socket(`?lastEventId=${encodeCursor(99, [{ offset: 1_000_000, index: 0 }])}`)
    await seen.untilEvents(2)
    expect(seen.told[1]).toMatchObject({ type: 'warning', code: 'REPLAY_TRUNCATED' })
  })

  it('to very much gets all of it, at its own pace', async () => {
    const { socket, store } = await start({ config: { recentBytes: 10_000, maxPendingMessages: 4 } })
    for (let i = 0; i < 30; i++) await store(many(500, i * 500))
    const seen = await socket('?fromTimestamp=0')
    await seen.untilEvents(15_000)
    expect(seen.ids()).toEqual(many(15_000).map(({ id }) => id))
    expect(seen.told.filter(({ type }) => type === 'gap' || type === 'backpressure')).toEqual([])
  })
})

describe('a reader that stops', () => {
  it('costs bounded memory, harms nobody, and is told backpressure and what it missed', async () => {
    const { socket, store, live, metric } = await start({ config: { maxPendingBytes: 300_000 } })
    const [slow, quick] = await Promise.all([socket(), socket()])
    await slow.until('connected')
    slow.webSocket.pause()
    const text = 'x'.repeat(2000)
    for (let i = 0; i < 60; i++) {
      await store(many(100, i * 100).map((event) => ({ ...event, error_message: text })))
      await quick.untilEvents((i + 1) * 100)
    }
    expect(quick.ids().length).toBe(6000)
    expect(live.stats().pending_bytes).toBeLessThan(700_000)
    slow.webSocket.resume()
    const gap = await slow.until('gap')
    expect(slow.told.filter(({ type }) => type === 'backpressure').length).toBe(1)
    await store(many(1, 6000))
    await slow.untilEvents(6001 - (gap['missed'] as number))
    expect(slow.ids().at(-1)).toBe('e6000')
    expect(slow.ids().length + (gap['missed'] as number)).toBe(6001)
    expect(await metric('millrace_live_missed_total')).toBe(gap['missed'])
    expect(await metric('millrace_live_subscribers')).toBe(2)
  })

  it('and does not answer a ping is cut', async () => {
    const { socket, live } = await start({ config: { heartbeatMs: 100 } })
    const [dead, alive] = await Promise.all([socket(), socket()])
    dead.webSocket.pause()
    while (live.stats().connections.active > 1) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(alive.webSocket.readyState).toBe(WebSocket.OPEN)
  })
})

describe('a stop', () => {
  it('tells everyone, sends what is on its way, closes with 1001, and refuses who comes', async () => {
    const { socket, store, live, url } = await start()
    const seen = await socket()
    const sse = await fetch(`${url}/api/v1/live/sse`)
    await store(many(50))
    await seen.until('batch')
    const stopping = live.stop()
    expect(await refusedUpgrade(`${url}/api/v1/live`)).toMatchObject({ status: 503 })
    expect(await seen.closed).toEqual({ code: 1001, reason: 'the server stops' })
    expect(seen.told.at(-1)).toMatchObject({ type: 'shutdown' })
    expect(seen.ids().length).toBe(50)
    expect(await sse.text()).toContain('"type":"shutdown"')
    await stopping
    expect(live.stats().connections.active).toBe(0)
  })

  it('does not wait for readers that stopped', async () => {
    const { socket, store, stop } = await start({ config: { drainMs: 200 } })
    const seen = await socket()
    seen.webSocket.pause()
    for (let i = 0; i < 40; i++) await store(many(100).map((event) => ({ ...event, error_message: 'x'.repeat(2000) })))
    await stop()
    running = undefined
    seen.webSocket.resume()
    await seen.closed
  })
})

it('leaves a damaged record out, tells the gap, and goes on', async () => {
  const { socket, store, log } = await start()
  const seen = await socket()
  await store(many(1))
  await seen.untilEvents(1)
  const good = log.all('events')[0]!.value
  const bad = Uint8Array.from(good)
  bad[bad.length - 1]! ^= 1
  await log.append([{ topic: 'events', partition: 0, value: bad }], {}, new AbortController().signal)
  expect(await seen.until('gap')).toEqual({ type: 'gap', missed: 1 })
  await store(many(1, 1))
  await seen.untilEvents(2)
  const later = await socket('?fromTimestamp=0')
  await later.untilEvents(2)
  expect(later.told.map(({ type }) => type)).toEqual(['connected', 'event', 'gap', 'event'])
})
