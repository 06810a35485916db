import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { askingUser, type ClickHouseServer, createClickHouseServer } from '../support/clickhouse.ts'
import { cli } from '../support/cli.ts'
import { ask, createInstance, eventually, getJson, isAlive } from '../support/instance.ts'
import { count, post, send, settled } from '../support/pipeline.ts'
import { anyPorts, playRole, type RoleProcess as Playing, type RoleReady } from '../support/role.ts'

interface RoleProcess extends Omit<Playing, 'ready'> {
  readonly ready: RoleReady
}

const running = new Set<Playing>()

/** `millrace <role>` in the foreground, until it is ready. */
async function play(
  role: 'collector' | 'worker' | 'api',
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<RoleProcess> {
  const playing = playRole({ role, dataDir, env, args })
  running.add(playing)
  void playing.exit.then(() => running.delete(playing))
  return { ...playing, ready: await playing.ready }
}

const folders: string[] = []
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-'))
  folders.push(path)
  return path
}
afterAll(() => {
  for (const playing of running) playing.signal('SIGKILL')
  for (const path of folders) rmSync(path, { recursive: true, force: true })
})

const events = (name: string, size: number) =>
  JSON.stringify(Array.from({ length: size }, (_, at) => ({ id: `${name}-${at}`, event_name: name, actor_id: 'a' })))

describe('collector, worker and api on one data directory, everything embedded', () => {
  const data = folder()
  let collector: RoleProcess
  let worker: RoleProcess
  let api: RoleProcess

  beforeAll(async () => {
    ;[collector, worker, api] = await Promise.all([play('collector', data), play('worker', data), play('api', data)])
  })

  it('say in one line each what they are, and null for the rest', () => {
    expect(collector.stdout().split('\n')).toHaveLength(2)
    const nobody = { collector: null, api: null, otlp: null, grpc: null, worker: null }
    const nothing = { supervisor: null, collector: null, worker: null, api: null, engine: null }
    const address = expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string
    const pid = expect.any(Number) as number
    expect(collector.ready).toEqual({
      ...nobody,
      collector: address,
      otlp: collector.ready.otlp,
      grpc: collector.ready.grpc,
      pid: { ...nothing, collector: pid },
      ms: pid,
    })
    expect(worker.ready).toEqual({ ...nobody, worker: address, pid: { ...nothing, worker: pid, engine: pid }, ms: pid })
    expect(api.ready).toEqual({ ...nobody, api: address, pid: { ...nothing, api: pid }, ms: pid })
  })

  it('do together what start does: take, load, answer, and know of each other', async () => {
    await send(`${collector.ready.collector}/v1/events`, events('together', 200))
    await settled(api.ready.api!)
    expect(await count(api.ready.api!, "event_name = 'together'")).toBe(200)
    const { body } = await getJson<Record<string, unknown>>(`${api.ready.api}/api/v1/status`)
    expect(body).toMatchObject({
      collector: collector.ready.collector,
      api: api.ready.api,
      pid: {
        supervisor: null,
        collector: collector.ready.pid['collector'],
        worker: worker.ready.pid['worker'],
        engine: worker.ready.pid['engine'],
        api: api.ready.pid['api'],
      },
      jobs: [{ job: 'load', worker: expect.stringMatching(/:\d+$/), state: 'running' }],
      problems: [],
    })
    const own = await getJson<Record<string, unknown>>(`${worker.ready.worker}/api/v1/status`)
    expect(own.body).toMatchObject({ jobs: [{ job: 'load', state: 'running' }], lag: { events: 0 } })
    expect(await (await fetch(`${worker.ready.worker}/metrics`)).text()).toMatch(
      /millrace_load_rows\{[^}]*role="worker"/,
    )
    expect((await fetch(`${worker.ready.worker}/health/ready`)).status).toBe(200)
    expect((await fetch(`${worker.ready.worker}/api/v1/sql`, { method: 'POST' })).status).toBe(404)
  })

  it('are refused a second time, and beside a supervisor, with the process that is in the way', async () => {
    for (const role of ['collector', 'worker'] as const) {
      const second = await cli([role, '--data', data], { env: anyPorts })
      expect([second.code, second.stderr]).toEqual([
        1,
        expect.stringContaining(
          `${data} has a ${role} already, process ${(role === 'worker' ? worker : collector).ready.pid[role]}`,
        ),
      ])
    }
    const whole = await cli(['start', '--data', data], { env: anyPorts })
    expect([whole.code, whole.stderr]).toEqual([
      1,
      expect.stringMatching(/is used by `millrace (collector|worker|api)`, process \d+/),
    ])
    expect((await fetch(`${collector.ready.collector}/health/live`)).status).toBe(200)
  })

  it('may have several APIs', async () => {
    const other = await play('api', data)
    expect(await count(other.ready.api!, "event_name = 'together'")).toBe(200)
    expect(await other.end('SIGTERM')).toBe(0)
    expect((await fetch(`${api.ready.api}/health/live`)).status).toBe(200)
  })

  it('survive each other: events are taken while the worker is killed, its engine ends with it, the next loads them', async () => {
    const engine = worker.ready.pid['engine']!
    await worker.end('SIGKILL')
    await eventually(() => (isAlive(engine) ? undefined : true), 3000, 'the end of the engine')
    await send(`${collector.ready.collector}/v1/events`, events('meanwhile', 100))
    const { body } = await getJson<{ reason: string }>(`${api.ready.api}/health/live`)
    expect(body).toEqual({ status: 'ok' })
    worker = await play('worker', data, {}, ['--jobs', 'load'])
    await settled(api.ready.api!)
    expect(await count(api.ready.api!, "event_name = 'meanwhile'")).toBe(100)
    await collector.end('SIGKILL')
    collector = await play('collector', data)
    expect(await send(`${collector.ready.collector}/v1/events`, events('meanwhile', 100))).toMatchObject({
      duplicate: 100,
    })
  })

  it('end cleanly at SIGTERM, each by itself, and leave nothing of theirs', async () => {
    const slow = post(`${collector.ready.collector}/v1/events`, events('last', 50))
    expect((await slow).status).toBe(200)
    const engine = worker.ready.pid['engine']!
    expect(await Promise.all([collector.end('SIGTERM'), api.end('SIGTERM'), worker.end('SIGTERM')])).toEqual([0, 0, 0])
    // Whoever does not end within its time says 1.
    expect(isAlive(engine)).toBe(false)
    expect(readdirSync(join(data, 'run'))).toEqual([])
    expect(readdirSync(data).filter((name) => name.startsWith('LOCK'))).toEqual([])
    // What was acknowledged and not yet loaded is loaded by whoever comes next, also under a supervisor.
    const whole = createInstance({ dataDir: data })
    const ready = await whole.start()
    const beside = await cli(['api', '--data', data], { env: anyPorts })
    expect([beside.code, beside.stderr]).toEqual([
      1,
      expect.stringMatching(/is held by `millrace start`, process \d+, which has all roles/),
    ])
    await settled(ready.api)
    expect(await count(ready.api, "event_name = 'last'")).toBe(50)
    expect(await whole.stop()).toBe(0)
  })
})

describe('roles on a ClickHouse server by URL', () => {
  let server: ClickHouseServer
  beforeAll(async () => {
    server = await createClickHouseServer({
      users: [askingUser({ name: 'ask_default', secret: 'a', project: 'default' })],
    })
    await server.start()
  })
  afterAll(() => server.dispose())
  const roles: RoleProcess[] = []
  afterEach(async () => {
    for (const role of roles.splice(0)) await role.end('SIGKILL')
  })

  it('start in any order; only the worker makes the tables; two workers share the work', async () => {
    const data = folder()
    const env = {
      MILLRACE_STORE_URL: server.url,
      MILLRACE_STORE_USER: server.user,
      MILLRACE_STORE_PASSWORD: server.password,
      MILLRACE_STORE_ASKING: '{"default":{"user":"ask_default","password":"a"}}',
    }
    const api = await play('api', data, env)
    const collector = await play('collector', data, env)
    roles.push(api, collector)
    await send(`${collector.ready.collector}/v1/events`, events('ordered', 100))
    expect(await server.sql("SELECT name FROM system.databases WHERE name = 'millrace'")).toEqual([])
    const status = async () =>
      (await getJson<{ problems: string[]; jobs: { worker: string }[] }>(`${api.ready.api}/api/v1/status`)).body
    expect((await status()).problems.join('\n')).toMatch(/no worker has reported.*`millrace worker`/)
    expect((await fetch(`${api.ready.api}/health/ready`)).status).toBe(503)

    const workers = await Promise.all([play('worker', data, env), play('worker', data, env)])
    roles.push(...workers)
    expect(workers[0].ready.pid['engine']).toBeNull()
    expect(existsSync(join(data, 'engine'))).toBe(false)
    await settled(api.ready.api!)
    expect(await ask(api.ready.api!, 'SELECT count() AS n, uniqExact(id) AS ids FROM events')).toEqual([
      { n: '100', ids: '100' },
    ])
    await eventually(async () => ((await status()).jobs.length === 2 ? true : undefined))
    expect((await status()).problems).toEqual([])
    expect((await fetch(`${api.ready.api}/health/ready`)).status).toBe(200)
  })
})

describe('a role that cannot be played', () => {
  it.each([
    ['worker', ['--jobs', 'lode'], 3, /worker\.jobs\.0.*load/],
    ['collector', ['--set', 'collector.port=x'], 3, /collector\.port/],
    ['api', ['--api-host', '0.0.0.0', '--set', 'auth=open'], 3, /api\.host/],
    ['worker', ['--nonsense'], 2, /unknown option/],
  ])('%s %j ends with its reason', async (role, args, code, says) => {
    const result = await cli([role, '--data', folder(), ...args], { env: anyPorts })
    expect([result.code, result.stdout]).toEqual([code, ''])
    expect(result.stderr).toMatch(says)
  })

  it('says when its port is taken, and leaves the directory free', async () => {
    const data = folder()
    const first = await play('collector', folder())
    const port = new URL(first.ready.collector!).port
    const result = await cli(['collector', '--data', data, '--port', port], {
      env: { ...anyPorts, MILLRACE_COLLECTOR_PORT: '' },
    })
    expect([result.code, result.stderr]).toEqual([expect.any(Number), expect.stringContaining(port)])
    expect(result.code).not.toBe(0)
    expect(readdirSync(data).filter((name) => name.startsWith('LOCK'))).toEqual([])
    expect(await first.end('SIGINT')).toBe(0)
  })
})
