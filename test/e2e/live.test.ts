import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSocket, readSse, refusedUpgrade } from '../../packages/server/src/api/live/live.fixture.ts'
import { cli } from '../support/cli.ts'
import { ask, createInstance, eventually, getJson, type Instance, pause } from '../support/instance.ts'

let instance: Instance
let api: string
let collector: string

beforeAll(async () => {
  instance = createInstance({ env: { MILLRACE_API_LIVE_DRAIN_MS: '2000' } })
  ;({ api, collector } = await instance.start())
})
afterAll(() => instance.dispose())

const send = async (events: readonly object[], headers: Record<string, string> = {}) => {
  const response = await fetch(`${collector}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(events),
  })
  expect(response.status).toBe(200)
}
const post = async (path: string, body: unknown) => {
  const response = await fetch(api + path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
const named = (id: string, event_name: string, more: object = {}) => ({ id, event_name, ...more })

describe('a subscriber', () => {
  it('sees an event as the tables will hold it, and nothing historical', async () => {
    const seen = await openSocket(`${api}/api/v1/live?topic=track.Seen`)
    await seen.until('connected')
    const old = new Date(Date.now() - 60 * 86_400_000).toISOString()
    await send([named('old', 'Seen', { timestamp: old })], { 'x-millrace-historical': '1' })
    await send([
      named('seen', 'Seen', { price: 12.5, actor_id: 'ada', timestamp: Date.now(), db_lsn: '9007199254740993' }),
    ])
    await seen.untilEvents(1)
    expect(seen.ids()).toEqual(['seen'])
    const stored = await eventually(async () => {
      const answer = await getJson(`${api}/api/v1/events/seen`)
      return answer.status === 200 ? answer.body : undefined
    })
    const { day: _, hour: __, expires_at: storedExpiry, ...columns } = stored
    const { expires_at: expiry, ...live } = seen.events()[0]!.event
    expect(live).toEqual(columns)
    expect(Date.parse(String(expiry)) - Date.parse(String(storedExpiry))).toBeLessThan(1000)
    seen.webSocket.close()
  })

  it('goes on with its cursor after the worker was killed, without a gap or a repetition', async () => {
    const before = await openSocket(`${api}/api/v1/live?topic=track.Kill`)
    await before.until('connected')
    let number = 0
    const some = () => send(Array.from({ length: 10 }, () => named(`kill-${number++}`, 'Kill')))
    for (let i = 0; i < 10; i++) await some()
    await before.untilEvents(100)
    instance.kill9('worker')
    expect((await before.closed).code).toBe(1006)
    for (let i = 0; i < 10; i++) await some()
    const { cursor } = before.events().at(-1)!
    const after = await eventually(
      () => openSocket(`${api}/api/v1/live?topic=track.Kill&lastEventId=${cursor}`).catch(() => undefined),
      30_000,
    )
    await some()
    await after.untilEvents(110)
    await pause(200)
    expect([...before.ids(), ...after.ids()]).toEqual(Array.from({ length: 210 }, (_, at) => `kill-${at}`))
    after.webSocket.close()
  })

  it('is one of a hundred, each with a filter of its own', async () => {
    const seen = await Promise.all(
      Array.from({ length: 100 }, (_, at) =>
        openSocket(`${api}/api/v1/live?topic=track.Hundred&filter=${encodeURIComponent(`actor_id=u${at}`)}`),
      ),
    )
    await Promise.all(seen.map((each) => each.until('connected')))
    for (let i = 0; i < 10; i++)
      await send(Array.from({ length: 200 }, (_, at) => named(`h-${i}-${at}`, 'Hundred', { actor_id: `u${at % 100}` })))
    await Promise.all(seen.map((each) => each.untilEvents(20)))
    for (const [at, each] of seen.entries()) {
      expect(each.events().every(({ event }) => event['actor_id'] === `u${at}`)).toBe(true)
      each.webSocket.close()
    }
    await eventually(async () => {
      const metrics = await (await fetch(`${api}/metrics`)).text()
      return /^millrace_live_subscribers(\{.*\})? 0$/m.test(metrics) || undefined
    })
  })

  it('by server-sent events comes back to any event by its id', async () => {
    await send([named('id-1', 'Ids'), named('id-2', 'Ids'), named('id-3', 'Ids')])
    for (let turn = 0; turn < 2; turn++) {
      const seen = await readSse(`${api}/api/v1/live/sse?topic=track.Ids&lastEventId=id-1`, 2)
      const events = seen[1]!.data['events'] as { event: { id: string } }[]
      expect(events.map(({ event }) => event.id)).toEqual(['id-2', 'id-3'])
      // First while it is only in the log, perhaps; then surely from the table.
      await eventually(async () => (await ask(api, "SELECT 1 FROM events WHERE id = 'id-3'")).length > 0 || undefined)
    }
  })

  it('to _errors is told what was refused and why, with nothing of the event, and nobody else is', async () => {
    const [errors, all, tier] = await Promise.all([
      openSocket(`${api}/api/v1/live?topic=_errors`),
      openSocket(`${api}/api/v1/live?filter=${encodeURIComponent('id~^refused')}`),
      openSocket(`${api}/events?topic=_errors`),
    ])
    const sse = readSse(`${api}/api/v1/live/sse?topic=_errors`, 2)
    const tail = cli(['tail', '--url', api, '--topic', '_errors', '--limit', '1', '--output', 'table'])
    await Promise.all([errors, all, tier].map((each) => each.until('connected')))
    await eventually(async () => {
      const { body } = await getJson(`${api}/metrics`, { accept: 'application/json' })
      return (body['topicStats'] as Record<string, number>)['_errors'] === 4 || undefined
    })
    await send([named('refused-1', 'Refused', { timestamp: 'ada@example.com' }), named('refused-not', 'Refused')])
    await Promise.all([errors, all, tier].map((each) => each.untilEvents(1)))
    const told = {
      type: 'event',
      topic: '_errors',
      event: {
        id: 'refused-1',
        project: 'default',
        event_source: 'millrace',
        received_at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        outcome: 'quarantined',
        reason: 'schema',
        issues: [expect.stringMatching(/^\/timestamp: /) as string],
      },
    }
    expect([errors.events(), tier.events()]).toEqual([[told], [told]])
    expect((await sse)[1]).toEqual({ id: undefined, data: told })
    expect((await tail).stdout).toMatch(/schema.*\/timestamp: .*millrace.*refused-1/)
    expect(JSON.stringify(errors.told)).not.toContain('ada@')
    expect(all.ids()).toEqual(['refused-not'])
    for (const each of [errors, all, tier]) each.webSocket.close()
  })

  it('with a page of another site as its origin is none', async () => {
    expect(await refusedUpgrade(`${api}/api/v1/live`, { origin: 'https://evil.example' })).toMatchObject({
      status: 403,
    })
  })
})

describe('a live query', () => {
  it('answers again when its answer has changed in the tables', async () => {
    const seen = await openSocket(`${api}/events?topic=track.never`)
    seen.say({
      type: 'query',
      id: 'count',
      sql: "select count() as n from events where event_type = 'track' and event_name = {name:String}",
      params: { name: 'Live Query' },
    })
    expect(await seen.until('query_result')).toMatchObject({ id: 'count', rows: [{ n: '0' }] })
    await send([named('lq-1', 'Live Query'), named('lq-2', 'Live Query')])
    expect(await seen.until('query_result', 2)).toMatchObject({ rows: [{ n: '2' }] })
    seen.say({ type: 'query', id: 'bad', sql: "select * from file('/etc/passwd')" })
    expect(await seen.until('query_error')).toMatchObject({ id: 'bad', code: 'query_refused' })
    seen.webSocket.close()
  })
})

describe('the hot tier', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c'

  it('takes a broadcast to its topic, once, and stores it', async () => {
    const seen = await openSocket(`${api}/events?topic=orders.*`)
    await seen.until('connected')
    const event = { id: 'order-1', type: 'created', payload: { total: 5 }, timestamp: Date.now() }
    expect(await post('/broadcast', { topic: 'orders.created', event })).toEqual({
      status: 200,
      body: { success: true, id: 'order-1', outcome: 'stored' },
    })
    expect(await post('/broadcast', { topic: 'orders.created', event })).toMatchObject({
      body: { outcome: 'duplicate' },
    })
    await seen.untilEvents(1)
    expect(seen.events()[0]).toMatchObject({
      topic: 'orders.created',
      event: { id: 'order-1', event_name: 'created', data: { total: 5 } },
    })
    seen.webSocket.close()
  })

  it('takes a unified event, and refuses what is none', async () => {
    const event = {
      id: 'span-1',
      event_type: 'trace',
      event_name: 'GET /',
      trace_id: trace,
      span_id: '00f067aa0ba902b7',
    }
    expect(await post('/broadcast', event)).toMatchObject({
      status: 200,
      body: { success: true, id: 'span-1', event_type: 'trace' },
    })
    for (const [body, code] of [
      ['{', 'malformed'],
      ['[]', 'malformed'],
      [{ topic: 'a..b' }, 'CONSECUTIVE_DOTS'],
      [{ topic: 'a.*' }, 'INVALID_WILDCARD'],
      [{ event: 5 }, 'malformed'],
      [{ event_type: 'dance' }, 'malformed'],
      [{ event_name: 'a trace without its ids' }, 'schema'],
    ] as const)
      expect([body, await post('/broadcast', body)]).toEqual([
        body,
        { status: 400, body: expect.objectContaining({ code }) as object },
      ])
  })

  it('is asked by trace, by session, by columns and by SQL in the cage', async () => {
    await send([
      named('hot-1', 'Hot', { session_id: 'hot-session', ns: 'hot', timestamp: Date.now() - 600_000 }),
      named('hot-2', 'Hot', { session_id: 'hot-session', ns: 'hot', timestamp: Date.now() - 200_000 }),
    ])
    const ids = (body: Record<string, unknown>) => (body['events'] as { id: string }[]).map(({ id }) => id)
    await eventually(async () => (await ask(api, "SELECT 1 FROM events WHERE id = 'hot-2'")).length > 0 || undefined)
    const session = await getJson(`${api}/query/session?session_id=hot-session`)
    expect([ids(session.body), session.body['count']]).toEqual([['hot-1', 'hot-2'], 2])
    expect(ids((await getJson(`${api}/query/trace?trace_id=${trace}`)).body)).toEqual(['span-1'])
    expect(ids((await post('/query/unified', { ns: 'hot', limit: 1 })).body)).toEqual(['hot-2'])
    expect(ids((await post('/query/unified', { ns: 'hot', timestamp_after: Date.now() - 400_000 })).body)).toEqual([
      'hot-2',
    ])
    const sql = await post('/query', { sql: "SELECT count() AS n FROM events WHERE ns = 'hot'" })
    expect(sql).toMatchObject({ status: 200, body: { rows: [{ n: '2' }] } })
    expect((await post('/query', { query: 'DROP TABLE events' })).status).toBe(403)
    expect((await post('/query', {})).status).toBe(400)
    expect((await getJson(`${api}/query/trace`)).status).toBe(400)
    expect((await post('/query/unified', { nope: 1 })).status).toBe(400)
    expect((await getJson(`${api}/stats`)).body).toMatchObject({ connections: { limit: 10_000 } })
  })
})

it('shows its measures as JSON to who asks for it, and as Prometheus text under both names to everybody else', async () => {
  const seen = await openSocket(`${api}/events?topic=measured.*&topic=other`)
  await seen.until('connected')
  const { body } = await getJson(`${api}/metrics`, { accept: 'application/json' })
  expect(body).toMatchObject({
    activeConnections: 1,
    totalConnections: expect.any(Number) as number,
    messagesSent: expect.any(Number) as number,
    messagesPerSecond: expect.any(Number) as number,
    errorCount: expect.any(Number) as number,
    topicStats: { 'measured.*': 1, other: 1 },
  })
  expect(Object.keys(body['latency'] as object)).toEqual(['p50', 'p95', 'p99'])
  for (const accept of ['*/*', 'text/plain', 'text/plain;version=0.0.4, application/json;q=0.5']) {
    const text = await (await fetch(`${api}/metrics`, { headers: { accept } })).text()
    expect(text).toMatch(/^millrace_live_subscribers(\{.*\})? 1$/m)
    expect(text).toMatch(/^eventstream_connections_active(\{.*\})? 1$/m)
    for (const name of ['connections', 'messages', 'errors'])
      expect(text).toMatch(new RegExp(`^eventstream_${name}_total`, 'm'))
  }
  seen.webSocket.close()
})

describe('millrace tail', () => {
  const tail = (...args: string[]) => cli(['tail', '--url', api, ...args])

  it('shows events by filter and topic, each once, and ends after --limit', async () => {
    await send([1, 2, 3].map((at) => named(`t-${at}`, 'Tailed', { price: at })))
    const shown = await tail(
      '--since',
      '10m',
      '--topic',
      'track.*',
      '--filter',
      "event_name = 'Tailed'",
      '--filter',
      'properties.price>1',
      '--limit',
      '2',
    )
    expect(shown.code).toBe(0)
    const rows = shown.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id)
    expect(rows).toEqual(['t-2', 't-3'])
    expect(shown.stderr).toContain('2 events shown, 0 missed')
  })

  it('goes on when the API was away, and says so', async () => {
    const running = cli(['tail', '--url', api, '--filter', 'event_name=Away', '--since', '1s', '--limit', '20'])
    await send(Array.from({ length: 10 }, (_, at) => named(`away-${at}`, 'Away')))
    await pause(1500)
    instance.kill9('worker')
    await send(Array.from({ length: 10 }, (_, at) => named(`away-${at + 10}`, 'Away')))
    const shown = await running
    const rows = shown.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id)
    expect(rows).toEqual(Array.from({ length: 20 }, (_, at) => `away-${at}`))
    expect(shown.stderr).toMatch(/20 events shown, 0 missed, \d+ reconnects?/)
  })

  it('shows what was not admitted, and what was dropped', async () => {
    await eventually(async () => (await fetch(`${api}/health/ready`).catch(() => undefined))?.ok || undefined, 30_000)
    await send([named('bad', 'Bad', { timestamp: '2020-01-01T00:00:00Z' })])
    const shown = await tail('--stage', 'quarantined', '--since', '10m', '--filter', 'id=bad', '--limit', '1')
    expect(JSON.parse(shown.stdout)).toMatchObject({ id: 'bad', reason: 'schema' })
    await send([named('expired', 'Expired', { timestamp: '2001-01-01T00:00:00Z' })], { 'x-millrace-historical': '1' })
    const dropped = await tail('--stage', 'dropped', '--since', '10m', '--filter', 'reason=expired', '--limit', '1')
    expect(JSON.parse(dropped.stdout)).toMatchObject({ id: 'expired', outcome: 'dropped' })
  })

  it.each([
    [['--filter', 'nope=1'], /no column "nope"/],
    [['--filter', 'event_name'], /expected <column><op><value>/],
    [['--topic', 'a..b'], /two dots/],
    [['--stage', 'lost'], /--stage "lost"/],
    [['--stage', 'dropped', '--topic', 'a'], /--topic is for stored events/],
  ])('refuses %j with 2 and the reason', async (args, reason) => {
    const refused = await tail(...args)
    expect([refused.code, refused.stdout]).toEqual([2, ''])
    expect(refused.stderr).toMatch(reason)
  })
})

it('a stop tells subscribers and closes with 1001', async () => {
  const seen = await openSocket(`${api}/api/v1/live`)
  await seen.until('connected')
  const stopped = instance.stop()
  expect((await seen.closed).code).toBe(1001)
  expect(seen.told.at(-1)).toMatchObject({ type: 'shutdown' })
  expect(await stopped).toBe(0)
})
