import { Client } from 'pg'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createPostgresServer, postgresMissing, type PostgresServer } from '../../../../../test/support/postgres.ts'
import { eventually } from '../../../../../test/support/instance.ts'
import { systemClock } from '../../core/clock.ts'
import { type Deps, type Logger, silentLogger } from '../../core/deps.ts'
import { testState } from '../state.contract.ts'
import type { State } from '../state.ts'
import { postgresStateConfig } from './config.ts'
import { postgresStateDriver } from './driver.ts'

const missing = postgresMissing()
const never = new AbortController().signal
const bytes = (text: string) => new TextEncoder().encode(text)

const newDeps = (logger: Logger = silentLogger): Deps => ({ clock: systemClock, logger, metrics: new Registry() })

const opened: State[] = []
let tables = 0
const newTable = () => `t${tables++}`
async function open(url: string, table = newTable(), deps = newDeps()): Promise<State> {
  const state = postgresStateDriver.create({ driver: 'postgres', url, table }, deps)
  opened.push(state)
  await state.start(never)
  return state
}

async function run(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

describe.skipIf(missing !== undefined)('PostgreSQL', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await createPostgresServer(['fsync=off'])
    await server.start()
  })
  afterEach(async () => {
    for (const state of opened.splice(0)) await state.stop()
  })
  afterAll(() => server?.dispose())

  testState('PostgreSQL', async () => {
    const table = newTable()
    const [one, other] = [await open(server.url, table), await open(server.url, table)]
    const close = async () => {
      await one.stop()
      await other.stop()
    }
    return {
      one,
      other,
      close,
      async reopen() {
        await close()
        return await open(server.url, table)
      },
    }
  })

  it('lets several processes make its table at the same moment', async () => {
    const table = newTable()
    const states = await Promise.all(Array.from({ length: 6 }, () => open(server.url, table)))
    const puts = await Promise.all(states.map((state) => state.putIfVersion('a', bytes('1'), 0)))
    expect(puts.filter(Boolean)).toHaveLength(1)
  })

  it('keeps the keys of two tables apart', async () => {
    const [shop, blog] = [await open(server.url), await open(server.url)]
    expect(await shop.putIfVersion('a', bytes('1'), 0)).toBe(true)
    expect(await blog.get('a')).toBeUndefined()
  })

  it('keeps what was put when PostgreSQL is killed, and goes on by itself when it is back', async () => {
    const own = await createPostgresServer()
    const deps = newDeps()
    try {
      await own.start()
      const state = await open(own.url, newTable(), deps)
      expect(await state.putIfVersion('a', bytes('1'), 0)).toBe(true)
      await own.kill9()
      await expect(state.get('a')).rejects.toMatchObject({ code: 'unavailable', retry: 'later' })
      await expect(state.putIfVersion('b', bytes('1'), 0)).rejects.toMatchObject({ code: 'unavailable' })
      const metric = await deps.metrics.getSingleMetric('millrace_kv_errors_total')?.get()
      expect(metric?.values.map(({ labels }) => labels['op'])).toEqual(['state_get', 'state_put'])
      await own.start()
      expect(Buffer.from((await state.get('a'))?.value ?? []).toString()).toBe('1')
    } finally {
      await own.dispose()
    }
  })

  it('waits at its start for a PostgreSQL that comes later', async () => {
    const late = await createPostgresServer(['fsync=off'])
    const warnings: string[] = []
    try {
      const opening = open(
        late.url,
        newTable(),
        newDeps({ ...silentLogger, warn: (_, text) => void warnings.push(text) }),
      )
      await eventually(() => warnings[0])
      await late.start()
      expect(await (await opening).putIfVersion('a', bytes('1'), 0)).toBe(true)
      expect(warnings).toEqual(['PostgreSQL is not there yet; waiting for it'])
    } finally {
      await late.dispose()
    }
  })

  it('refuses to start without PostgreSQL, and says where it looked', async () => {
    const url = 'postgres://me:top-secret@127.0.0.1:1/events'
    const error = await open(url).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/127\.0\.0\.1:1\/events.*ECONNREFUSED/),
    })
    expect(String(error)).not.toContain('top-secret')
  })

  it('ends its wait when it is told to stop', async () => {
    const state = postgresStateDriver.create(
      { driver: 'postgres', url: 'postgres://me@127.0.0.1:1/x', table: 'x' },
      newDeps(),
    )
    await expect(state.start(AbortSignal.timeout(300))).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('refuses at once what waiting does not cure: database, rights, TLS', async () => {
    await run(server.url, 'CREATE ROLE guest LOGIN')
    const wrong = [
      [server.url.replace(/postgres$/, 'nowhere'), /database "nowhere" does not exist; correct state\.url/],
      [server.url.replace('postgres@', 'nobody@'), /role "nobody" does not exist/],
      [server.url.replace('postgres@', 'guest@'), /permission denied for schema public/],
      [`${server.url}?sslmode=verify-full`, /does not support SSL/],
    ] as const
    for (const [url, message] of wrong)
      await expect(open(url)).rejects.toMatchObject({ code: 'config', message: expect.stringMatching(message) })
  })

  it('refuses a server that would acknowledge before it has synced', async () => {
    await run(server.url, 'CREATE ROLE hasty LOGIN SUPERUSER; ALTER ROLE hasty SET synchronous_commit = off')
    await expect(open(server.url.replace('postgres@', 'hasty@'))).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('synchronous_commit'),
    })
  })

  it('refuses a table that is not ours, or that a newer release has made', async () => {
    await run(server.url, 'CREATE TABLE theirs (a int)')
    await expect(open(server.url, 'theirs')).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('state.table'),
    })
    await run(server.url, `CREATE TABLE ours (a int); COMMENT ON TABLE ours IS 'millrace state, format 2'`)
    await expect(open(server.url, 'ours')).rejects.toMatchObject({ code: 'newer_version' })
  })
})

describe('the configuration of the PostgreSQL state', () => {
  it('takes an address and a table, and has a name for the table', () => {
    const url = 'postgres://me:p@db:5432/events?sslmode=verify-full'
    expect(postgresStateConfig.parse({ driver: 'postgres', url })).toEqual({
      driver: 'postgres',
      url,
      table: 'millrace_state',
    })
  })

  it('refuses what is no address, and a table whose name would have to be quoted', () => {
    for (const url of ['', 'db:5432', 'mysql://db', 'postgres://'])
      expect(postgresStateConfig.safeParse({ driver: 'postgres', url }).success, url).toBe(false)
    const url = 'postgresql://db/events'
    for (const table of ['', 'a b', 'Upper', 'a;drop', 'x'.repeat(51)])
      expect(postgresStateConfig.safeParse({ driver: 'postgres', url, table }).success, table).toBe(false)
  })
})
