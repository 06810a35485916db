import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli } from '../support/cli.ts'
import { ask, createInstance, eventually, type Instance } from '../support/instance.ts'
import { post, send, settled } from '../support/pipeline.ts'
import { createPostgresServer, postgresMissing, type PostgresServer } from '../support/postgres.ts'
import { createRedisServer, redisMissing, type RedisServer } from '../support/redis.ts'

const events = (name: string, size: number) =>
  JSON.stringify(Array.from({ length: size }, (_, at) => ({ id: `${name}-${at}`, event_name: name, actor_id: 'a' })))

describe.skipIf((redisMissing() ?? postgresMissing()) !== undefined)('cache: redis, state: postgres', () => {
  let redis: RedisServer
  let postgres: PostgresServer
  let instance: Instance
  let collector: string
  let api: string
  let env: Record<string, string>
  let write: Record<string, string>
  let read: Record<string, string>
  let admin: Record<string, string>

  beforeAll(async () => {
    redis = await createRedisServer()
    postgres = await createPostgresServer()
    await redis.start()
    await postgres.start()
    env = { MILLRACE_CACHE_URL: redis.url, MILLRACE_STATE_URL: postgres.url }
    instance = createInstance({ env, args: ['--set', 'auth=keys'] })
    ;({ collector, api } = await instance.start())
    write = await newKey('write')
    read = await newKey('read')
    admin = await newKey('admin')
    // Known within a second.
    await eventually(async () => (await post(`${collector}/v1/events`, events('warm', 1), write)).ok || undefined)
    await eventually(async () => (await fetch(`${api}/api/v1/ledger`, { headers: admin })).ok || undefined)
    await eventually(async () => (await fetch(`${collector}/metrics`, { headers: admin })).ok || undefined)
  })
  afterAll(async () => {
    await instance?.dispose()
    await redis?.dispose()
    await postgres?.dispose()
  })

  async function newKey(scope: string): Promise<Record<string, string>> {
    const args = ['keys', 'create', '--scope', scope, '--data', instance.dataDir]
    const { code, stdout, stderr } = await cli(args, { env })
    if (code !== 0) throw new Error(stderr)
    return bearer(/mr_\w+?_[\w-]{43}/.exec(stdout)![0])
  }
  const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

  it('takes keys from PostgreSQL, and stores each event once', async () => {
    expect(await send(`${collector}/v1/events`, events('first', 40), write)).toMatchObject({ stored: 40, duplicate: 0 })
    expect(await send(`${collector}/v1/events`, events('first', 50), write)).toMatchObject({
      stored: 10,
      duplicate: 40,
    })
    await settled(api, read)
  })

  it('takes events without Redis too, and counts them', async () => {
    await redis.kill9()
    expect(await send(`${collector}/v1/events`, events('without', 30), write)).toMatchObject({ stored: 30 })
    expect(await send(`${collector}/v1/events`, events('without', 30), write)).toMatchObject({ duplicate: 30 })
    const metrics = await (await fetch(`${collector}/metrics`, { headers: admin })).text()
    expect(metrics).toMatch(/millrace_dedup_fail_open_total\{reason="cache",role="collector"\} 30/)
    expect(metrics).toMatch(/millrace_kv_errors_total\{op="cache_add",role="collector"\} [1-9]/)
    await redis.start()
  })

  it('goes on with the keys that it knows while PostgreSQL is gone', async () => {
    await postgres.kill9()
    expect(await send(`${collector}/v1/events`, events('stateless', 20), write)).toMatchObject({ stored: 20 })
    const { code, stderr } = await cli(['keys', 'list', '--data', instance.dataDir], { env })
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/PostgreSQL at postgres:\/\/127\.0\.0\.1:\d+\/postgres/)
    await postgres.start()
    const another = await newKey('write')
    await eventually(async () => (await post(`${collector}/v1/events`, events('warm', 1), another)).ok || undefined)
    await settled(api, read)
    const [row] = await ask<{ n: string }>(
      api,
      `SELECT count() AS n FROM events WHERE event_name = 'stateless'`,
      {},
      read,
    )
    expect(Number(row?.n)).toBe(20)
  })

  it('knows after a restart what it stored, with a Redis that is empty and one that is not there', async () => {
    await redis.kill9()
    await instance.stop()
    ;({ collector, api } = await instance.start())
    expect(await send(`${collector}/v1/events`, events('first', 50), write)).toMatchObject({ stored: 0, duplicate: 50 })
    await redis.start()
    expect(await send(`${collector}/v1/events`, events('without', 30), write)).toMatchObject({ duplicate: 30 })
  })

  it('is not started when PostgreSQL refuses it, and says why in one sentence', async () => {
    const lost = createInstance({ env: { ...env, MILLRACE_STATE_URL: postgres.url.replace(/postgres$/, 'nowhere') } })
    try {
      await expect(lost.start()).rejects.toThrow(/database "nowhere" does not exist; correct state\.url/)
    } finally {
      await lost.dispose()
    }
  })
})
