import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import { type Log, type LogRecord, type Topic, topics } from '../log/log.ts'
import type { Store } from '../stores/store.ts'
import { groupCommit } from '../testing/log-traffic.ts'
import { type MemoryLog, memoryLog } from '../testing/memory-log.ts'
import { type InsertFate, type MemoryStore, memoryStore } from '../testing/memory-store.ts'
import { createLoad } from './load.ts'
import { createPlan, type Range, startOf, writeNote } from './plan.ts'
import { createRunner, type Runner } from './runner.ts'

const live = new AbortController().signal
/** Back-off without the waiting. */
const hasty: Clock = { now: Date.now, sleep: (_ms, signal) => systemClock.sleep(1, signal) }

/** A process that dies at its `dieAt`-th step: a step is the moment before or after anything that can be seen from outside. */
function createProcess(log: Log, store: Store, dieAt: number) {
  let step = 0
  let isDead = false
  let tellDeath = () => {}
  const death = new Promise<void>((resolve) => {
    tellDeath = resolve
  })
  const reach = () => {
    if (++step === dieAt) {
      isDead = true
      tellDeath()
    }
    if (isDead) throw new PipelineError('unavailable', 'this process is dead')
  }
  const around = async <T>(action: () => Promise<T>): Promise<T> => {
    reach()
    const result = await action()
    reach()
    return result
  }
  const mortalLog: Log = {
    ...log,
    append: (records, options, signal) => around(() => log.append(records, options, signal)),
    commit: (membership, positions, note) => around(() => log.commit(membership, positions, note)),
  }
  const mortalStore: Store = {
    ...store,
    insert: (block, token, signal) => around(() => store.insert(block, token, signal)),
    positions: (table, ranges, signal) => around(() => store.positions(table, ranges, signal)),
    stopQuery: (id, signal) => around(() => store.stopQuery(id, signal)),
  }
  return { runner: startableRunner(mortalLog, mortalStore), death, steps: () => step }
}

function startableRunner(log: Log, store: Store): Runner {
  const deps = { clock: hasty, logger: silentLogger, metrics: new Registry() }
  const limits = { ms: 2, events: 20 }
  return createRunner({ job: createLoad(store, deps), log, limits, stopMs: 0 }, deps)
}

async function isDrained(log: Log): Promise<boolean> {
  const committed = await log.committed('load')
  for (const topic of topics) {
    for (const { partition, first, next } of await log.bounds(topic)) {
      const position = committed.find((each) => each.topic === topic && each.partition === partition)
      if ((position?.offset ?? first) < next) return false
    }
  }
  return true
}

async function drained(log: Log): Promise<void> {
  for (let waits = 0; waits < 2_000; waits++) {
    if (await isDrained(log)) return
    await sleep(1)
  }
  throw new Error('the job did not come to the end of the log within 2 s')
}

const recordsOf = (log: MemoryLog, topic: Topic) => log.all(topic).length

/** Nothing lost, nothing twice, in any table. */
function expectExactlyOnce(
  store: MemoryStore,
  sent: { events: number; quarantined: number; duplicates: number },
): void {
  const ids = store.column('events', 'id')
  expect(new Set(ids).size).toBe(sent.events)
  expect(ids.length).toBe(sent.events)
  const quarantined = store.column('quarantine', 'id')
  expect(new Set(quarantined).size).toBe(sent.quarantined)
  expect(quarantined.length).toBe(sent.quarantined)
  const outcomes = store.column('outcomes', 'count') as bigint[]
  expect(Number(outcomes.reduce((sum, count) => sum + count, 0n))).toBe(sent.quarantined + sent.duplicates)
  const ledger = store.column('ledger', 'events') as bigint[]
  expect(Number(ledger.reduce((sum, count) => sum + count, 0n))).toBe(sent.events + sent.quarantined + sent.duplicates)
  const expiries = store.column('expiries', 'events') as bigint[]
  expect(Number(expiries.reduce((sum, count) => sum + count, 0n))).toBe(sent.events)
}

const traffic = [
  { batch: 1, events: 7, quarantined: 2, duplicates: 0 },
  { batch: 2, events: 9, quarantined: 0, duplicates: 3 },
  { batch: 3, events: 8, quarantined: 1, duplicates: 3 },
  { batch: 4, events: 5, quarantined: 1, duplicates: 0 },
]
const late = { events: 2, quarantined: 1, duplicates: 1 }
const sent = { events: 29, quarantined: 4, duplicates: 6 }

async function loadedLog(): Promise<MemoryLog> {
  const log = memoryLog({ partitions: 2 })
  for (const each of traffic)
    await log.append(
      groupCommit({ ...each, partition: each.batch % 2, columns: (i) => ({ properties: { i } }) }),
      {},
      live,
    )
  return log
}

describe('a load job that is killed', () => {
  it('loses nothing and stores nothing twice, at whichever step it dies', async () => {
    let deaths = 0
    for (let dieAt = 1; ; dieAt++) {
      const log = await loadedLog()
      const store = memoryStore()
      const first = createProcess(log, store, dieAt)
      await first.runner.start(live)
      const end = await Promise.race([first.death.then(() => 'died'), drained(log).then(() => 'done')])
      await first.runner.stop()
      if (end === 'done') break
      deaths++
      // More has come meanwhile: without the note the next plan would be another one.
      await log.append(groupCommit({ batch: 5, ...late, partition: 1 }), {}, live)
      const second = startableRunner(log, store)
      await second.start(live)
      await drained(log)
      await second.stop()
      expectExactlyOnce(store, {
        events: sent.events + late.events,
        quarantined: sent.quarantined + late.quarantined,
        duplicates: sent.duplicates + late.duplicates,
      })
    }
    expect(deaths).toBeGreaterThan(20)
  })

  it('stores all rows when the engine was killed between its token and the rows', async () => {
    for (let lost = 1; lost <= 8; lost++) {
      const log = await loadedLog()
      const store = memoryStore({ onInsert: (call) => (call === lost ? 'lose-rows' : 'store') })
      const runner = startableRunner(log, store)
      await runner.start(live)
      await drained(log)
      await runner.stop()
      expectExactlyOnce(store, sent)
      expect(store.inserts.some(({ token }) => token.includes('/again-'))).toBe(true)
    }
  })

  it('keeps every row exactly once under any schedule of deaths, lost answers and lost rows', async () => {
    const fates: InsertFate[] = ['store', 'away', 'lose-answer', 'lose-rows', 'unknown']
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 4 }),
        fc.array(fc.constantFrom(...fates), { maxLength: 20 }),
        fc.array(fc.record({ events: fc.nat(12), quarantined: fc.nat(2), duplicates: fc.nat(3) }), {
          minLength: 1,
          maxLength: 5,
        }),
        async (deaths, plannedFates, batches) => {
          const log = memoryLog({ partitions: 2 })
          const store = memoryStore({ onInsert: (call) => plannedFates[call - 1] ?? 'store' })
          const total = { events: 0, quarantined: 0, duplicates: 0 }
          const append = async (from: number, to: number) => {
            for (let batch = from; batch < to; batch++) {
              const each = batches[batch] as (typeof batches)[number]
              total.events += each.events
              total.quarantined += each.quarantined
              total.duplicates += each.duplicates
              await log.append(groupCommit({ ...each, batch, partition: batch % 2 }), {}, live)
            }
          }
          const half = Math.ceil(batches.length / 2)
          await append(0, half)
          for (const dieAt of deaths) {
            const process = createProcess(log, store, dieAt)
            await process.runner.start(live)
            await Promise.race([process.death, drained(log)])
            await process.runner.stop()
          }
          await append(half, batches.length)
          const last = startableRunner(log, store)
          await last.start(live)
          await drained(log)
          await last.stop()
          expectExactlyOnce(store, total)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('leaves two members of a group, one of them fenced, with one result', async () => {
    const log = await loadedLog()
    const store = memoryStore()
    const one = startableRunner(log, store)
    const two = startableRunner(log, store)
    await one.start(live)
    await two.start(live)
    await drained(log)
    await Promise.all([one.stop(), two.stop()])
    expectExactlyOnce(store, sent)
    expect(recordsOf(log, 'deadletters')).toBe(0)
  })
})

/** Two members: each notes a plan of its own partitions, stores the events of it, and is gone. */
async function dieWithPlans(log: MemoryLog, store: MemoryStore): Promise<void> {
  const clients = [log.another(), log.another()]
  const members = await Promise.all(clients.map((client) => client.join('load', topics, async () => {}, live)))
  await sleep(5)
  for (const [i, membership] of members.entries()) {
    const records: LogRecord[] = []
    const ranges: Range[] = []
    for (const { topic, partition, offset } of membership.owned()) {
      const read = await log.read({ topic, partition, offset }, { bytes: 1e9, waitMs: 0 }, live)
      if (read.length > 0) ranges.push({ topic, partition, from: offset, to: offset + read.length })
      if (topic === 'events') records.push(...read)
    }
    const plan = createPlan('load', log.epoch(), ranges)
    await clients[i]!.commit(membership, startOf(plan), writeNote(plan))
    const cx = { plan: plan.id, epoch: log.epoch(), attempt: 1, verify: false, signal: live }
    const deps = { clock: hasty, logger: silentLogger, metrics: new Registry() }
    // Without the ledger and the expiries, which come last.
    const cut: Store = {
      ...store,
      insert: async (block, token, signal) => {
        if (block.table === 'events') await store.insert(block, token, signal)
      },
    }
    await createLoad(cut, deps).process(records, cx)
  }
  for (const client of clients) await client.stop()
}

describe('a member that takes over from several that died', () => {
  it('ends the plans of all of them, at whichever step it dies itself', async () => {
    let deaths = 0
    for (let dieAt = 1; ; dieAt++) {
      const log = memoryLog({ partitions: 2 })
      const store = memoryStore()
      for (const { batch, events } of traffic)
        await log.append(groupCommit({ batch, events, partition: batch % 2 }), {}, live)
      await dieWithPlans(log, store)
      expect(new Set((await log.committed('load')).map(({ note }) => note)).size).toBe(2)

      const third = createProcess(log, store, dieAt)
      await third.runner.start(live)
      const end = await Promise.race([third.death.then(() => 'died'), drained(log).then(() => 'done')])
      await third.runner.stop()
      await log.append(groupCommit({ batch: 5, events: 2, partition: 0 }), {}, live)
      await log.append(groupCommit({ batch: 6, events: 3, partition: 1 }), {}, live)
      const last = startableRunner(log, store)
      await last.start(live)
      await drained(log)
      await last.stop()
      expectExactlyOnce(store, { events: 34, quarantined: 0, duplicates: 0 })
      if (end === 'done') break
      deaths++
    }
    expect(deaths).toBeGreaterThan(10)
  })
})

describe('a store that lacks memory', () => {
  const run = async (log: MemoryLog, store: MemoryStore, until: () => boolean = () => false) => {
    const deps = { clock: hasty, logger: silentLogger, metrics: new Registry() }
    const runner = createRunner({ job: createLoad(store, deps), log, limits: { ms: 2, events: 1000 }, stopMs: 0 }, deps)
    await runner.start(live)
    for (let waits = 0; waits < 2_000 && !until() && !(await isDrained(log)); waits++) await sleep(1)
    const status = await runner.status()
    await runner.stop()
    return status
  }

  it.each([1, 2, 5, 8])('gets a block of any size in pieces of at most %i rows, each row once', async (rowsMax) => {
    const log = await loadedLog()
    const store = memoryStore({ onInsert: (_call, { rows }) => (rows > rowsMax ? 'too-big' : 'store') })
    const status = await run(log, store)
    expect(await isDrained(log)).toBe(true)
    expectExactlyOnce(store, { events: 29, quarantined: 4, duplicates: 6 })
    expect(status.deadLetters).toBe(0)
  })

  it('loses nothing and stores nothing twice when answers are lost meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.infiniteStream(
          fc.constantFrom<InsertFate>('store', 'too-big', 'lose-answer', 'lose-rows', 'unknown', 'away'),
        ),
        async (fates) => {
          const log = await loadedLog()
          let calls = 0
          const store = memoryStore({
            onInsert: () => (++calls > 60 ? 'store' : (fates.next().value as InsertFate)),
          })
          const status = await run(log, store)
          expect(await isDrained(log)).toBe(true)
          expectExactlyOnce(store, { events: 29, quarantined: 4, duplicates: 6 })
          expect(status.deadLetters).toBe(0)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('never makes dead letters of what does not fit while it lacks memory for a single row', async () => {
    const log = await loadedLog()
    let calls = 0
    const store = memoryStore({ onInsert: () => (++calls > 100 ? 'store' : 'too-big') })
    const status = await run(log, store)
    expect(await isDrained(log)).toBe(true)
    expectExactlyOnce(store, { events: 29, quarantined: 4, duplicates: 6 })
    expect(status.deadLetters).toBe(0)
  })
})
