import { setTimeout as sleep } from 'node:timers/promises'
import { type EventColumns, packLogPosition } from '@millrace/protocol'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/deps.ts'
import { type Log, type LogRecord, topics } from '../log/log.ts'
import { type EngineUnderTest, startEngine } from '../testing/engine-store.ts'
import { groupCommit, trafficStart } from '../testing/log-traffic.ts'
import { memoryLog } from '../testing/memory-log.ts'
import type { JobContext } from './job.ts'
import { createLoad } from './load.ts'
import { encodeEvents } from './load-events.ts'
import { createRunner, type RunnerOptions } from './runner.ts'

const live = new AbortController().signal
const deps = () => ({ clock: systemClock, logger: silentLogger, metrics: new Registry() })
const dayMs = 86_400_000

let engine: EngineUnderTest
beforeAll(async () => {
  engine = await startEngine()
})
afterAll(() => engine.close())
beforeEach(async () => {
  for (const table of ['events', 'outcomes', 'ledger', 'quarantine']) await engine.sql(`TRUNCATE TABLE ${table} SYNC`)
})

const runner = (log: Log, limits: RunnerOptions['limits'] = { ms: 20 }) =>
  createRunner({ job: createLoad(engine.store, deps()), log, limits }, deps())

async function drained(log: Log): Promise<void> {
  for (let waits = 0; waits < 9_000; waits++) {
    const committed = await log.committed('load')
    const behind = await Promise.all(
      topics.map(async (topic) =>
        (await log.bounds(topic)).some(({ partition, first, next }) => {
          const at = committed.find((each) => each.topic === topic && each.partition === partition)
          return (at?.offset ?? first) < next
        }),
      ),
    )
    if (!behind.includes(true)) return
    await sleep(10)
  }
  throw new Error('the job did not come to the end of the log within 90 s')
}

const count = async (what: string, table = 'events') =>
  Number((await engine.rows(`SELECT ${what} AS n FROM ${table}`))[0]?.['n'])

function records(commits: ReturnType<typeof groupCommit>[]): LogRecord[] {
  return commits.flatMap((commit, offset) => commit.map((record) => ({ ...record, offset })))
}

const context = (plan: string, verify = false): JobContext => ({
  plan,
  epoch: 7,
  attempt: 1,
  verify,
  signal: live,
})

describe('load, with a real engine', () => {
  it('fills every kind of column, and leaves absent what is absent', async () => {
    const log = memoryLog()
    const columns = (index: number): EventColumns =>
      index === 0
        ? {
            duration_ms: 0,
            bot_verified: false,
            timestamp_ns: 1_793_491_200_000_000_001n,
            started_at: trafficStart - 5,
            properties: { price: 1.5, big: 9_007_199_254_740_993n, 'a.b': [1, null], nested: { x: 'é' } },
            db_before: { id: 1 },
            replay_data: Uint8Array.of(0, 255, 10),
            event_source: 'elsewhere',
            visibility: 'tenant',
          }
        : {}
    await log.append(groupCommit({ batch: 1, events: 2, quarantined: 1, duplicates: 1, columns }), {}, live)
    const load = runner(log)
    await load.start(live)
    await drained(log)
    await load.stop()

    const [first, second] = await engine.rows('SELECT *, hex(replay_data) AS replay FROM events ORDER BY log_position')
    expect(first).toMatchObject({
      id: 'event-1-0',
      event_name: 'clicked',
      project: 'default',
      duration_ms: 0,
      bot_verified: false,
      timestamp_ns: '1793491200000000001',
      properties: { price: 1.5, big: '9007199254740993', a: { b: ['1', null] }, nested: { x: 'é' } },
      db_before: '{"id":1}',
      replay: '00FF0A',
      event_source: 'elsewhere',
      visibility: 'tenant',
      batch_id: 'batch-1',
      schema_version: 1,
      log_position: packLogPosition({ epoch: 7, partition: 0, offset: 0, index: 0 }).toString(),
    })
    expect(second).toMatchObject({
      id: 'event-1-1',
      duration_ms: null,
      bot_verified: null,
      timestamp_ns: null,
      properties: {},
      db_before: '',
      event_source: 'test',
    })
    const [bad] = await engine.rows('SELECT *, hex(sealed) AS seal, seal_key FROM quarantine')
    expect(bad).toMatchObject({ id: 'bad-1-0', reason: 'schema', seal: '010203', seal_key: 'k', index: 0 })
    expect(await engine.rows('SELECT outcome, sum(events) AS n FROM ledger GROUP BY outcome ORDER BY outcome')).toEqual(
      [
        { outcome: 'duplicate', n: '1' },
        { outcome: 'quarantined', n: '1' },
        { outcome: 'stored', n: '2' },
      ],
    )
    expect(await count('sum(count)', 'outcomes')).toBe(2)
  })

  it('splits events of 150 days into inserts that the engine takes', async () => {
    const load = createLoad(engine.store, deps())
    // expires_at in the far future, or the table's TTL would take the old ones at once.
    const columns = (index: number): EventColumns => ({
      id: `day-${index}`,
      timestamp: trafficStart - index * dayMs,
      expires_at: trafficStart + 400 * dayMs,
    })
    const plan = records([groupCommit({ batch: 1, events: 150, columns }), groupCommit({ batch: 2, events: 3 })])
    await load.process(plan, context('days'))
    await load.process(plan, context('days', true))
    expect(await count('count()')).toBe(153)
    expect(await count('uniqExact(log_position)')).toBe(153)
    expect(
      await count("countIf(id = concat('day-', toString(dateDiff('day', toDate(timestamp), toDate('2026-11-01')))))"),
    ).toBe(150)
  })

  it('inserts again only what a killed engine left out, as long as the plan is the same', async () => {
    const load = createLoad(engine.store, deps())
    const plan = records(Array.from({ length: 30 }, (_, batch) => groupCommit({ batch, events: 40, quarantined: 1 })))
    await load.process(plan, context('again'))
    // As if the engine had noted the token and lost the part: the token is known, a part's rows are gone.
    await engine.sql('ALTER TABLE events DELETE WHERE log_position % 3 = 0', [], { mutations_sync: '2' })
    await engine.sql('ALTER TABLE ledger DELETE WHERE 1', [], { mutations_sync: '2' })
    expect(await count('count()')).toBeLessThan(1_200)
    await load.process(plan, context('again', true))
    expect(await count('count()')).toBe(1_200)
    expect(await count('uniqExact(id)')).toBe(1_200)
    expect(await count('sum(events)', 'ledger')).toBe(1_230)
    await load.process(plan, context('again', true))
    expect(await count('count()')).toBe(1_200)
    expect(await count('count()', 'quarantine')).toBe(30)
  })

  it('loses nothing and stores nothing twice while the engine is killed again and again', async () => {
    const log = memoryLog()
    const load = runner(log, { ms: 5, events: 400 })
    await load.start(live)
    let batches = 0
    let isSending = true
    const send = async () => {
      while (isSending) {
        await log.append(groupCommit({ batch: batches++, events: 50, quarantined: 1, duplicates: 2 }), {}, live)
        await sleep(3)
      }
    }
    const sending = send()
    for (let kill = 0; kill < 8; kill++) {
      await sleep(60 + kill * 37)
      await engine.restart()
    }
    isSending = false
    await sending
    await drained(log)
    await load.stop()
    expect(batches).toBeGreaterThan(100)
    expect(await count('count()')).toBe(batches * 50)
    expect(await count('uniqExact(id)')).toBe(batches * 50)
    expect(await count('count()', 'quarantine')).toBe(batches)
    expect(await count('sum(count)', 'outcomes')).toBe(batches * 3)
    expect(await count('sum(events)', 'ledger')).toBe(batches * 53)
  }, 240_000)

  it('takes a million different JSON keys in bounded memory, and finds them again', async () => {
    const before = process.memoryUsage().rss
    let key = 0
    for (let part = 0; part < 4; part++) {
      const columns = (): EventColumns => ({
        properties: { kind: 'x', ...Object.fromEntries(Array.from({ length: 25 }, () => [`id_${key++}`, key])) },
      })
      const commits = Array.from({ length: 10 }, (_, batch) =>
        groupCommit({ batch: part * 10 + batch, events: 1_000, columns }),
      )
      const events = records(commits).filter((record) => record.topic === 'events')
      const { block } = encodeEvents(
        events.map((record) => ({ ...record, offset: record.offset + part * 10 })),
        7,
      )
      await engine.store.insert(block, `keys/${part}`, live)
    }
    expect(key).toBe(1_000_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(600e6)
    expect(await count("countIf(properties.kind = 'x')")).toBe(40_000)
    expect(await count('countIf(properties.id_999999 = 1000000)')).toBe(1)
  })
})
