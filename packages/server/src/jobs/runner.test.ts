import { setTimeout as sleep } from 'node:timers/promises'
import { decodeDeadLetter } from '@millrace/protocol'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import type { LogRecord } from '../log/log.ts'
import { groupCommit } from '../testing/log-traffic.ts'
import { type MemoryLog, memoryLog } from '../testing/memory-log.ts'
import { memoryStore } from '../testing/memory-store.ts'
import type { Job } from './job.ts'
import { createLoad } from './load.ts'
import { createRunner, type Runner, type RunnerOptions, type RunnerStatus } from './runner.ts'

const live = new AbortController().signal
/** Back-off without the waiting. */
const hasty: Clock = { now: Date.now, sleep: (_ms, signal) => systemClock.sleep(1, signal) }
const depsNow = () => ({ clock: hasty, logger: silentLogger, metrics: new Registry() })

function start(job: Job, log: MemoryLog, limits: RunnerOptions['limits'] = { ms: 2 }): Runner {
  return createRunner({ job, log, limits, stopMs: 0 }, depsNow())
}

async function until(runner: Runner, is: (status: RunnerStatus) => boolean): Promise<RunnerStatus> {
  for (let waits = 0; waits < 1_000; waits++) {
    const status = await runner.status()
    if (is(status)) return status
    await sleep(2)
  }
  throw new Error(`waited 2 s in vain: ${JSON.stringify(await runner.status())}`)
}

/** Flips a byte of the body, so that the checksum no longer fits. */
function broken<T extends { value: Uint8Array }>(record: T): T {
  const value = new Uint8Array(record.value)
  value[value.length - 1] = (value[value.length - 1] as number) ^ 1
  return { ...record, value }
}

const sum = (values: (string | bigint)[]) => values.reduce<number>((total, value) => total + Number(value), 0)

describe('a poison record', () => {
  it('becomes a dead letter after five attempts, while its neighbours are stored', async () => {
    const log = memoryLog()
    await log.append(groupCommit({ batch: 1, events: 3 }), {}, live)
    const [bad, ...rest] = groupCommit({ batch: 2, events: 4 })
    if (bad === undefined) throw new Error('no record')
    await log.append([broken(bad), ...rest], {}, live)
    await log.append(groupCommit({ batch: 3, events: 5, quarantined: 1 }), {}, live)

    const store = memoryStore()
    const load = createLoad(store, depsNow())
    const attempts: number[] = []
    const job: Job = {
      ...load,
      process(records, cx) {
        if (records.length > 1) attempts.push(cx.attempt)
        return load.process(records, cx)
      },
    }
    const runner = start(job, log, { ms: 50 })
    await runner.start(live)
    await until(runner, (status) => status.deadLetters === 1 && status.lag.events === 0)
    await runner.stop()

    expect(attempts.slice(0, 5)).toEqual([1, 2, 3, 4, 5])
    expect(new Set(store.column('events', 'id')).size).toBe(8)
    expect(store.column('events', 'id').length).toBe(8)
    const letters = log.all('deadletters').map((record) => decodeDeadLetter(record.value))
    expect(letters).toHaveLength(1)
    expect(letters[0]).toMatchObject({
      topic: 'events',
      partition: 0,
      offset: 1,
      job: 'load',
      attempts: 5,
      error: 'corrupt',
    })
    expect(Buffer.from(letters[0]!.value).toString('hex')).toBe(Buffer.from(broken(bad).value).toString('hex'))
    // 3 + 4 + 5 stored and 1 quarantined were counted; 4 move from stored to quarantined, so the sum stays.
    expect(sum(store.column('ledger', 'events'))).toBe(13)
    expect(store.column('ledger', 'events').map(Number)).toContain(-4)
    // One row per event that was counted, beside the one of batch 3.
    expect(store.column('quarantine', 'id')).toHaveLength(5)
    expect(store.column('quarantine', 'id')).toContain('record:events/0/1')
    expect(store.column('quarantine', 'id')).toContain('record:events/0/1#3')
  })

  it('is found too when the store refuses it, and its events are listed one by one', async () => {
    const log = memoryLog()
    for (let batch = 1; batch <= 4; batch++) await log.append(groupCommit({ batch, events: 2 }), {}, live)
    const store = memoryStore({
      onInsert: (_call, block) => {
        const ids = block.table === 'events' && Buffer.concat(block.columns.flatMap((column) => column.data))
        return ids && ids.includes('event-3-0') ? 'refuse' : 'store'
      },
    })
    const runner = start(createLoad(store, depsNow()), log, { ms: 50 })
    await runner.start(live)
    await until(runner, (status) => status.deadLetters === 1 && status.lag.events === 0)
    await runner.stop()
    expect(new Set(store.column('events', 'id'))).toEqual(
      new Set([1, 2, 4].flatMap((batch) => [`event-${batch}-0`, `event-${batch}-1`])),
    )
    expect(store.column('quarantine', 'id')).toEqual(['event-3-0', 'event-3-1'])
    expect(store.column('quarantine', 'redacted')[0]).not.toContain('clicked')
    expect(sum(store.column('ledger', 'events'))).toBe(8)
  })

  it('is no reason to bury all records when the store refuses every one of them', async () => {
    const log = memoryLog()
    for (let batch = 1; batch <= 4; batch++) await log.append(groupCommit({ batch, events: 2 }), {}, live)
    let isBroken = true
    const store = memoryStore({ onInsert: () => (isBroken ? 'refuse' : 'store') })
    const runner = start(createLoad(store, depsNow()), log, { ms: 50 })
    await runner.start(live)
    const status = await until(runner, (each) => each.state === 'waiting' && each.reason.includes('all 4 records'))
    expect(status.deadLetters).toBe(0)
    isBroken = false
    await until(runner, (each) => each.lag.events === 0)
    await runner.stop()
    expect(store.column('events', 'id')).toHaveLength(8)
    expect(sum(store.column('ledger', 'events'))).toBe(8)
    expect(log.all('deadletters')).toHaveLength(0)
  })
})

describe('a runner', () => {
  it('begins nothing between being told what it loses and having lost it: its notes there are the next owner’s', async () => {
    const log = memoryLog({ partitions: 2 })
    let isHandingOver = false
    let handedOver = 0
    let before = 0
    const wrong: string[] = []
    const slow: MemoryLog = {
      ...log,
      join: (group, topics, onAssigned, signal) =>
        log.join(
          group,
          topics,
          async (owned) => {
            await onAssigned(owned)
            // Releasing takes a real log a transaction or a round trip.
            isHandingOver = owned.length < before
            if (isHandingOver) handedOver++
            before = owned.length
            await sleep(30)
            isHandingOver = false
          },
          signal,
        ),
      async commit(membership, positions, note) {
        if (isHandingOver) wrong.push(`commit with note ${note ?? ''}`)
        return log.commit(membership, positions, note)
      },
    }
    const job: Job = {
      name: 'load',
      from: ['events', 'outcomes'],
      async process() {
        if (isHandingOver) wrong.push('process')
        await sleep(1)
      },
    }
    let isBusy = true
    const busy = (async () => {
      for (let batch = 0; isBusy; batch++) {
        await log.append(groupCommit({ batch, partition: batch % 2 }), {}, live)
        await sleep(1)
      }
    })()
    const runner = start(job, slow)
    await runner.start(live)
    for (let guests = 1; guests <= 3; guests++) {
      const guest = log.another()
      await guest.join('load', ['events', 'outcomes'], async () => {}, live)
      while (handedOver < guests || isHandingOver) await sleep(2)
      await guest.stop()
      while (before < 3) await sleep(2)
    }
    isBusy = false
    await busy
    await runner.stop()
    expect(wrong).toEqual([])
  })

  it('has every plan noted in the log before any of it is processed, whenever the next one is ready', async () => {
    const log = memoryLog()
    let batch = 0
    const more = () => log.append(groupCommit({ batch: ++batch, events: 2 }), {}, live)
    // While a commit is under way more comes, and becomes the next plan before the commit has ended.
    const slow: MemoryLog = {
      ...log,
      async commit(membership, positions, note) {
        if (note === '' && batch < 12) await more()
        const committed = log.commit(membership, positions, note)
        await sleep(batch % 3 === 0 ? 15 : 1)
        return committed
      },
    }
    const wrong: string[] = []
    const plans = new Set<string>()
    const job: Job = {
      name: 'load',
      from: ['events', 'outcomes'],
      async process(_records, { plan }) {
        plans.add(plan)
        const notes = (await log.committed('load')).map(({ note }) => note ?? '')
        if (!notes.some((note) => note.includes(`"${plan}"`))) wrong.push(plan)
      },
    }
    await more()
    const runner = start(job, slow)
    await runner.start(live)
    await until(runner, (status) => batch >= 12 && status.lag.events === 0)
    await runner.stop()
    expect(plans.size).toBeGreaterThan(5)
    expect(wrong).toEqual([])
  })

  it('stops at a record of a newer version, and says so, without burying it', async () => {
    const log = memoryLog()
    const [record] = groupCommit({ batch: 1 })
    if (record === undefined) throw new Error('no record')
    const value = new Uint8Array(record.value)
    value[0] = 99
    await log.append([{ ...record, value }], {}, live)
    const runner = start(createLoad(memoryStore(), depsNow()), log)
    await runner.start(live)
    const status = await until(runner, (each) => each.state === 'failed')
    expect(status.reason).toMatch(/newer_version: record version 99/)
    await runner.stop()
    expect(log.all('deadletters')).toHaveLength(0)
    expect(await log.committed('load')).toSatisfy((all: LogRecord[]) => all.every((each) => each.offset === 0))
  })

  it('tries again without end while the store is away, and goes on when it is back', async () => {
    const log = memoryLog()
    await log.append(groupCommit({ batch: 1, events: 3 }), {}, live)
    let isAway = true
    const store = memoryStore({ onInsert: () => (isAway ? 'away' : 'store') })
    const runner = start(createLoad(store, depsNow()), log)
    await runner.start(live)
    const status = await until(runner, (each) => each.attempts > 12)
    expect(status).toMatchObject({ state: 'waiting', deadLetters: 0 })
    expect(status.reason).toMatch(/^unavailable/)
    isAway = false
    await until(runner, (each) => each.lag.events === 0)
    await runner.stop()
    expect(store.column('events', 'id')).toHaveLength(3)
  })

  it('gives a job the same plan again after a failure, and says that it must verify', async () => {
    const log = memoryLog()
    await log.append(groupCommit({ batch: 1 }), {}, live)
    const seen: { plan: string; verify: boolean; offsets: string }[] = []
    let hasFailed = false
    const job: Job = {
      name: 'copy',
      from: ['events', 'outcomes'],
      async process(records, cx) {
        seen.push({
          plan: cx.plan,
          verify: cx.verify,
          offsets: records.map((each) => `${each.topic}${each.offset}`).join(),
        })
        if (hasFailed) return
        hasFailed = true
        throw new PipelineError('internal', 'once')
      },
    }
    const runner = start(job, log)
    await runner.start(live)
    await until(runner, (status) => status.recordsDone === 2)
    await runner.stop()
    expect(seen).toHaveLength(2)
    expect(seen[1]).toEqual({ ...seen[0], verify: true })
    expect(seen[0]?.verify).toBe(false)
  })

  it('never puts more events into a plan than the limit, but for a single larger record', async () => {
    const log = memoryLog()
    const sizes = [4, 4, 4, 30, 4, 9, 2]
    for (const [batch, events] of sizes.entries())
      await log.append(groupCommit({ batch, events }).slice(0, 1), {}, live)
    const plans: number[][] = []
    const job: Job = {
      name: 'copy',
      from: ['events'],
      async process(records) {
        plans.push(records.map((record) => record.offset))
      },
    }
    const runner = start(job, log, { ms: 20, events: 10 })
    await runner.start(live)
    await until(runner, (status) => status.recordsDone === 7)
    await runner.stop()
    expect(plans.flat()).toEqual([0, 1, 2, 3, 4, 5, 6])
    for (const plan of plans) {
      const events = plan.reduce((total, offset) => total + (sizes[offset] as number), 0)
      expect(plan.length === 1 || events <= 10).toBe(true)
    }
  })

  it('notes each plan before the job sees it, and the next full one with the commit of the last', async () => {
    const inner = memoryLog()
    const notes: { at: number; note: string }[] = []
    const log: MemoryLog = {
      ...inner,
      commit(membership, positions, note) {
        notes.push({ at: Math.max(...positions.map((each) => each.offset)), note: note ?? '' })
        return inner.commit(membership, positions, note)
      },
    }
    for (let batch = 0; batch < 3; batch++) await log.append(groupCommit({ batch, events: 10 }).slice(0, 1), {}, live)
    const processed: string[] = []
    const job: Job = {
      name: 'copy',
      from: ['events'],
      async process(_records, cx) {
        await sleep(20)
        expect(notes.at(-1)?.note).toContain(cx.plan)
        processed.push(cx.plan)
      },
    }
    const runner = start(job, log, { ms: 30, events: 10 })
    await runner.start(live)
    await until(runner, (status) => status.recordsDone === 3)
    await runner.stop()
    expect(processed).toHaveLength(3)
    // One commit notes the first plan alone; those of plans one and two carry the next plan; the last carries none or waits for it.
    expect(notes.map((each) => each.at).slice(0, 3)).toEqual([0, 1, 2])
  })

  it('ends at once when it is stopped while it has nothing to do, and may be stopped twice', async () => {
    const runner = start(createLoad(memoryStore(), depsNow()), memoryLog())
    await runner.start(live)
    await runner.stop()
    await runner.stop()
    expect((await runner.status()).state).toBe('stopped')
  })
})
