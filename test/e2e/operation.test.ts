import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli } from '../support/cli.ts'
import { filesWith } from '../support/files.ts'
import { ask, createInstance, eventually, getJson, type Instance, isAlive } from '../support/instance.ts'
import { count, ledger, post, send, settled, storedEvent, why } from '../support/pipeline.ts'

const events = (name: string, size: number) =>
  JSON.stringify(Array.from({ length: size }, (_, at) => ({ id: `${name}-${at}`, event_name: name, actor_id: 'a' })))

describe('auth: open', () => {
  let instance: Instance
  let collector: string
  let api: string

  beforeAll(async () => {
    instance = createInstance()
    ;({ collector, api } = await instance.start())
  })
  afterAll(() => instance.dispose())

  it('says ready in exactly one line of stdout, with the addresses and processes', () => {
    const lines = instance.output().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[1]).toBe('')
    expect(lines[0]).toMatch(/^millrace ready \{/)
    const ready = JSON.parse(lines[0]!.slice('millrace ready '.length)) as Record<string, unknown>
    expect(Object.keys(ready)).toEqual(['collector', 'api', 'otlp', 'grpc', 'pid', 'ms'])
    expect(ready).toMatchObject({
      collector: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      ms: expect.any(Number),
    })
    expect(Object.keys(ready['pid'] as object)).toEqual(['supervisor', 'collector', 'worker', 'engine'])
    for (const pid of Object.values(ready['pid'] as Record<string, number>)) expect(isAlive(pid)).toBe(true)
  })

  it('shows lag, rates, sizes, versions, processes and the log in its status', async () => {
    await send(`${collector}/v1/events`, events('status', 50))
    await settled(api)
    const { body } = await getJson<{ version: string; pid: object; jobs: object[]; sizes: { log_bytes: number } }>(
      `${api}/api/v1/status`,
    )
    expect(body).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      engine_version: expect.stringMatching(/^\d+\.\d+/),
      node_version: process.versions.node,
      auth: 'open',
      data_dir: instance.dataDir,
      collector,
      api,
      pid: instance.ready().pid,
      lag: { events: 0, seconds: 0 },
      rates: { events_per_second: expect.any(Number) },
      problems: [],
    })
    expect(body.sizes).toMatchObject({ events: 50, store_bytes: expect.any(Number), log_retention_bytes: 10e9 })
    expect(body.sizes.log_bytes).toBeGreaterThan(0)
    expect(body.jobs).toMatchObject([{ job: 'load', state: 'running', dead_letters: 0, last_error: null }])
    const told = await cli(['status', '--url', api, '--json'])
    expect([told.code, told.stderr]).toEqual([0, ''])
    expect(JSON.parse(told.stdout)).toMatchObject({ version: body.version, pid: body.pid })
  })

  it('shows the metrics of both processes, with units in their names and the role in their labels', async () => {
    await post(`${collector}/v1/events`, '{')
    const read = async (url: string) => (await fetch(`${url}/metrics`)).text()
    const sent = await read(collector)
    const worked = await read(api)
    expect(sent).toMatch(
      /^millrace_events_total\{project="default",source="millrace",outcome="stored",reason="",role="collector"\} 50$/m,
    )
    expect(sent).toMatch(/^millrace_requests_total\{[^}]*dialect="millrace"[^}]*status="200"[^}]*\} 1$/m)
    expect(sent).toMatch(/^millrace_requests_total\{[^}]*dialect="millrace"[^}]*status="400"[^}]*\} 1$/m)
    expect(sent).toMatch(/^millrace_request_seconds_count\{[^}]*dialect="millrace"/m)
    expect(sent).toMatch(/^millrace_log_append_seconds_count\{role="collector"\} [1-9]/m)
    expect(sent).toMatch(/^millrace_log_bytes\{role="collector"\} [1-9]/m)
    expect(sent).toMatch(/^millrace_queue_size\{/m)
    expect(sent).toMatch(/^millrace_queue_limit\{/m)
    expect(worked).toMatch(/^millrace_consumer_lag_events\{[^}]*job="load"[^}]*\} 0$/m)
    expect(worked).toMatch(/^millrace_consumer_lag_seconds\{[^}]*job="load"[^}]*\} 0$/m)
    expect(worked).toMatch(/^millrace_load_seconds_count\{[^}]*\} [1-9]/m)
    expect(worked).toMatch(/^millrace_load_rows\{[^}]*table="events"[^}]*\} 50$/m)
    expect(worked).not.toMatch(/^millrace_load_twice_total\{/m) // nothing to count
    for (const [text, role] of [
      [sent, 'collector'],
      [worked, 'worker'],
    ] as const) {
      expect(text).toMatch(new RegExp(`^process_resident_memory_bytes\\{role="${role}"\\} [1-9]`, 'm'))
      expect(text).toMatch(new RegExp(`^nodejs_eventloop_lag_seconds\\{role="${role}"\\}`, 'm'))
      expect(text).toContain('millrace_kv_errors_total')
    }
  })

  it('answers probes on both ports', async () => {
    for (const url of [collector, api])
      for (const probe of ['live', 'ready'])
        expect(await getJson(`${url}/health/${probe}`)).toEqual({ status: 200, body: { status: 'ok' } })
  })

  it('answers questions only of this machine: loopback Host, own Origin', async () => {
    const { port } = new URL(api)
    const ask = (headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        const sent = request(`${api}/api/v1/status`, { headers }, (response) => {
          response.resume()
          resolve(response.statusCode!)
        })
        sent.on('error', reject)
        sent.end()
      })
    expect(await ask({ host: `127.0.0.1:${port}` })).toBe(200)
    expect(await ask({ host: `localhost:${port}` })).toBe(200)
    expect(await ask({ host: `[::1]:${port}` })).toBe(200)
    expect(await ask({ host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}` })).toBe(200)
    expect(await ask({ host: 'evil.example' })).toBe(403) // a name rebound to 127.0.0.1
    expect(await ask({ host: `127.0.0.1.evil.example:${port}` })).toBe(403)
    expect(await ask({ host: `127.0.0.1:${port}`, origin: 'https://evil.example' })).toBe(403)
    expect(await ask({ host: `127.0.0.1:${port}`, origin: 'http://127.0.0.1:1' })).toBe(403)
    expect(await ask({ host: `127.0.0.1:${port}`, origin: 'null' })).toBe(403)
  })

  it('takes events of any write key or none as project default', async () => {
    const headers = { authorization: `Basic ${btoa('any key:')}` }
    await send(`${collector}/v1/events`, '{"id":"any-key","event_name":"e"}', headers)
    expect(await storedEvent(api, 'any-key')).toMatchObject({ project: 'default' })
    expect(JSON.stringify(await storedEvent(api, 'any-key'))).not.toContain('any key')
  })

  it('refuses a second start on the same data directory, and says which process holds it', async () => {
    const second = await cli(['start', '--data', instance.dataDir, '--port', '0', '--api-port', '0'])
    expect([second.code, second.stdout]).toEqual([1, ''])
    expect(second.stderr).toContain(`held by process ${instance.pid('supervisor')}`)
    expect(second.stderr.trim().split('\n')).toHaveLength(1)
    expect((await fetch(`${collector}/health/ready`)).status).toBe(200)
    expect(isAlive(instance.pid('engine'))).toBe(true)
  })

  it('writes JSON lines to stderr, and into none of them a key, an event or a query', async () => {
    const marker = 'Kf7-never-in-a-log-Vb2'
    const headers = { authorization: `Bearer ${marker}`, 'x-write-key': marker }
    await send(
      `${collector}/v1/events?writeKey=${marker}`,
      JSON.stringify({ event_name: marker, actor_id: marker }),
      headers,
    )
    await send(`${collector}/v1/events`, JSON.stringify({ id: marker, event_name: 'e', timestamp: marker }), headers)
    await post(`${collector}/v1/events`, `{"event_name":"${marker}", broken`, headers)
    await post(`${collector}/${marker}`, marker, headers)
    await post(`${api}/api/v1/sql`, JSON.stringify({ query: `SELECT '${marker}' FROM nowhere` }))
    await post(`${api}/api/v1/sql`, JSON.stringify({ query: `SELEC '${marker}'` }))
    await getJson(`${api}/api/v1/events/${marker}`)
    const before = instance.pid('worker')
    instance.kill9('worker')
    await eventually(() => (instance.pid('worker') === before ? undefined : true))
    await eventually(async () => (await fetch(`${api}/health/ready`).catch(() => undefined))?.ok || undefined)
    await settled(api)
    const lines = instance.log().trim().split('\n')
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({
        level: expect.any(String),
        time: expect.any(String),
        role: expect.any(String),
      })
    expect(instance.log()).not.toContain(marker)
    expect(filesWith(join(instance.dataDir, 'run'), marker)).toEqual([])
  })

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends with 0 at %s, and what was acknowledged just before is there at the next start',
    async (signal) => {
      const children = (['collector', 'worker', 'engine'] as const).map((role) => instance.pid(role))
      const answers = await Promise.all(
        [0, 1, 2].map((part) => send(`${collector}/v1/events`, events(`${signal}-${part}`, 400))),
      )
      const startedAt = Date.now()
      expect(await instance.stop(signal)).toBe(0)
      expect(Date.now() - startedAt).toBeLessThan(10_000)
      expect(children.filter((pid) => isAlive(pid))).toEqual([])
      for (const answer of answers) expect(answer.stored).toBe(400)
      ;({ collector, api } = await instance.start())
      await settled(api)
      expect(await count(api, `event_name LIKE '${signal}-%'`)).toBe(1200)
    },
  )

  it('finishes the requests that are under way at a stop: each has its answer, and what it says is true', async () => {
    let acked = 0
    let refused = 0
    let stopping = false
    const senders = Array.from({ length: 8 }, async (_, sender) => {
      for (let at = 0; !stopping || at < 3; at++) {
        try {
          const response = await post(`${collector}/v1/events`, events(`stop-${sender}-${at}`, 20))
          if (response.status === 200) acked += ((await response.json()) as { stored: number }).stored
          else refused++
          if (response.status !== 200) expect(response.status).toBe(503)
        } catch {
          return // the port is closed
        }
      }
    })
    await eventually(() => (acked > 400 ? true : undefined))
    const code = instance.stop()
    stopping = true
    await Promise.all(senders)
    expect(await code).toBe(0)
    ;({ collector, api } = await instance.start())
    await settled(api)
    const stored = await count(api, `event_name LIKE 'stop-%'`)
    // A request whose connection was cut may be stored without its answer; the reverse may never be.
    expect(stored).toBeGreaterThanOrEqual(acked)
    expect(stored - acked).toBeLessThanOrEqual(8 * 20)
    expect(refused).toBeGreaterThanOrEqual(0)
  })
})

describe('auth: keys', () => {
  let instance: Instance
  let collector: string
  let api: string
  const secrets: Record<string, string> = {}
  const ids: Record<string, string> = {}
  const bearer = (name: string): Record<string, string> => ({ authorization: `Bearer ${secrets[name]}` })

  async function createKey(name: string, project: string, scope: string): Promise<void> {
    const made = await cli(
      ['keys', 'create', '--data', instance.dataDir, '--project', project, '--scope', scope, '--json'],
      {
        cwd: instance.dataDir,
      },
    )
    expect([made.code, made.stderr]).toEqual([0, ''])
    const [key] = JSON.parse(made.stdout) as { project: string; id: string; scope: string; secret: string }[]
    expect(key).toMatchObject({ project, scope })
    secrets[name] = key!.secret
    ids[name] = key!.id
  }

  beforeAll(async () => {
    instance = createInstance()
    writeFileSync(
      join(instance.dataDir, 'millrace.config.json'),
      JSON.stringify({ auth: 'keys', projects: { shop: {}, blog: { origins: ['https://blog.example'] } } }),
    )
    for (const scope of ['write', 'read', 'admin']) await createKey(`shop-${scope}`, 'shop', scope)
    for (const scope of ['write', 'read']) await createKey(`blog-${scope}`, 'blog', scope)
    ;({ collector, api } = await instance.start())
  })
  afterAll(() => instance.dispose())

  const event = (id: string) => JSON.stringify({ id, event_name: 'e' })

  it.each([
    [undefined, 401, 401, 401, 401],
    ['nobody', 401, 401, 401, 401],
    ['shop-write', 200, 403, 403, 403],
    ['shop-read', 403, 200, 403, 403],
    ['shop-admin', 200, 200, 200, 200],
  ] as const)(
    'with the key %s: sending %i, asking %i, status %i, metrics %i',
    async (name, sending, asking, status, metrics) => {
      secrets['nobody'] = 'mr_write_nobody'
      const headers = name === undefined ? {} : bearer(name)
      expect((await post(`${collector}/v1/events`, event(`by-${name}`), headers)).status).toBe(sending)
      expect(
        (await post(`${collector}/v1/track`, `{"messageId":"s-${name}","event":"e","userId":"u"}`, headers)).status,
      ).toBe(sending)
      for (const path of ['/events/none/why', '/events/none'])
        expect((await getJson(`${api}/api/v1${path}`, headers)).status).toBe(asking === 200 ? 404 : asking)
      for (const path of ['/ledger', '/quarantine'])
        expect((await getJson(`${api}/api/v1${path}`, headers)).status).toBe(asking)
      expect((await post(`${api}/api/v1/sql`, '{"query":"select 1"}', headers)).status).toBe(asking)
      expect((await getJson(`${api}/api/v1/status`, headers)).status).toBe(status)
      expect((await fetch(`${api}/metrics`, { headers })).status).toBe(metrics)
      expect((await fetch(`${collector}/metrics`, { headers })).status).toBe(metrics)
      for (const url of [api, collector]) expect((await fetch(`${url}/health/ready`, { headers })).status).toBe(200)
    },
  )

  it('takes the key wherever a client can put it', async () => {
    const key = secrets['shop-write']!
    for (const [at, [query, headers, inBody]] of (
      [
        ['', { authorization: `Basic ${btoa(`${key}:`)}` }, {}],
        ['', { 'x-write-key': key }, {}],
        [`?writeKey=${key}`, {}, {}],
        ['', {}, { writeKey: key }],
      ] as const
    ).entries()) {
      const body = JSON.stringify({
        ...inBody,
        batch: [{ type: 'track', messageId: `where-${at}`, event: 'e', userId: 'u' }],
      })
      expect(await send(`${collector}/v1/batch${query}`, body, headers)).toMatchObject({ stored: 1 })
    }
  })

  it('keeps projects apart: the same ids, rows, outcomes, quarantine and ledgers', async () => {
    const bad = { id: 'apart-bad', event_name: 'e', timestamp: 'x' }
    for (const project of ['shop', 'blog']) {
      const body = JSON.stringify([{ id: 'apart', event_name: `of ${project}`, ns: 'shop' }, bad])
      expect(await send(`${collector}/v1/events`, body, bearer(`${project}-write`))).toMatchObject({
        stored: 1,
        quarantined: 1,
      })
    }
    await send(`${collector}/v1/events`, event('only-shop'), bearer('shop-write'))
    await settled(api, bearer('shop-read'))
    const view = await settled(api, bearer('blog-read'))
    expect(view.sums).toEqual({ received: 2, stored: 1, duplicate: 0, dropped: 0, quarantined: 1 })
    for (const project of ['shop', 'blog']) {
      const headers = bearer(`${project}-read`)
      expect(await storedEvent(api, 'apart', headers)).toMatchObject({
        project,
        event_name: `of ${project}`,
        ns: 'shop',
      })
      expect(await why(api, 'apart', headers)).toMatchObject({ project, outcome: 'stored' })
      const list = await getJson<{ items: { id: string }[] }>(`${api}/api/v1/quarantine`, headers)
      expect(list.body.items.map(({ id }) => id)).toEqual(['apart-bad'])
    }
    expect((await getJson(`${api}/api/v1/events/only-shop`, bearer('blog-read'))).status).toBe(404)
    expect((await getJson(`${api}/api/v1/events/only-shop/why`, bearer('blog-read'))).status).toBe(404)
    for (const table of ['events', 'outcomes', 'ledger', 'quarantine']) {
      const rows = await ask(api, `SELECT DISTINCT project FROM ${table}`, {}, bearer('blog-read'))
      expect(rows).toEqual([{ project: 'blog' }])
    }
    expect(await ask(api, `SELECT count() AS n FROM events WHERE project = 'shop'`, {}, bearer('blog-read'))).toEqual([
      { n: '0' },
    ])
  })

  it('lets only an admin key name another project', async () => {
    const named = `${api}/api/v1/ledger?project=blog`
    expect((await getJson(named, bearer('shop-read'))).status).toBe(403)
    expect((await getJson(named, bearer('shop-admin'))).status).toBe(200)
    expect((await ledger(api, bearer('shop-admin'), 'blog')).sums.received).toBe(2)
    expect((await getJson(`${api}/api/v1/ledger?project=nowhere`, bearer('shop-admin'))).status).toBe(404)
  })

  it('refuses pages that the project does not list', async () => {
    const from = (origin: string) =>
      post(`${collector}/v1/events`, event(`o-${origin}`), { ...bearer('blog-write'), origin })
    expect((await from('https://blog.example')).status).toBe(200)
    expect((await from('https://evil.example')).status).toBe(403)
  })

  it('lets only an admin key mark a body as historical', async () => {
    const old = JSON.stringify({ id: 'old', event_name: 'e', timestamp: Date.now() - 40 * 86_400_000 })
    const historical = { 'x-millrace-historical': '1' }
    expect((await post(`${collector}/v1/events`, old, { ...bearer('shop-write'), ...historical })).status).toBe(403)
    expect(await send(`${collector}/v1/events`, old, { ...bearer('shop-admin'), ...historical })).toMatchObject({
      stored: 1,
    })
  })

  it('tells the command line with exit code 4 what is missing, and takes its key from MILLRACE_KEY', async () => {
    const without = await cli(['query', 'select 1 as one', '--url', api])
    expect([without.code, without.stdout]).toEqual([4, ''])
    expect(without.stderr).toContain('MILLRACE_KEY')
    const given = await cli(['query', 'select 1 as one', '--url', api], {
      env: { MILLRACE_KEY: secrets['shop-read']! },
    })
    expect([given.code, given.stdout]).toEqual([0, '{"one":1}\n'])
  })

  it('lists keys without their secrets, and a revoked one is refused within a second', async () => {
    await createKey('gone', 'shop', 'write')
    await eventually(async () => {
      const response = await post(`${collector}/v1/events`, event('before-revoke'), bearer('gone'))
      return response.status === 200 || undefined
    }, 1500)
    const revoked = await cli(['keys', 'revoke', ids['gone']!, '--data', instance.dataDir], { cwd: instance.dataDir })
    expect(revoked.code).toBe(0)
    await eventually(async () => {
      const response = await post(`${collector}/v1/events`, event('after-revoke'), bearer('gone'))
      return response.status === 401 || undefined
    }, 1500)
    const list = await cli(['keys', 'list', '--data', instance.dataDir, '--project', 'shop', '--json'], {
      cwd: instance.dataDir,
    })
    const keys = JSON.parse(list.stdout) as { id: string; revoked_at: string | null }[]
    expect(keys).toHaveLength(4)
    expect(keys.find(({ id }) => id === ids['gone'])?.revoked_at).toMatch(/^\d{4}-/)
    for (const secret of Object.values(secrets)) expect(list.stdout).not.toContain(secret)
    const unknown = await cli(['keys', 'revoke', 'ffffffffffff', '--data', instance.dataDir], { cwd: instance.dataDir })
    expect([unknown.code, unknown.stdout]).toEqual([5, ''])
  })

  it('stores a key with none of the events whose URLs, referrers and attributes hold it', async () => {
    const key = secrets['shop-write']!
    const beacon = `https://in.example/v1/vitals?writeKey=${key}`
    const now = Date.now()
    const bodies: readonly (readonly [path: string, body: object, headers?: Record<string, string>])[] = [
      [
        '/v1/snippet',
        {
          timeOrigin: now,
          sessionId: 's',
          entries: [{ entryType: 'resource', name: beacon, startTime: 1, duration: 2 }],
        },
      ],
      ['/v1/vitals', { vitals: [{ name: 'LCP', value: 1, id: 'hide-v', timestamp: now }] }, { referer: beacon }],
      ['/v1/replay', { sessionId: 's', events: [{ type: 4, data: { href: beacon }, timestamp: now }] }],
      [
        '/v1/traces',
        {
          resourceSpans: [
            {
              scopeSpans: [
                {
                  spans: [
                    {
                      traceId: '0af7651916cd43dd8448eb211c80319c',
                      spanId: 'b7ad6b7169203331',
                      name: 'POST',
                      startTimeUnixNano: `${now}000000`,
                      endTimeUnixNano: `${now}000000`,
                      attributes: [{ key: 'url.full', value: { stringValue: beacon } }],
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
      [
        '/v1/tail',
        [{ scriptName: 's', outcome: 'ok', eventTimestamp: now, event: { request: { url: beacon, method: 'POST' } } }],
      ],
      [
        '/capture/',
        {
          api_key: key,
          event: 'e',
          distinct_id: 'u',
          properties: { token: key, $current_url: beacon, at: { beacon } },
        },
      ],
      ['/api/send', { type: 'event', payload: { website: key, hostname: 'shop.example', url: `/?writeKey=${key}` } }],
      [
        '/v1/events',
        { a: 1 },
        { 'ce-specversion': '1.0', 'ce-id': 'hide-c', 'ce-source': '/s', 'ce-type': 't', 'ce-writekey': key },
      ],
      ['/v1/events', [{ id: 'hide-o', event_name: 'e', labels: { [key]: key }, http_url: beacon }]],
    ]
    for (const [path, body, headers] of bodies) {
      const inBody = path === '/capture/' || path === '/api/send'
      const response = await post(
        `${collector}${path}${inBody ? '' : `?writeKey=${key}`}`,
        JSON.stringify(body),
        headers,
      )
      expect([path, response.status]).toEqual([path, 200])
    }
    const headers = bearer('shop-read')
    await settled(api, headers)
    const rows: string[] = []
    for (const table of ['events', 'outcomes', 'ledger', 'quarantine']) {
      const found = await ask(api, `SELECT * FROM ${table}`, {}, headers)
      rows.push(...found.map((row) => JSON.stringify(row)))
    }
    expect(rows.filter((row) => row.includes(key))).toEqual([])
    expect(rows.filter((row) => row.includes('[key]'))).toHaveLength(bodies.length)
  })

  it('keeps no key in plain anywhere', () => {
    for (const name of ['shop-write', 'shop-read', 'shop-admin', 'blog-write', 'blog-read', 'gone']) {
      expect(filesWith(instance.dataDir, secrets[name]!)).toEqual([])
      expect(instance.log()).not.toContain(secrets[name]!)
    }
  })
})
