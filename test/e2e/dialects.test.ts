import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { millrace } from '../../packages/protocol/src/gen/browser.gen.js'
import { filesWith } from '../support/files.ts'
import { ask, createInstance, getJson, type Instance } from '../support/instance.ts'
import { count, ledger, post, send, settled, storedEvent, why } from '../support/pipeline.ts'

const { EventBatch, EventBatchResponse } = millrace.v1

let instance: Instance
let collector: string
let api: string

beforeAll(async () => {
  instance = createInstance()
  ;({ collector, api } = await instance.start())
})
afterAll(() => instance.dispose())

const own = (id: string, more: object = {}) => ({ id, event_name: 'e', actor_id: 'ada', ...more })

/** What a describe has sent, by id; its last test looks all of it up, so that the way into the tables is waited for once. */
const sent = new Map<string, object>()
async function allAreInTheTables(): Promise<void> {
  for (const [id, columns] of sent) expect([id, await storedEvent(api, id)]).toMatchObject([id, columns])
  expect(sent.size).toBeGreaterThan(0)
  sent.clear()
}

describe('POST /v1/events', () => {
  const events = (form: string) => [own(`${form}-1`, { properties: { n: 1 } }), own(`${form}-2`)]
  const shapes: [form: string, body: (form: string) => string, type: string][] = [
    ['one', (form) => JSON.stringify(events(form)[0]), 'application/json'],
    ['array', (form) => JSON.stringify(events(form)), 'application/json'],
    ['wrapped', (form) => JSON.stringify({ batch_id: 'b-1', events: events(form) }), 'application/json'],
    [
      'ndjson',
      (form) =>
        events(form)
          .map((event) => `${JSON.stringify(event)}\n`)
          .join(''),
      'application/x-ndjson',
    ],
    [
      'lines',
      (form) =>
        events(form)
          .map((event) => JSON.stringify(event))
          .join('\n'),
      'application/json',
    ],
    ['text', (form) => JSON.stringify(events(form)), 'text/plain'],
  ]

  it.each(shapes)('takes events in the form: %s', async (form, body, type) => {
    const answer = await send(`${collector}/v1/events`, body(form), { 'content-type': type })
    const ids = form === 'one' ? [`${form}-1`] : [`${form}-1`, `${form}-2`]
    expect(answer).toEqual({
      success: true,
      stored: ids.length,
      duplicate: 0,
      dropped: 0,
      quarantined: 0,
      receipts: [],
    })
    const columns = { event_type: 'track', event_name: 'e', actor_id: 'ada', event_source: 'millrace' }
    for (const id of ids) sent.set(id, { id, ...columns, project: 'default', ns: 'default' })
  })

  it('answers with a receipt of what was not stored, and of all on request', async () => {
    const body = JSON.stringify([own('r-1'), own('r-1'), own('r-2', { timestamp: 'yesterday' }), own('array-1')])
    const brief = await send(`${collector}/v1/events`, body)
    expect(brief).toMatchObject({ success: true, stored: 1, duplicate: 2, dropped: 0, quarantined: 1 })
    expect(brief.receipts).toEqual([
      { index: 1, id: 'r-1', outcome: 'duplicate' },
      {
        index: 2,
        id: 'r-2',
        outcome: 'quarantined',
        reason: 'schema',
        issues: ['/timestamp: expected RFC 3339 or Unix ms, got string(9)'],
      },
      { index: 3, id: 'array-1', outcome: 'duplicate' },
    ])
    const response = await post(`${collector}/v1/events`, JSON.stringify([own('r-3'), own('r-1')]), {
      prefer: 'return=representation',
    })
    expect(response.headers.get('preference-applied')).toBe('return=representation')
    expect(await response.json()).toMatchObject({
      receipts: [
        { index: 0, id: 'r-3', outcome: 'stored' },
        { index: 1, id: 'r-1', outcome: 'duplicate' },
      ],
    })
  })

  it('keeps absent, zero, false, empty and null apart, in columns and in JSON', async () => {
    const properties = { zero: 0, no: false, empty: '', nothing: null, deep: { list: [1, 'a', null, { b: true }] } }
    await send(
      `${collector}/v1/events`,
      JSON.stringify(
        own('typed-1', { duration_ms: 0, timestamp: '2026-01-31T23:59:59.123+01:00', properties }),
      ).replace('2026-01-31T23:59:59.123+01:00', new Date(Date.now() - 3_600_000).toISOString().replace('Z', '+00:00')),
    )
    const event = await storedEvent(api, 'typed-1')
    expect(event).toMatchObject({ duration_ms: 0 })
    expect(event).not.toHaveProperty('vital_value')
    expect(event['properties']).toMatchObject({ zero: 0, no: false, empty: '' })
    const [row] = await ask(
      api,
      `SELECT duration_ms, vital_value, properties.zero::Int64 AS zero, properties.deep.list AS list FROM events WHERE id = 'typed-1'`,
    )
    expect(row).toMatchObject({ duration_ms: 0, vital_value: null, zero: '0' })
  })

  it('and all events are in the tables as they were sent', allAreInTheTables)

  it('gives an event without an id but with a time the same id again', async () => {
    const body = JSON.stringify({ event_name: 'no_id', timestamp: Date.now() - 1000, properties: { n: 7 } })
    expect(await send(`${collector}/v1/events`, body)).toMatchObject({ stored: 1 })
    expect(await send(`${collector}/v1/events`, body)).toMatchObject({ stored: 0, duplicate: 1 })
  })
})

describe('encodings', () => {
  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['identity', (text: string) => Buffer.from(text)],
  ] as const)('takes %s', async (encoding, encode) => {
    const body = encode(JSON.stringify([own(`enc-${encoding}`)]))
    expect(await send(`${collector}/v1/events`, body, { 'content-encoding': encoding })).toMatchObject({ stored: 1 })
    sent.set(`enc-${encoding}`, { event_name: 'e' })
  })

  it('and all events are in the tables', allAreInTheTables)
})

describe('Segment without its SDK', () => {
  const message = (id: string) => ({
    messageId: id,
    userId: 'ada',
    event: 'Short',
    name: 'Home',
    groupId: 'g',
    previousId: 'p',
  })
  it.each([
    ['t', 'Short'],
    ['i', 'identify'],
    ['p', 'page_view'],
    ['s', 'screen_view'],
    ['g', 'group'],
    ['a', 'alias'],
    ['track', 'Short'],
    ['identify', 'identify'],
    ['page', 'page_view'],
    ['screen', 'screen_view'],
    ['group', 'group'],
    ['alias', 'alias'],
  ])('takes /v1/%s as text/plain, as browsers send it', async (route, name) => {
    const id = `short-${route}`
    const answer = await send(`${collector}/v1/${route}`, JSON.stringify(message(id)), { 'content-type': 'text/plain' })
    expect(answer).toMatchObject({ stored: 1 })
    sent.set(id, { event_name: name, event_source: 'segment', actor_id: 'ada' })
  })

  it('and all events are in the tables', allAreInTheTables)

  it('takes /v1/b with the key in the body', async () => {
    const batch = ['b-1', 'b-2'].map((id) => ({ ...message(id), type: 'track' }))
    const body = JSON.stringify({ writeKey: 'whatever', sentAt: new Date().toISOString(), batch })
    expect(await send(`${collector}/v1/b`, body, { 'content-type': 'text/plain' })).toMatchObject({ stored: 2 })
    expect(JSON.stringify(await storedEvent(api, 'b-1'))).not.toContain('whatever')
  })

  it('corrects a wrong clock for the whole batch and keeps what the client said', async () => {
    const wrongBy = 7_200_000
    const at = Date.now() - wrongBy
    const batch = [0, 1000].map((offset, index) => ({
      ...message(`clock-${index}`),
      type: 'track',
      timestamp: new Date(at - 10_000 + offset).toISOString(),
    }))
    await send(`${collector}/v1/batch`, JSON.stringify({ sentAt: new Date(at).toISOString(), batch }))
    const [first, second] = [await storedEvent(api, 'clock-0'), await storedEvent(api, 'clock-1')]
    const time = (event: Record<string, unknown>) => Date.parse(event['timestamp'] as string)
    expect(time(second) - time(first)).toBe(1000)
    expect(Math.abs(time(first) + 10_000 - Date.now())).toBeLessThan(60_000)
    expect(first['context']).toMatchObject({ client_timestamp: batch[0]!.timestamp })
    expect((await why(api, 'clock-0')).steps.find(({ step }) => step === 'clock')?.note).toMatch(/moved by \d+ ms/)
  })
})

describe('the S0 batch', () => {
  const eventId = (n: number) => `evt_01JD4Z000000000000000000${String(n).padStart(2, '0')}`
  const user = 'usr_b9b1e7d2-7f0f-4c0c-9a3e-0f1f6f3a8d11'
  const payloads = [
    { pageView: { url: 'https://example.com/a?utm_source=x', title: 'A', loadTimeMs: 0, scrollDepthPct: 80 } },
    { searchEvent: { query: 'shoes', engine: 'own', resultCount: 3 } },
    { aiInteraction: { conversationId: 'c-1', taskType: 'chat', model: 'm', inputTokens: 10, latencyMs: 90 } },
    { navigation: { urlFrom: 'https://example.com/', urlTo: 'https://example.com/b', trigger: 1 } },
    { performance: { metricName: 3, value: 0, url: 'https://example.com/' } },
    { adEvent: { adId: 'ad-1', campaignId: 'cam-1', placement: 'top', action: 3, revenueMicros: 1_500_000 } },
  ]
  const batch = (from: number) => ({
    batchId: `batch-${from}`,
    seqNumber: from + 1,
    deviceId: 'device-1',
    sdkVersion: '1.2.3',
    sentAt: Date.now(),
    events: payloads.map((payload, at) => ({
      eventId: eventId(from + at),
      userId: user,
      sessionId: 5,
      timestamp: Date.now() - 1000,
      ...payload,
    })),
  })
  const expected = [
    { event_type: 'page', event_name: 'page_view', http_host: 'example.com', duration_ms: 0, campaign_source: 'x' },
    { event_type: 'track', event_name: 'search_performed', page_search: 'shoes' },
    { event_name: 'ai_interaction', correlation_id: 'c-1', duration_ms: 90, visibility: 'restricted' },
    { event_name: 'navigation', http_url: 'https://example.com/b', nav_type: 'link' },
    { event_type: 'vital', event_name: 'CLS', vital_name: 'CLS', vital_value: 0 },
    { event_name: 'ad.click', resource_type: 'ad', resource_id: 'ad-1', campaign_id: 'cam-1' },
  ]

  it('in protobuf and gzip has its six payloads in their columns, and is answered in protobuf', async () => {
    const bytes = gzipSync(EventBatch.encode(batch(0)).finish())
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' }
    for (const told of [
      { accepted: 6, duplicates: 0 },
      { accepted: 0, duplicates: 6 },
    ]) {
      const response = await post(`${collector}/v1/events/batch`, bytes, headers)
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-protobuf'])
      const answer = EventBatchResponse.decode(new Uint8Array(await response.arrayBuffer()))
      expect(answer).toMatchObject({ batchId: 'batch-0', ...told, rejected: [] })
    }
    for (const [at, columns] of expected.entries())
      expect(await storedEvent(api, eventId(at))).toMatchObject({
        ...columns,
        anonymous_id: user,
        session_id: '5',
        client_version: '1.2.3',
        event_source: 's0',
        context: { device_id: 'device-1' },
      })
  })

  it('in JSON gives the same columns, and names each rejected event', async () => {
    const { events, ...rest } = batch(10)
    const body = JSON.stringify({ ...rest, events: [...events, { eventId: eventId(20), timestamp: Date.now() }] })
    const response = await post(`${collector}/v1/events/batch`, body)
    expect(response.status).toBe(200)
    const answer = (await response.json()) as { rejected: { issues: string[] }[] }
    expect(answer.rejected[0]?.issues[0]).toMatch(/^\/: no payload, expected one of page_view, /)
    expect(answer).toMatchObject({
      accepted: 6,
      duplicates: 0,
      rejected: [{ index: 6, reason: 'quarantined: schema' }],
    })
    for (const [at, columns] of expected.entries())
      expect(await storedEvent(api, eventId(10 + at))).toMatchObject(columns)
  })
})

describe('quarantine', () => {
  const secret = 'Zx9-plain-secret-of-a-person-Qw7'
  const canary = 'Zx9-stored-canary-Qw7'

  it('lists what was kept with pointers, reasons and shapes, page by page, and no string of it', async () => {
    const before = (await settled(api)).sums.quarantined
    await send(
      `${collector}/v1/events`,
      JSON.stringify([
        own('q-good', { actor_name: canary }),
        own('q-time', { actor_name: secret, timestamp: secret }),
        own('q-type', { event_type: secret, properties: { note: secret, [`${secret} ${secret}`]: 1 } }),
        own('q-number', { duration_ms: secret, http_url: `https://x.example/${secret}?q=${secret}` }),
      ]),
    )
    await send(
      `${collector}/v1/track`,
      JSON.stringify({ messageId: 'q-segment', event: { name: secret }, traits: secret, userId: secret }),
    )
    const { sums } = await settled(api)
    expect(sums.quarantined - before).toBe(4)
    const page = await getJson<{ items: Record<string, unknown>[]; next: string | null }>(
      `${api}/api/v1/quarantine?limit=3`,
    )
    expect(page.body.items).toHaveLength(3)
    const rest = await getJson<typeof page.body>(`${api}/api/v1/quarantine?limit=3&cursor=${page.body.next}`)
    const items = new Map([...page.body.items, ...rest.body.items].map((item) => [item['id'], item]))
    expect(items.get('q-time')).toMatchObject({
      source: 'millrace',
      reason: 'schema',
      issues: [`/timestamp: expected RFC 3339 or Unix ms, got string(${secret.length})`],
      redacted: { id: '<string 6>', actor_name: `<string ${secret.length}>` },
    })
    const issues = (id: string) => items.get(id)?.['issues'] as string[]
    expect(issues('q-type')[0]).toMatch(/^\/event_type: /)
    expect(issues('q-number')).toEqual([expect.stringMatching(/^\/duration_ms: /)])
    expect(items.get('q-segment')).toMatchObject({ source: 'segment' })
    expect(issues('q-segment').map((issue) => issue.split(':')[0])).toEqual(
      expect.arrayContaining(['/traits', '/event']),
    )
    expect(JSON.stringify([page, rest])).not.toContain('Zx9')
    const filtered = await getJson<typeof page.body>(`${api}/api/v1/quarantine?source=segment&reason=schema`)
    expect(filtered.body.items.map(({ id }) => id)).toEqual(['q-segment'])
  })

  it('tells in `why` which step refused it, and the outcome and issues are in the tables', async () => {
    const told = await why(api, 'q-time')
    expect(told).toMatchObject({ outcome: 'quarantined', reason: 'schema' })
    expect(told.steps.at(-1)).toMatchObject({ step: 'validate', verdict: 'quarantine' })
    expect(await count(api, `id = 'q-time' AND outcome = 'quarantined' AND length(issues) = 1`, 'outcomes')).toBe(1)
    expect(await count(api, `id = 'q-time'`)).toBe(0)
  })

  it('does not occupy the id: the same event made right is stored', async () => {
    expect(await send(`${collector}/v1/events`, JSON.stringify(own('q-time')))).toMatchObject({ stored: 1 })
    await storedEvent(api, 'q-time')
    expect((await why(api, 'q-time')).outcome).toBe('stored')
  })

  it('holds no secret in plain: not in the log, the tables, the index, the run files or the logs', async () => {
    await settled(api)
    const { stored } = (await ledger(api)).sums
    expect(await instance.stop()).toBe(0)
    expect(filesWith(instance.dataDir, canary)).not.toEqual([]) // the search finds what is there
    expect(filesWith(instance.dataDir, secret)).toEqual([])
    expect(filesWith(instance.dataDir, Buffer.from(secret).toString('base64').slice(0, -4))).toEqual([])
    expect(instance.log()).not.toContain('Zx9')
    ;({ collector, api } = await instance.start())
    expect((await settled(api)).sums.stored).toBe(stored)
  })
})

describe('POST /v1/recommendations and /v1/platform-events', () => {
  const hash = 'ab'.repeat(32)
  const request = '0b8f2f4e-3c1d-4a5b-9e6f-7a8b9c0d1e2f'
  const now = Date.now()
  const common = { timestamp_ms: now, request_id: request, user_id: hash }

  it('stores the events of a recommender under their join keys, once, and keeps out personal data', async () => {
    const events = [
      { ...common, event_type: 'request', experiment_id: 'hybrid_v1', bucket: 'control', k: 1, filters: {} },
      { ...common, event_type: 'impression', canonical_id: 'tt1', position: 1, visible_ms: 0, surface: 'home' },
      { ...common, event_type: 'click', canonical_id: 'tt1', engagement_type: 'play', dwell_ms: 0 },
      { ...common, event_type: 'click', canonical_id: 'tt1', engagement_type: 'play', dwell_ms: 7 },
      {
        ...common,
        event_type: 'click',
        canonical_id: 'tt2',
        engagement_type: 'play',
        dwell_ms: 7,
        email: 'ada@example.com',
      },
      {
        timestamp_ms: now,
        event_type: 'error',
        component: 'ranker',
        severity: 'error',
        error_code: 'E1',
        message: 'm',
      },
    ]
    const answer = await send(`${collector}/v1/recommendations`, JSON.stringify({ events }))
    expect(answer).toMatchObject({ stored: 4, duplicate: 1, quarantined: 1 })
    expect(answer.receipts[1]).toMatchObject({
      index: 4,
      issues: ['/email: personal data (class high) is not taken here; leave it out or hash it'],
    })
    expect(await send(`${collector}/v1/recommendations`, JSON.stringify({ events }))).toMatchObject({ stored: 0 })
    const all = { correlation_id: request, actor_id: hash, event_source: 'recommendations' }
    sent.set(`recommendation_request_${request}`, { ...all, ab_test_id: 'hybrid_v1', ab_variant: 'control' })
    const item = { ...all, resource_type: 'item', resource_id: 'tt1' }
    sent.set(`recommendation_impression_${request}_tt1`, {
      ...item,
      properties: { position: 1, visible_ms: 0, surface: 'home' },
    })
    sent.set(`recommendation_click_${request}_tt1_play`, {
      ...item,
      properties: { engagement_type: 'play', dwell_ms: 0 },
    })
  })

  it('stores platform events under their own source, kept as long as their category says', async () => {
    const event = {
      event_id: 'pe-1',
      event_type: 'payment.completed',
      user_id: 'u-1',
      event_data: { amount: 0 },
      metadata: { ip_address: '203.0.113.9', page_url: 'https://app.example/pay' },
      source: 'api',
      timestamp: new Date(now).toISOString(),
    }
    expect(await send(`${collector}/v1/platform-events`, JSON.stringify([event, event]))).toMatchObject({
      stored: 1,
      duplicate: 1,
    })
    sent.set('pe-1', {
      event_name: 'payment.completed',
      event_source: 'api',
      actor_id: 'u-1',
      data: { amount: 0 },
      context: { page_url: 'https://app.example/pay' },
      labels: { category: 'transaction' },
      expires_at: new Date(Math.floor(now / 1000) * 1000 + 2555 * 86_400_000).toISOString(),
    })
  })

  it('has them all in the tables', allAreInTheTables)
})

it('where no key is asked for, one that is sent is a word like any other', async () => {
  const event = { id: 'analytics-1', event_name: 'analytics opened', actor_id: 'ada' }
  await send(`${collector}/v1/events?writeKey=analytics`, JSON.stringify(event))
  expect(await storedEvent(api, 'analytics-1')).toMatchObject(event)
})
