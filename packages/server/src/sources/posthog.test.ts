import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import lz from 'lz-string'
import { PostHog } from 'posthog-node'
import { afterEach, describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import type { Authenticate } from '../core/principal.ts'
import { type CollectorSettings, type RunningCollector, startCollector } from '../testing/collector.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function open(settings: CollectorSettings = {}): Promise<RunningCollector> {
  const collector = await startCollector(settings)
  cleanups.push(collector.stop)
  return collector
}

const keys: Authenticate = ({ key, scope }) => {
  if (key !== 'phc_right' && key !== 'boss') throw new PipelineError('unauthorized', 'this key is not known')
  if (key === 'phc_right' && scope !== 'write') throw new PipelineError('forbidden', 'a write key')
  return { project: `project of ${key}`, scope: key === 'boss' ? 'admin' : 'write', keyId: key }
}

const event = { event: 'Bought', uuid: 'e1', distinct_id: 'ada', properties: { price: 0, name: 'Käse+Brot=ok' } }
const batch = { api_key: 'phc_right', batch: [event], sent_at: '2026-01-01T00:00:00.000Z' }
const json = JSON.stringify(batch)
const base64 = Buffer.from(json).toString('base64')
const form = 'application/x-www-form-urlencoded'
const bytes = (text: string) => Buffer.from(text)

describe('a v0 body', () => {
  it.each<[string, string, string, Buffer, Record<string, string>]>([
    ['JSON', '/batch/', 'application/json', bytes(json), {}],
    ['JSON as text', '/e/', 'text/plain', bytes(json), {}],
    ['JSON of no type', '/i/v0/e/', '', bytes(json), {}],
    ['gzip that says so', '/batch/', 'application/json', gzipSync(json), { 'content-encoding': 'gzip' }],
    ['gzip-js', '/e/?compression=gzip-js&ver=1.2.3', 'text/plain', gzipSync(json), {}],
    ['gzip that nobody declares', '/i/v0/e/', 'text/plain', gzipSync(json), {}],
    ['gzip as bytes', '/capture/', 'application/octet-stream', gzipSync(json), {}],
    ['base64', '/e/?compression=base64', 'text/plain', bytes(base64), {}],
    ['base64 of gzip', '/track/', 'text/plain', bytes(gzipSync(json).toString('base64')), {}],
    ['a form of base64', '/e/?compression=base64', form, bytes(`data=${encodeURIComponent(base64)}`), {}],
    ['a form whose base64 is not escaped', '/e/', form, bytes(`data=${base64}`), {}],
    ['a form of JSON', '/track/', form, bytes(`ip=1&data=${encodeURIComponent(json)}&ver=1`), {}],
    [
      'a form with another field of that ending',
      '/e/',
      form,
      bytes(`metadata=x&data=${base64.replaceAll('+', ' ')}`),
      {},
    ],
    ['a form that is sent as text', '/e/', 'text/plain', bytes(`data=${encodeURIComponent(base64)}`), {}],
    ['lz-string', '/e/?compression=lz64', 'text/plain', bytes(lz.compressToBase64(json)), {}],
    [
      'a form of lz-string',
      '/e/',
      form,
      bytes(`compression=lz64&data=${encodeURIComponent(lz.compressToBase64(json))}`),
      {},
    ],
    ['in the URL', `/e/?data=${encodeURIComponent(base64)}`, form, bytes(''), {}],
  ])('is taken as %s', async (_form, path, type, body, headers) => {
    const { url, batches } = await open({ authenticate: keys })
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { ...headers, ...(type !== '' && { 'content-type': type }) },
      body: new Uint8Array(body),
    })
    expect([answer.status, await answer.json()]).toMatchObject([200, { status: 1, stored: 1 }])
    expect(batches[0]).toMatchObject({ project: 'project of phc_right', source: 'posthog', sentAt: 1767225600000 })
    expect(batches[0]?.events.map(({ columns, issues }) => ({ columns, issues }))).toEqual([
      {
        columns: {
          id: 'e1',
          actor_id: 'ada',
          event_type: 'track',
          event_name: 'Bought',
          properties: { price: 0, name: 'Käse+Brot=ok' },
        },
        issues: undefined,
      },
    ])
  })

  it.each(['/batch', '/e', '/i/v0/e', '/capture', '/track', '/engage', '/s', '/i/v0/ai/batch'])(
    'is taken at %s, with and without a slash at the end, one event, several, or a batch',
    async (path) => {
      const { url, batches } = await open()
      for (const each of [path, `${path}/`]) {
        for (const body of [event, [event, event], { batch: [event] }]) {
          const answer = await fetch(url + each, { method: 'POST', body: JSON.stringify(body) })
          expect(answer.status).toBe(200)
        }
      }
      expect(batches.map(({ events }) => events.length)).toEqual([1, 2, 1, 1, 2, 1])
    },
  )

  it.each<[string, string, string, Buffer]>([
    ['gzip', '/e/', 'text/plain', gzipSync(Buffer.alloc(50_000_000, 0x20))],
    ['gzip in base64', '/e/', 'text/plain', bytes(gzipSync(Buffer.alloc(50_000_000)).toString('base64'))],
    [
      'gzip in a form',
      '/e/',
      form,
      bytes(`data=${encodeURIComponent(gzipSync(Buffer.alloc(50_000_000)).toString('base64'))}`),
    ],
    ['lz-string', '/e/?compression=lz64', 'text/plain', bytes(lz.compressToBase64('A'.repeat(300_000)))],
  ])('that is a bomb of %s is 413', async (_what, path, type, body) => {
    const { url, batches } = await open({ limits: { maxBodyBytes: 250_000 } })
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': type },
      body: new Uint8Array(body),
    })
    expect([answer.status, await answer.json()]).toMatchObject([413, { code: 'too_large' }])
    expect(batches).toEqual([])
  })

  it('counts by what it inflates to against what the listener may hold, not by what was sent', async () => {
    const { url } = await open({ limits: { maxBytesInFlight: 1_000_000 } })
    const body = gzipSync(JSON.stringify({ ...event, properties: { text: 'x'.repeat(2_000_000) } }))
    expect(body.length).toBeLessThan(10_000)
    const answer = await fetch(`${url}/e/`, { method: 'POST', body: new Uint8Array(body) })
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: 'unavailable' }])
    expect((await fetch(`${url}/e/`, { method: 'POST', body: json })).status).toBe(200)
  })

  it('of lz-string is taken up to a megabyte, since no more of it can be read in a moment', async () => {
    const { url } = await open()
    const body = 'A'.repeat(1_000_001)
    const answer = await fetch(`${url}/e/?compression=lz64`, { method: 'POST', body })
    expect([answer.status, await answer.json()]).toMatchObject([413, { details: { maxBytes: 1_000_000 } }])
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['a word', 'hello'],
    ['cut gzip', gzipSync(json).subarray(0, 40).toString('latin1')],
    ['cut JSON', json.slice(0, 40)],
    ['a form of nothing', 'data='],
    ['a batch that is none', '{"batch":{}}'],
  ])('that is %s is 400, with what is wrong', async (_what, body) => {
    const { url, batches } = await open()
    const answer = await fetch(`${url}/e/`, { method: 'POST', body: Buffer.from(body, 'latin1') })
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'malformed', detail: expect.any(String) }])
    expect(batches).toEqual([])
  })

  it('with a wrong key or none is 401, and the key is in no answer', async () => {
    const { url, batches } = await open({ authenticate: keys })
    for (const body of [{ api_key: 'phc_wrong', batch: [event] }, [event]]) {
      const answer = await fetch(`${url}/batch/`, { method: 'POST', body: JSON.stringify(body) })
      expect(answer.status).toBe(401)
      expect(await answer.text()).not.toContain('phc_wrong')
    }
    expect(batches).toEqual([])
  })

  it('of old events is one only with an admin key', async () => {
    const { url, batches } = await open({ authenticate: keys })
    for (const key of ['phc_right', 'boss']) {
      const body = JSON.stringify({ api_key: key, historical_migration: true, batch: [event] })
      expect((await fetch(`${url}/batch/`, { method: 'POST', body })).status).toBe(200)
    }
    expect(batches.map(({ historical }) => historical)).toEqual([undefined, true])
  })

  it('that may come later is 503 with Retry-After, never a 4xx, which browsers take for final', async () => {
    const busy = new PipelineError('rate_limited', 'too fast', { retryAfterSeconds: 7 })
    const { url } = await open({ accept: () => Promise.reject(busy), limits: { bodyStallMs: 100 } })
    const answer = await fetch(`${url}/e/`, { method: 'POST', body: json })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7'])
    expect(await answer.json()).toMatchObject({ status: 503, code: 'rate_limited' })
    const slow = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array([0x7b]))
      },
    })
    const late = await fetch(`${url}/e/`, { method: 'POST', body: slow, duplex: 'half' })
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, '1'])
  })

  it('of which some are not stored is 503, and says which', async () => {
    const { url } = await open({ decide: (index) => (index === 1 ? { outcome: 'retry' } : {}) })
    const answer = await fetch(`${url}/batch/`, { method: 'POST', body: JSON.stringify({ batch: [event, event] }) })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await answer.json()).toMatchObject({ stored: 1, retry: 1, receipts: [{ index: 1, outcome: 'retry' }] })
  })
})

describe('v1', () => {
  const path = '/i/v1/analytics/events'
  const uuids = ['0198f7a2-7f5c-7c1e-b1f0-3d9f6d2a4c11', '0198F7A2-7f5c-7c1e-b1f0-3d9f6d2a4c12', 'u3', 'u4', 'u5']
  const sent = {
    created_at: '2026-01-01T00:00:00.000Z',
    batch: uuids.map((uuid) => ({ event: 'x', uuid, distinct_id: 'd', timestamp: '2026-01-01T00:00:00.000Z' })),
  }
  const send = (url: string, body: unknown = sent, headers: object = {}) =>
    fetch(url + path, {
      method: 'POST',
      headers: {
        authorization: 'Bearer phc_right',
        'content-type': 'application/json',
        'posthog-sdk-info': 'posthog-rs/1.2.3',
        'posthog-request-timestamp': '2026-01-01T00:00:05Z',
        ...headers,
      },
      body: JSON.stringify(body),
    })

  it('has a result for each event, under its uuid as it was written', async () => {
    const outcomes = [
      {},
      { outcome: 'duplicate' },
      { outcome: 'dropped', reason: 'gpc' },
      { outcome: 'quarantined', reason: 'schema', issues: ['/timestamp: 40 days old, at most 30'] },
      { outcome: 'retry', reason: 'unavailable' },
    ] as const
    const { url, batches } = await open({ authenticate: keys, decide: (index) => outcomes[index] ?? {} })
    const answer = await send(url)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([200, '1'])
    expect(await answer.json()).toEqual({
      results: {
        [uuids[0]!]: { result: 'ok' },
        [uuids[1]!]: { result: 'ok', details: 'duplicate' },
        u3: { result: 'drop', details: 'dropped, gpc' },
        u4: { result: 'drop', details: 'quarantined, schema: /timestamp: 40 days old, at most 30' },
        u5: { result: 'retry', details: 'not_persisted' },
      },
    })
    expect(batches[0]).toMatchObject({ project: 'project of phc_right', sentAt: 1767225605000 })
    expect(batches[0]?.events[0]?.columns).toMatchObject({ client_name: 'posthog-rs', client_version: '1.2.3' })
  })

  it('says to come again with an event of which one part is not stored', async () => {
    const { url } = await open({ decide: (index) => (index === 0 ? { outcome: 'retry' } : {}) })
    const properties = { $web_vitals_LCP_value: 1, $web_vitals_FCP_value: 2 }
    const body = { batch: [{ event: '$web_vitals', uuid: 'v', distinct_id: 'd', properties }] }
    expect(await (await send(url, body)).json()).toEqual({
      results: { v: { result: 'retry', details: 'not_persisted' } },
    })
  })

  it('has no Retry-After when all is done', async () => {
    const { url } = await open()
    const answer = await send(url)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([200, null])
  })

  it.each<[string, Error, number, string | null, string]>([
    ['later', new PipelineError('unavailable', 'full', { retryAfterSeconds: 3 }), 503, '3', 'service_unavailable'],
    ['too fast', new PipelineError('rate_limited', 'too fast'), 503, '1', 'rate_limited'],
    ['a fault of ours', new Error('oh'), 500, '1', 'internal_error'],
    ['too large', new PipelineError('too_large', 'big'), 413, null, 'payload_too_large'],
  ])('refuses a whole request in its own words: %s', async (_what, error, status, retryAfter, tag) => {
    const { url } = await open({ accept: () => Promise.reject(error) })
    const answer = await send(url)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, retryAfter])
    expect(answer.headers.get('content-type')).toContain('application/json')
    expect(await answer.json()).toEqual({
      error: tag,
      error_description: expect.any(String),
      error_uri: expect.stringContaining('urn:millrace:problem:'),
    })
  })

  it('refuses a wrong token with 401', async () => {
    const { url } = await open({ authenticate: keys })
    const answer = await send(url, sent, { authorization: 'Bearer nope' })
    expect([answer.status, await answer.json()]).toMatchObject([401, { error: 'invalid_api_token' }])
  })
})

describe('what libraries ask before they run', () => {
  it.each([
    ['/flags/?v=1', { featureFlags: {}, featureFlagPayloads: {}, errorsWhileComputingFlags: false }],
    ['/flags/?v=2', { flags: {}, errorsWhileComputingFlags: false }],
    ['/flags/?v=4', { flags: {}, errorsWhileComputingFlags: false }],
    ['/flags?v=2&config=true', { flags: {}, sessionRecording: { endpoint: '/s/' }, surveys: false }],
    ['/decide/', { featureFlags: [], supportedCompression: ['gzip', 'gzip-js'] }],
    ['/decide/?v=2', { featureFlags: {} }],
    ['/decide/?v=3', { featureFlags: {}, featureFlagPayloads: {}, errorsWhileComputingFlags: false }],
    ['/decide/?v=4', { flags: {}, sessionRecording: { endpoint: '/s/' } }],
  ])('POST %s', async (path, expected) => {
    const { url } = await open({ authenticate: keys })
    const answer = await fetch(url + path, { method: 'POST', body: '{"token":"any","distinct_id":"d"}' })
    expect([answer.status, await answer.json()]).toMatchObject([200, expected])
  })

  it.each([
    ['/array/phc_x/config', { token: 'phc_x', hasFeatureFlags: false, autocapture_opt_out: false, siteApps: [] }],
    ['/api/surveys/?token=x', { surveys: [] }],
    ['/api/early_access_features/?token=x', { earlyAccessFeatures: [] }],
    ['/api/web_experiments/?token=x', { experiments: [] }],
    ['/flags/definitions?token=x&send_cohorts', { flags: [], group_type_mapping: {}, cohorts: {} }],
    ['/api/feature_flag/local_evaluation/?token=x', { flags: [] }],
  ])('GET %s', async (path, expected) => {
    const { url } = await open({ authenticate: keys })
    const answer = await fetch(url + path, { headers: { origin: 'https://shop.example' } })
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example')
    expect([answer.status, await answer.json()]).toMatchObject([200, expected])
  })

  it('gets its settings as a script that sets them for its own token, and for no other text', async () => {
    const { url } = await open()
    const answer = await fetch(`${url}/array/phc_x/config.js`)
    expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    const page: { _POSTHOG_REMOTE_CONFIG?: Record<string, { config: { token: string } }> } = {}
    runInNewContext(await answer.text(), { window: page })
    expect(page._POSTHOG_REMOTE_CONFIG?.['phc_x']?.config.token).toBe('phc_x')
    expect((await fetch(`${url}/array/${encodeURIComponent('"];alert(1)//')}/config.js`)).status).toBe(404)
  })

  it('gets the scripts of an installed posthog-js, nothing else of the disk, and an empty one where there is none', async () => {
    const { url } = await open()
    const get = async (path: string) => {
      const answer = await fetch(url + path)
      return [answer.status, answer.headers.get('content-type'), (await answer.text()).length] as const
    }
    const type = 'text/javascript; charset=utf-8'
    const [status, scriptType, length] = await get('/static/web-vitals.js?v=1.449.2')
    expect([status, scriptType, length > 1000]).toEqual([200, type, true])
    expect((await get('/static/1.449.2/posthog-recorder.js'))[2]).toBeGreaterThan(10_000)
    expect((await get('/array/phc_x/array.js'))[2]).toBeGreaterThan(10_000)
    expect((await get('/static/never-heard-of.js'))[0]).toBe(200)
    for (const path of ['/static/..%2Fpackage.json', '/static/%2e%2e%2fpackage.json', '/static/package.json']) {
      const [, , size] = await get(path)
      expect(size, path).toBeLessThan(600)
    }
  })
})

describe('posthog-node, unchanged', () => {
  function client(url: string, options: object = {}) {
    const errors: unknown[] = []
    const posthog = new PostHog('phc_right', { host: url, flushAt: 100, fetchRetryDelay: 20, ...options })
    posthog.on('error', (error) => errors.push(error))
    cleanups.push(() => posthog.shutdown())
    return { posthog, errors }
  }
  const refusing = (times: number, error: PipelineError): CollectorSettings => ({
    authenticate: keys,
    accept: ({ events }) =>
      times-- > 0
        ? Promise.reject(error)
        : Promise.resolve(events.map(({ columns }, index) => ({ index, id: columns.id ?? '', outcome: 'stored' }))),
  })

  it.each(['v0', 'v1'])('is taken by %s, and reports success', async (mode) => {
    const { url, batches } = await open({ authenticate: keys })
    process.env['POSTHOG_CAPTURE_MODE'] = mode
    cleanups.push(() => delete process.env['POSTHOG_CAPTURE_MODE'])
    const { posthog, errors } = client(url)
    posthog.capture({ distinctId: 'ada', event: 'Bought', properties: { price: 0 }, groups: { company: 'c' } })
    posthog.identify({ distinctId: 'ada', properties: { plan: 'pro' } })
    await posthog.flush()
    expect(errors).toEqual([])
    const events = batches.flatMap(({ events }) => events)
    expect(events.map(({ columns, issues }) => [columns.event_name, columns.actor_id, issues])).toEqual([
      ['Bought', 'ada', undefined],
      ['identify', 'ada', undefined],
    ])
    expect(batches[0]).toMatchObject({ project: 'project of phc_right', sentAt: expect.any(Number) })
  })

  it.each([
    ['503', 'v0', new PipelineError('unavailable', 'starting')],
    ['too many requests', 'v0', new PipelineError('rate_limited', 'too fast')],
    ['503', 'v1', new PipelineError('unavailable', 'starting')],
    ['too many requests', 'v1', new PipelineError('rate_limited', 'too fast')],
  ])('comes again after %s in %s, with the same ids', async (_what, mode, error) => {
    const { url, batches } = await open(refusing(1, error))
    process.env['POSTHOG_CAPTURE_MODE'] = mode
    cleanups.push(() => delete process.env['POSTHOG_CAPTURE_MODE'])
    const { posthog, errors } = client(url)
    posthog.capture({ distinctId: 'ada', event: 'Bought' })
    await posthog.flush()
    expect(errors).toEqual([])
    expect(batches.length).toBe(2)
    expect(batches[0]?.events[0]?.columns.id).toMatch(/^[0-9a-f-]{36}$/)
    expect(batches[1]?.events[0]?.columns.id).toBe(batches[0]?.events[0]?.columns.id)
  })

  it('sends half a batch when the whole is too large', async () => {
    const { url, batches } = await open({ authenticate: keys, limits: { maxBodyBytes: 3000 } })
    const { posthog } = client(url, { disableCompression: true })
    for (let at = 0; at < 16; at++)
      posthog.capture({ distinctId: 'ada', event: `e${at}`, properties: { text: 'x'.repeat(300) } })
    await posthog.flush()
    expect(batches.flatMap(({ events }) => events.map(({ columns }) => columns.event_name))).toEqual(
      Array.from({ length: 16 }, (_, at) => `e${at}`),
    )
  })

  it('is told when its key is wrong, and does not come again', async () => {
    const { url, credentials } = await open({ authenticate: keys })
    const posthog = new PostHog('phc_wrong', { host: url, flushAt: 1, fetchRetryDelay: 10 })
    const failed = new Promise((resolve) => posthog.on('error', resolve))
    posthog.capture({ distinctId: 'ada', event: 'x' })
    expect(String(await failed)).toContain('status=401')
    await posthog.shutdown()
    expect(credentials.filter(({ key }) => key === 'phc_wrong').length).toBe(1)
  })

  it('asks for flags, and hears that there are none', async () => {
    const { url } = await open()
    const { posthog, errors } = client(url)
    expect(await posthog.getAllFlags('ada')).toEqual({})
    expect(errors).toEqual([])
  })
})
