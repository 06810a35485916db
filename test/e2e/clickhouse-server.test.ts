import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { askingUser, type ClickHouseServer, createClickHouseServer, limitedUser } from '../support/clickhouse.ts'
import { cli } from '../support/cli.ts'
import { ask, createInstance, eventually, getJson, type Instance, pause } from '../support/instance.ts'
import { post, send, settled, storedEvent, why } from '../support/pipeline.ts'

interface Status {
  readonly engine_version: string | null
  readonly problems: readonly string[]
  readonly jobs: readonly { readonly state: string; readonly last_error: string | null; readonly lag_events: number }[]
}

const events = (name: string, size: number, from = 0) =>
  JSON.stringify(
    Array.from({ length: size }, (_, at) => ({ id: `${name}-${from + at}`, event_name: name, actor_id: 'a' })),
  )

const environment = (server: ClickHouseServer, more: Readonly<Record<string, string>> = {}) => ({
  MILLRACE_STORE_URL: server.url,
  MILLRACE_STORE_USER: server.user,
  MILLRACE_STORE_PASSWORD: server.password,
  ...more,
})

async function statusOf(api: string): Promise<Status> {
  return (await getJson<Status>(`${api}/api/v1/status`)).body
}

/** Resolves with the status once one of its problems says this. */
function problem(api: string, text: RegExp): Promise<Status> {
  return eventually(
    async () => {
      const status = await statusOf(api)
      return status.problems.some((line) => text.test(line)) ? status : undefined
    },
    20_000,
    `a problem ${String(text)} in the status`,
  )
}

/** Rows and distinct ids of that name, asked of the server itself. */
async function stored(server: ClickHouseServer, name: string): Promise<[number, number]> {
  const [row] = await server.sql<{ n: string; ids: string }>(
    `SELECT count() AS n, uniqExact(id) AS ids FROM millrace.events WHERE event_name = '${name}'`,
  )
  return [Number(row?.n), Number(row?.ids)]
}

/** Sends until it is ended; every id that was acknowledged. Nothing may be refused meanwhile: the log takes it. */
function sender(collector: string, name: string) {
  const stop = new AbortController()
  const refused: string[] = []
  let acked = 0
  const done = (async () => {
    while (!stop.signal.aborted) {
      const response = await post(`${collector}/v1/events`, events(name, 20, acked)).catch(String)
      if (typeof response === 'string') refused.push(response)
      else if (response.status === 200) acked += 20
      else refused.push(`${response.status}: ${await response.text()}`)
      await pause(5)
    }
  })()
  return {
    refused,
    acked: () => acked,
    async end() {
      stop.abort()
      await done
      return acked
    },
  }
}

describe('a whole pipeline on a ClickHouse server by URL', () => {
  let server: ClickHouseServer
  let instance: Instance
  let collector: string
  let api: string

  beforeAll(async () => {
    server = await createClickHouseServer()
    await server.start()
    instance = createInstance({ env: environment(server) })
    ;({ collector, api } = await instance.start())
  })
  afterAll(async () => {
    await instance.dispose()
    await server.dispose()
  })

  it('runs without an engine of its own', () => {
    expect(instance.ready().pid.engine).toBeNull()
    expect(existsSync(join(instance.dataDir, 'engine'))).toBe(false)
  })

  it('stores what it acknowledges in tables that it made there, tells each event, and balances its ledger', async () => {
    await send(`${collector}/v1/events`, events('landed', 500))
    await settled(api)
    expect(await stored(server, 'landed')).toEqual([500, 500])
    expect(await storedEvent(api, 'landed-7')).toMatchObject({ event_name: 'landed', project: 'default' })
    expect(await why(api, 'landed-7')).toMatchObject({ outcome: 'stored' })
    const again = await send(`${collector}/v1/events`, events('landed', 500))
    expect(again).toMatchObject({ stored: 0, duplicate: 500 })
  })

  it('answers SQL with 503 and the reason while no user for it is configured, everything else as ever', async () => {
    await expect(ask(api, 'SELECT 1')).rejects.toThrow(
      /^503.*no read-only user of its own for it.*store\.asking\.default/,
    )
    expect(await statusOf(api)).toMatchObject({
      engine_version: expect.stringMatching(/^26\./),
      problems: [],
      pid: { engine: null },
      sizes: { tables: { events: { rows: expect.any(Number) } } },
    })
    expect((await fetch(`${api}/health/ready`)).status).toBe(200)
  })

  it('loses nothing and doubles nothing while the server is killed under load, three times, and says why it waits', async () => {
    const load = sender(collector, 'killed')
    for (let round = 0; round < 3; round++) {
      await pause(800)
      await server.kill9()
      await problem(api, /ECONNREFUSED/)
      const before = load.acked()
      await eventually(() => (load.acked() > before + 100 ? true : undefined))
      await problem(api, /^load is waiting: un\w+: the store/)
      await server.start()
      await pause(500)
    }
    const acked = await load.end()
    expect(load.refused).toEqual([])
    await settled(api)
    expect(await stored(server, 'killed')).toEqual([acked, acked])
    expect((await statusOf(api)).problems).toEqual([])
  })

  it('goes on taking events while the server does not answer, and says so; nothing is lost', async () => {
    const load = sender(collector, 'stopped')
    await pause(500)
    server.signal('SIGSTOP')
    const before = load.acked()
    const status = await problem(api, /no answer within/)
    expect(status.engine_version).toBeNull()
    expect(load.acked()).toBeGreaterThan(before)
    server.signal('SIGCONT')
    const acked = await load.end()
    expect(load.refused).toEqual([])
    await settled(api)
    expect(await stored(server, 'stopped')).toEqual([acked, acked])
  })

  it('makes its tables again when somebody has dropped them, and stores what comes then', async () => {
    await server.sql('DROP DATABASE millrace SYNC')
    await send(`${collector}/v1/events`, events('again', 100))
    await eventually(async () => (await stored(server, 'again').catch(() => [0]))[0] === 100 || undefined, 20_000)
    await eventually(async () => ((await statusOf(api)).jobs[0]?.state === 'running' ? true : undefined))
  })

  it('stores what was acknowledged before a stop, by the next start', async () => {
    await server.kill9()
    await send(`${collector}/v1/events`, events('later', 100))
    expect(await instance.stop()).toBe(0)
    await server.start()
    ;({ collector, api } = await instance.start())
    await eventually(async () => (await stored(server, 'later'))[0] === 100 || undefined, 20_000)
    expect(await stored(server, 'later')).toEqual([100, 100])
  })
})

describe('SQL on a server by URL', () => {
  let server: ClickHouseServer
  let instance: Instance
  let api: string

  beforeAll(async () => {
    server = await createClickHouseServer({
      users: [
        askingUser({ name: 'ask_shop', secret: 'a', project: 'shop' }),
        askingUser({ name: 'ask_loose', secret: 'b', project: 'loose', profile: 'loose' }),
        askingUser({
          name: 'ask_wide',
          secret: 'c',
          project: 'wide',
          tables: ['events'],
          grants: ['GRANT SELECT ON *.*', 'GRANT READ ON FILE'],
        }),
      ],
    })
    await server.start()
    const key = (secret: string, scope: string) => ({
      id: secret.slice(0, 8),
      scope,
      sha256: createHash('sha256').update(secret).digest('hex'),
    })
    const projects = Object.fromEntries(
      ['shop', 'loose', 'wide', 'unasked'].map((project) => [
        project,
        { keys: [key(`${project}-read-key`, 'read'), key(`${project}-write-key`, 'write')] },
      ]),
    )
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-'))
    const file = join(dataDir, 'millrace.config.json')
    const asking = {
      shop: { user: 'ask_shop', password: 'a' },
      loose: { user: 'ask_loose', password: 'b' },
      wide: { user: 'ask_wide', password: 'c' },
    }
    writeFileSync(
      file,
      JSON.stringify({ auth: 'keys', projects, store: { url: server.url, user: 'millrace', asking } }),
    )
    instance = createInstance({
      dataDir,
      args: ['--config', file],
      env: { MILLRACE_STORE_PASSWORD: server.password },
    })
    const ready = await instance.start()
    api = ready.api
    for (const project of ['shop', 'loose', 'wide', 'unasked'])
      await send(`${ready.collector}/v1/events`, events(project, 10), { authorization: `Bearer ${project}-write-key` })
    await eventually(async () => {
      const [row] = await server.sql<{ n: string }>('SELECT count() AS n FROM millrace.events')
      return Number(row?.n) === 40 || undefined
    })
  })
  afterAll(async () => {
    await instance.dispose()
    rmSync(instance.dataDir, { recursive: true, force: true })
    await server.dispose()
  })
  const asked = (project: string, sql: string) => ask(api, sql, {}, { authorization: `Bearer ${project}-read-key` })

  it('shows a project its own rows only, by its own user of that server', async () => {
    expect(await asked('shop', 'SELECT event_name, count() AS n FROM events GROUP BY 1')).toEqual([
      { event_name: 'shop', n: '10' },
    ])
  })

  it.each([
    "SELECT * FROM file('/etc/passwd')",
    "SELECT file('/etc/passwd')",
    "SELECT * FROM url('http://127.0.0.1:1', 'CSV')",
    'SELECT * FROM system.users',
    'SELECT sealed FROM quarantine',
    'DROP TABLE events',
    'SELECT 1 SETTINGS max_execution_time = 0',
  ])('refuses %s', async (sql) => {
    await expect(asked('shop', sql)).rejects.toThrow(/^4\d\d/)
  })

  it('answers 503 for a user without the settings of the cage, and says which', async () => {
    await expect(asked('loose', 'SELECT 1')).rejects.toThrow(/^503.*ask_loose is not confined.*readonly is 0/)
  })

  it('answers 503 for a user who sees more than its project, and says what', async () => {
    await expect(asked('wide', 'SELECT 1')).rejects.toThrow(
      /^503.*no row policy on outcomes.*may more than read its tables: GRANT/,
    )
  })

  it('answers 503 for a project without a user, while the others ask', async () => {
    await expect(asked('unasked', 'SELECT 1')).rejects.toThrow(/^503.*store\.asking\.unasked/)
    expect(await asked('shop', 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  it('shows no password in its configuration', async () => {
    const shown = await cli(['config', 'show', '--config', join(instance.dataDir, 'millrace.config.json'), '--json'], {
      env: { MILLRACE_STORE_PASSWORD: server.password },
    })
    expect(shown.code).toBe(0)
    expect(shown.stdout).toContain('ask_shop')
    expect(shown.stdout).not.toContain(server.password)
    expect(shown.stdout.match(/\(hidden\)/g)!.length).toBeGreaterThanOrEqual(4)
  })
})

it('needs no more rights than deploy/clickhouse/users.xml gives, and takes its users for a cage', async () => {
  const path = join(import.meta.dirname, '../../deploy/clickhouse/users.xml')
  const server = await createClickHouseServer({
    usersFile: { path, env: { MILLRACE_STORE_PASSWORD: 'owner', ASK_DEFAULT_PASSWORD: 'asker' } },
  })
  const env = {
    MILLRACE_STORE_PASSWORD: 'owner',
    MILLRACE_STORE_ASKING: '{"default":{"user":"ask_default","password":"asker"}}',
  }
  await server.start()
  const instance = createInstance({ env: { ...environment(server), ...env } })
  try {
    const { collector, api } = await instance.start()
    await send(`${collector}/v1/events`, events('granted', 10))
    await settled(api)
    expect(await ask(api, 'SELECT count() AS n FROM events')).toEqual([{ n: '10' }])
    expect(await ask(api, 'SELECT count() AS n FROM trace_spans')).toEqual([{ n: '0' }])
    // An insert whose end nobody knows is looked for and ended: that takes a right of its own.
    await server.kill9()
    await send(`${collector}/v1/events`, events('after', 10))
    await problem(api, /^load is waiting/)
    await server.start()
    await settled(api)
    expect(await ask(api, 'SELECT count() AS n FROM events')).toEqual([{ n: '20' }])
    expect((await statusOf(api)).problems).toEqual([])
  } finally {
    await instance.dispose()
    await server.dispose()
  }
})

describe('a server that cannot be used', () => {
  const disposables: { dispose(): Promise<void> }[] = []
  afterEach(async () => {
    for (const each of disposables.splice(0).toReversed()) await each.dispose()
  })
  const kept = <T extends { dispose(): Promise<void> }>(each: T): T => {
    disposables.push(each)
    return each
  }
  /** Started, and events taken, although the store is not there; resolves with what the status and the log say. */
  async function waiting(env: Readonly<Record<string, string>>, why: RegExp): Promise<Instance> {
    const instance = kept(createInstance({ env }))
    const { collector, api } = await instance.start()
    expect(await send(`${collector}/v1/events`, events('waited', 50))).toMatchObject({ stored: 50 })
    await problem(api, why)
    await eventually(() => (why.test(instance.log()) ? true : undefined), 10_000, `${String(why)} on stderr`)
    const ready = await eventually(async () => {
      const answer = await getJson<{ reason?: string }>(`${api}/health/ready`)
      return answer.status === 503 ? answer.body : undefined
    })
    expect(ready.reason).toMatch(why)
    expect((await fetch(`${collector}/health/ready`)).status).toBe(200)
    return instance
  }
  const landed = (server: ClickHouseServer) =>
    eventually(
      async () => (await stored(server, 'waited').catch(() => [0]))[0] === 50 || undefined,
      30_000,
      'the events',
    )

  it('is waited for when it is not there at the start', async () => {
    const server = kept(await createClickHouseServer())
    await waiting(environment(server), /ECONNREFUSED/)
    await server.start()
    await landed(server)
  })

  it('is told apart by a wrong password; with the right one what was taken is stored', async () => {
    const server = kept(await createClickHouseServer())
    await server.start()
    const wrong = environment(server, { MILLRACE_STORE_PASSWORD: 'hunter2' })
    const instance = await waiting(wrong, /Authentication failed/)
    expect(instance.log()).not.toContain('hunter2')
    expect(await instance.stop()).toBe(0)
    const right = kept(createInstance({ dataDir: instance.dataDir, env: environment(server) }))
    await right.start()
    await landed(server)
  })

  it('says which right is missing, and goes on by itself once it is granted', async () => {
    const reader = limitedUser('guest', 'g', ['GRANT SELECT ON system.*'])
    const server = kept(await createClickHouseServer({ users: [reader] }))
    await server.start()
    const env = environment(server, { MILLRACE_STORE_USER: 'guest', MILLRACE_STORE_PASSWORD: 'g' })
    await waiting(env, /Not enough privileges.*CREATE DATABASE/)
    await server.kill9()
    server.setUsers([limitedUser('guest', 'g', ['GRANT ALL ON *.*'])])
    await server.start()
    await landed(server)
  })

  it('that is too old is refused by its version, and used once it is upgraded', async () => {
    const server = kept(await createClickHouseServer())
    await server.start()
    const [about] = await server.sql<{ v: string }>('SELECT version() AS v')
    let seen = about!.v.replace(/^\d+/, '24')
    const proxy = kept(await replacingProxy(server.url, () => [about!.v, seen]))
    await waiting(
      environment(server, { MILLRACE_STORE_URL: proxy.url }),
      /ClickHouse 24\.\S+; Millrace needs 26\.3 or newer/,
    )
    seen = about!.v
    await landed(server)
  })

  it('ends the start when the configuration itself is wrong: no such certificate, no such project', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-'))
    const start = (env: Readonly<Record<string, string>>) =>
      cli(['start', '--data', folder, '--port', '0', '--api-port', '0'], {
        env: {
          MILLRACE_COLLECTOR_OTLP_PORT: '0',
          MILLRACE_COLLECTOR_GRPC_PORT: '0',
          MILLRACE_STORE_URL: 'https://127.0.0.1:1',
          ...env,
        },
      })
    const missing = await start({ MILLRACE_STORE_CA_CERTIFICATE: '/nowhere/ca.pem' })
    expect([missing.code, missing.stderr]).toEqual([
      3,
      expect.stringContaining('store.caCertificate: cannot read /nowhere/ca.pem'),
    ])
    const typo = await start({ MILLRACE_STORE_ASKING: '{"shpo":{"user":"a","password":"hunter2"}}' })
    expect([typo.code, typo.stderr]).toEqual([3, expect.stringContaining('store.asking.shpo: no such project')])
    const text = await start({ MILLRACE_STORE_ASKING: 'hunter2' })
    expect([text.code, text.stderr]).toEqual([3, expect.stringContaining('store.asking')])
    expect(typo.stderr + text.stderr).not.toContain('hunter2')
    rmSync(folder, { recursive: true, force: true })
  })

  it.skipIf(!hasOpenssl())(
    'speaks TLS: a certificate of nobody we trust is refused, of the configured authority taken',
    async () => {
      const server = kept(await createClickHouseServer())
      await server.start()
      const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
      makeCertificates(folder)
      const tls = kept(await tlsProxy(server.url, join(folder, 'server')))
      const env = environment(server, { MILLRACE_STORE_URL: tls.url })
      const instance = await waiting(
        env,
        /cannot be reached \(\w+: nobody we trust signed its certificate.*store\.caCertificate/,
      )
      await instance.stop()
      const other = await waiting(
        { ...env, MILLRACE_STORE_CA_CERTIFICATE: join(folder, 'other.pem') },
        /nobody we trust signed its certificate/,
      )
      await other.stop()
      const named = kept(await tlsProxy(server.url, join(folder, 'elsewhere')))
      const ca = { MILLRACE_STORE_CA_CERTIFICATE: join(folder, 'ca.pem') }
      const misnamed = await waiting(
        { ...env, ...ca, MILLRACE_STORE_URL: named.url },
        /certificate is for another name/,
      )
      await misnamed.stop()
      const right = kept(createInstance({ dataDir: instance.dataDir, env: { ...env, ...ca } }))
      await right.start()
      await landed(server)
      const asText = kept(
        createInstance({
          dataDir: other.dataDir,
          env: { ...env, MILLRACE_STORE_CA_CERTIFICATE: readFileSync(join(folder, 'ca.pem'), 'utf8') },
        }),
      )
      await asText.start()
      await eventually(async () => (await stored(server, 'waited'))[0] === 100 || undefined, 30_000)
      rmSync(folder, { recursive: true, force: true })
    },
  )
})

interface Proxy {
  readonly url: string
  dispose(): Promise<void>
}

function listening(server: Server, scheme: string, sockets: ReadonlySet<Socket>): Promise<Proxy> {
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      resolve({
        url: `${scheme}://127.0.0.1:${port}`,
        dispose: () =>
          new Promise((done) => {
            for (const socket of sockets) socket.destroy()
            server.close(() => done())
          }),
      })
    }),
  )
}

/** In front of a server: what it says, with one text for another of the same length. */
function replacingProxy(url: string, texts: () => readonly [string, string]): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(url).port), '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    client.pipe(upstream)
    upstream.on('data', (chunk: Buffer) => {
      const [from, to] = texts()
      client.write(Buffer.from(chunk.toString('latin1').replaceAll(from, to), 'latin1'))
    })
    upstream.on('end', () => client.end())
    client.on('close', () => upstream.destroy())
  })
  return listening(server, 'http', sockets)
}

function tlsProxy(url: string, certificate: string): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const options = { cert: readFileSync(`${certificate}.pem`), key: readFileSync(`${certificate}.key`) }
  const server = createTlsServer(options, (client) => {
    const upstream = connect(Number(new URL(url).port), '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    client.pipe(upstream).pipe(client)
  })
  return listening(server, 'https', sockets)
}

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Two authorities, `ca` and `other`; signed by the first, a certificate for 127.0.0.1 and one for another name. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore', cwd: folder })
  const key = ['-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  for (const name of ['ca', 'other'])
    openssl(
      'req',
      '-x509',
      '-subj',
      `/CN=millrace ${name}`,
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-days',
      '2',
    )
  for (const [name, subject] of [
    ['server', 'IP:127.0.0.1'],
    ['elsewhere', 'DNS:db.example'],
  ] as const) {
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${subject}\n`)
    openssl('req', '-subj', `/CN=${name}`, ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-days',
      '2',
      '-extfile',
      `${name}.ext`,
    )
  }
}
