import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PipelineError } from '../../core/errors.ts'
import { codeOf, eventsBlock, never, recordRange, recordRows, testStore } from '../store.contract.ts'
import type { Store } from '../store.ts'
import { createClickHouseStore } from './driver.ts'
import { type EngineFixture, engineFixture } from './engine.fixture.ts'
import { engineArguments } from './engine/engine.ts'

testStore('the store on our own engine', async () => {
  const engine = engineFixture()
  await engine.start()
  const store = createClickHouseStore({ address: { embedded: engine.runFile } })
  await store.start(never)
  return {
    store,
    async close() {
      await store.stop()
      await engine.close()
    },
  }
})

testStore('the store on a server by URL', async () => {
  const engine = engineFixture()
  await engine.start()
  const { url, service } = engine.run()
  // Another database than the engine's own, made by the driver.
  const store = createClickHouseStore({ address: { server: { url, ...service, database: 'elsewhere' } } })
  await store.start(never)
  return {
    store,
    async close() {
      await store.stop()
      await engine.close()
    },
  }
})

describe('the engine', () => {
  let engine: EngineFixture
  let store: Store
  beforeAll(async () => {
    engine = engineFixture()
    await engine.start()
    store = createClickHouseStore({ address: { embedded: engine.runFile } })
    await store.start(never)
  })
  afterAll(async () => {
    await store.stop()
    await engine.close()
  })
  const count = async (project: string) =>
    (
      await store.query('SELECT count() AS n FROM events WHERE project = {project:String}', { project }, {}, never)
    )[0]?.['n']

  it('keeps what it acknowledged over kill -9, and the same store finds it again', async () => {
    await store.insert(eventsBlock(recordRows('killed', 1, 1000)), 'killed/events/0', never)
    expect(await engine.end('SIGKILL')).toBe('SIGKILL')
    expect(await codeOf(store.query('SELECT 1', {}, {}, never))).toBe('unavailable')
    expect(await codeOf(store.insert(eventsBlock(recordRows('killed', 2, 1)), 'killed/events/1', never))).toBe(
      'unavailable',
    )
    const before = engine.run()
    await engine.start()
    expect(engine.run().service.password).not.toBe(before.service.password)
    expect(await count('killed')).toBe('1000')
    await store.insert(eventsBlock(recordRows('killed', 1, 1000)), 'killed/events/0', never)
    expect(await count('killed')).toBe('1000')
    expect(await store.positions('events', [recordRange(1)], never)).toHaveLength(1000)
  })

  it('says that the result is unknown when it dies during an insert', async () => {
    const rows = recordRows('dying', 3, 10_000)
    const insert = codeOf(store.insert(eventsBlock(rows), 'dying/events/0', never))
    await engine.end('SIGKILL')
    expect(['unknown_result', 'resolved']).toContain(await insert)
    await engine.start()
    const found = await store.positions('events', [recordRange(3)], never)
    expect([0, 10_000]).toContain(found.length)
  })

  it('ends in order when it is told to, and says 0', async () => {
    await store.insert(eventsBlock(recordRows('stopped', 4, 10)), 'stopped/events/0', never)
    expect(await engine.end('SIGTERM')).toBe('exit 0')
    await engine.start()
    expect(await count('stopped')).toBe('10')
  })

  it('dies with whoever holds the other end of its pipe', async () => {
    const { pid } = engine.child()
    const ended = once(engine.child(), 'exit')
    ;(engine.child().stdio[3] as unknown as { destroy(): void }).destroy()
    await ended
    expect(() => process.kill(pid!, 0)).toThrow()
    await engine.start()
  })

  it('says who holds a data directory that is in use', async () => {
    const second = engineFixture({ dataDir: engine.options.dataDir })
    await expect(second.start()).rejects.toThrow(`is held by process ${engine.child().pid}`)
    expect(await count('killed')).toBe('1000')
  })

  it('keeps its passwords where only its owner reads them, and none of them in its configuration', () => {
    const { dataDir } = engine.options
    for (const file of ['run/engine.json', 'engine/conf/users.xml', 'engine/conf/config.xml'])
      expect(statSync(join(dataDir, file)).mode & 0o777).toBe(0o600)
    const users = readFileSync(join(dataDir, 'engine/conf/users.xml'), 'utf8')
    expect(users).not.toContain(engine.run().service.password)
    expect(engineArguments(engine.options).join(' ')).not.toContain(engine.run().service.password)
  })

  it('has a database of its own, which no later need of ours meets as an Overlay', async () => {
    const [database] = await store.query("SELECT engine FROM system.databases WHERE name = 'millrace'", {}, {}, never)
    expect(database).toEqual({ engine: 'Atomic' })
  })

  it('gives nothing to who comes without a password', async () => {
    const ask = async (sql: string) => (await fetch(engine.run().url, { method: 'POST', body: sql })).text()
    for (const sql of [
      'SELECT * FROM millrace.events',
      "SELECT * FROM file('/etc/hostname', 'LineAsString')",
      'DROP TABLE millrace.events',
      'SHOW GRANTS FOR millrace',
    ])
      expect(await ask(sql)).toMatch(/ACCESS_DENIED|NOT_ENOUGH|UNKNOWN|Not enough privileges/)
    expect(await ask("SELECT count() FROM system.tables WHERE database = 'millrace'")).toBe('0\n')
    const wrong = await fetch(engine.run().url, {
      method: 'POST',
      body: 'SELECT 1',
      headers: { 'X-ClickHouse-User': 'millrace', 'X-ClickHouse-Key': '' },
    })
    expect(wrong.status).toBe(403)
  })

  it('refuses options that cannot be with the value and what is expected', async () => {
    const bad = engineFixture({ dataDir: engine.options.dataDir, projects: ['a\u0000b'] })
    await expect(bad.start()).rejects.toThrow('expected 1 to 128 characters')
    expect(await bad.end('SIGKILL')).toBe('exit 3')
  })

  it('takes any name of a project without its meaning anything', async () => {
    const names = [`o'brien "&<>`, "x' OR 1=1 --", '\\', 'ünïcode ✓', '</filter>']
    const other = engineFixture({ projects: names })
    await other.start()
    const otherStore = createClickHouseStore({ address: { embedded: other.runFile } })
    try {
      await otherStore.start(never)
      const rows = names.flatMap((project, index) => recordRows(project, index, index + 1))
      await otherStore.insert(eventsBlock(rows), 'names/events/0', never)
      for (const [index, project] of names.entries()) {
        const { user, password } = other.run().asking[project]!
        const answer = await fetch(other.run().url, {
          method: 'POST',
          body: 'SELECT count(), any(project) FROM events FORMAT JSONCompactEachRow',
          headers: { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password },
        })
        expect(await answer.json()).toEqual([index + 1, project])
      }
    } finally {
      await otherStore.stop()
      await other.close()
    }
  })

  it.runIf(process.platform === 'linux')('is small when idle', async () => {
    await engine.end('SIGKILL')
    await engine.start()
    await sleep(3000)
    const status = readFileSync(`/proc/${engine.child().pid}/status`, 'utf8')
    expect(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024).toBeLessThan(260)
  })

  it('waits at its start for an engine that is only starting', async () => {
    const late = engineFixture()
    const lateStore = createClickHouseStore({ address: { embedded: late.runFile } })
    const ready = lateStore.start(never)
    await late.start()
    await ready
    expect(await lateStore.query('SELECT count() AS n FROM events', {}, {}, never)).toEqual([{ n: '0' }])
    await lateStore.stop()
    await late.close()
  })

  it('gives up waiting when it is told to', async () => {
    const nobody = createClickHouseStore({ address: { embedded: '/nonexistent/engine.json' } })
    await expect(nobody.start(AbortSignal.timeout(100))).rejects.toThrow()
  })
})

it('finds no child of an engine left behind when its parent is killed', async () => {
  const engine = engineFixture()
  const script = `
    import { spawn, spawnSync } from 'node:child_process'
    const child = spawn(process.execPath, ${JSON.stringify(engineArguments(engine.options))}, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], detached: true })
    process.stdout.write(String(child.pid))
    setInterval(() => {}, 1000)`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [chunk] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(chunk.toString())
  // `kill(pid, 0)` would find a dead one too, until somebody has taken its exit code.
  const isAlive = () =>
    /^[^Z]/.test(spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim())
  await expect
    .poll(() => statSync(engine.runFile, { throwIfNoEntry: false }) !== undefined, { timeout: 20_000 })
    .toBe(true)
  expect(isAlive()).toBe(true)
  parent.kill('SIGKILL')
  await expect.poll(isAlive, { timeout: 1000, interval: 20 }).toBe(false)
  await engine.close()
})

it('tells a person which platforms have an engine', async () => {
  const { findEngineLibrary } = await import('./engine/library.ts')
  const real = process.platform
  Object.defineProperty(process, 'platform', { value: 'win32' })
  try {
    expect(findEngineLibrary).toThrow(PipelineError)
    expect(findEngineLibrary).toThrow(/WSL2.*store\.url/)
  } finally {
    Object.defineProperty(process, 'platform', { value: real })
  }
})
