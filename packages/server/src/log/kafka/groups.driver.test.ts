import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Broker, createBroker, kafkaMissing } from '../../../../../test/support/kafka.ts'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import { codeOf, never, readAll, record, text } from '../log.contract.ts'
import type { Log, Position } from '../log.ts'
import { createKafkaLog } from './create-kafka-log.ts'

const missing = kafkaMissing()
const partitions = 4
const ms = (time: number) => new Promise((resolve) => setTimeout(resolve, time))

describe.skipIf(missing !== undefined)(`groups on Kafka${missing ? ` (SKIPPED: ${missing})` : ''}`, () => {
  let broker: Broker
  const opened: Log[] = []
  const children: ChildProcess[] = []

  beforeAll(async () => {
    broker = await createBroker()
    await broker.start()
  })
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    for (const log of opened) await log.stop()
    await broker.dispose()
  })

  async function open(topicPrefix: string, transactionalId?: string): Promise<Log> {
    const log = createKafkaLog(
      {
        brokers: [broker.address],
        topicPrefix,
        partitions,
        retentionHours: 1,
        sessionMs: 2000,
        ...(transactionalId === undefined ? {} : { transactionalId: () => transactionalId }),
      },
      { clock: systemClock, logger: silentLogger, metrics: new Registry() },
    )
    await log.start(never)
    opened.push(log)
    return log
  }

  function startChild(prefix: string, name: string, sessionMs = 2000): ChildProcess {
    const args = [broker.address, prefix, String(partitions), name, String(sessionMs)]
    const child = fork(join(import.meta.dirname, 'copy-child.ts'), args)
    children.push(child)
    return child
  }

  it('copies every record once while workers and the broker are killed, stopped and started', async () => {
    const prefix = `t${randomUUID()}.`
    const log = await open(prefix, `${prefix}collector`)
    const acknowledged = new Set<string>()
    const unknown = new Set<string>()
    let isOver = false
    const producing = (async () => {
      for (let i = 0; !isOver; i++) {
        const records = Array.from({ length: 3 }, (_, j) => record('events', (i + j) % partitions, `${i}.${j}`))
        const code = await codeOf(log.append(records, {}, never))
        const to = code === 'resolved' ? acknowledged : code === 'unknown_result' ? unknown : undefined
        for (const { value } of records) to?.add(text(value))
        await ms(2)
      }
    })()
    const workers = [0, 1, 2].map((at) => startChild(prefix, `worker-${at}`))
    await ms(1500)
    for (const [i, step] of ['kill', 'broker', 'stop', 'kill', 'broker', 'kill'].entries()) {
      const at = i % workers.length
      const worker = workers[at] as ChildProcess
      if (step === 'kill') {
        worker.kill('SIGKILL')
        workers[at] = startChild(prefix, `worker-${at}`)
      } else if (step === 'stop') {
        worker.kill('SIGSTOP')
        // Long enough to be taken for dead; it wakes up in the middle of what it did.
        setTimeout(() => worker.kill('SIGCONT'), 4500)
      } else {
        await broker.kill9()
        await broker.start()
      }
      await ms(1500)
    }
    await ms(4000)
    isOver = true
    await producing
    const stored = (
      await Promise.all(Array.from({ length: partitions }, (_, partition) => readAll(log, 'events', partition)))
    ).flatMap((records) => records.map(({ value }) => text(value)))
    const copied = async () => (await readAll(log, 'deadletters', 0)).map(({ value }) => text(value))
    await vi.waitFor(async () => expect((await copied()).length).toBeGreaterThanOrEqual(stored.length), {
      timeout: 40_000,
      interval: 200,
    })
    expect(acknowledged.size).toBeGreaterThan(100)
    expect(new Set(stored).size).toBe(stored.length)
    // All that was acknowledged, and beside it only what nobody could tell.
    expect([...acknowledged].filter((value) => !stored.includes(value))).toEqual([])
    expect(stored.filter((value) => !acknowledged.has(value) && !unknown.has(value))).toEqual([])
    expect((await copied()).toSorted()).toEqual(stored.toSorted())
  })

  it('refuses a member that was stopped while its partitions went to another, and lets it in again', async () => {
    const prefix = `t${randomUUID()}.`
    const log = await open(prefix)
    const child = startChild(prefix, 'worker')
    await vi.waitFor(async () => expect(await log.committed('copy')).toEqual([]), { timeout: 10_000 })
    await new Promise((resolve) => child.once('message', resolve))
    child.kill('SIGSTOP')
    const heard: string[][] = []
    const heir = await log.join(
      'copy',
      ['events'],
      async (owned) => void heard.push(owned.map(({ partition }) => String(partition))),
      never,
    )
    await vi.waitFor(() => expect(heir.owned()).toHaveLength(partitions), { timeout: 20_000 })
    const messages: unknown[] = []
    child.on('message', (message) => messages.push(message))
    await log.append([record('events', 0, 'x')], {}, never)
    child.kill('SIGCONT')
    await vi.waitFor(() => expect(heir.owned()).toHaveLength(2), { timeout: 20_000 })
    const kept = heir.owned() as Position[]
    await log.commit(heir, kept)
    await heir.leave()
    await vi.waitFor(async () => expect(await readAll(log, 'deadletters', 0)).toHaveLength(1), { timeout: 20_000 })
    child.kill('SIGKILL')
  })

  it('has the partitions of its crashed predecessor at once', async () => {
    const prefix = `t${randomUUID()}.`
    // A session far longer than this test.
    const child = startChild(prefix, 'worker', 300_000)
    await new Promise((resolve) => child.once('message', resolve))
    child.kill('SIGKILL')
    const heir = createKafkaLog(
      {
        brokers: [broker.address],
        topicPrefix: prefix,
        partitions,
        retentionHours: 1,
        sessionMs: 300_000,
        transactionalId: () => `${prefix}worker`,
      },
      { clock: systemClock, logger: silentLogger, metrics: new Registry() },
    )
    await heir.start(never)
    opened.push(heir)
    const membership = await heir.join('copy', ['events'], async () => {}, never)
    expect(membership.owned()).toHaveLength(partitions)
    // Its own second membership is no predecessor.
    const second = await heir.join('copy', ['events'], async () => {}, never)
    await vi.waitFor(() => expect(second.owned()).toHaveLength(2), { timeout: 10_000 })
    expect(membership.owned()).toHaveLength(2)
  })

  it('goes on after a restart of the broker: members, positions and notes', async () => {
    const prefix = `t${randomUUID()}.`
    const log = await open(prefix)
    const membership = await log.join('g', ['events', 'outcomes'], async () => {}, never)
    await log.commit(membership, [{ topic: 'events', partition: 1, offset: 0 }], 'before')
    await broker.kill9()
    const waiting = log.read({ topic: 'events', partition: 1, offset: 0 }, { bytes: 100, waitMs: 30_000 }, never)
    const late = log.append([record('events', 1, 'late')], {}, never)
    const commit = log.commit(membership, [{ topic: 'events', partition: 2, offset: 0 }], 'after')
    await broker.start()
    await commit
    const [position] = await late
    expect((await waiting).map(({ offset }) => offset)).toEqual([position?.offset])
    expect(membership.notes()).toEqual(['after'])
    const fresh = await open(prefix)
    expect((await fresh.committed('g')).map(({ note }) => note)).toEqual(Array(5).fill('after'))
    expect(fresh.epoch()).toBe(log.epoch())
  })
})
