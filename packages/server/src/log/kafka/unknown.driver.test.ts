import { randomUUID } from 'node:crypto'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Broker, createBroker, createProxy, kafkaMissing, type Proxy } from '../../../../../test/support/kafka.ts'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import type { PipelineError } from '../../core/errors.ts'
import { locateRecords } from '../../gate/locate-records.ts'
import { codeOf, never, readAll, record, text } from '../log.contract.ts'
import type { Log } from '../log.ts'
import { createKafkaLog } from './create-kafka-log.ts'

const missing = kafkaMissing()
const produce = 0
const endTxn = 26

/** The n-th request of a kind, counted from 1, has this fate; all others pass. */
const nth = (kind: number, n: number, fate: 'lost' | 'answer lost' | 'late') => {
  let seen = 0
  return (apiKey: number) => (apiKey === kind && ++seen === n ? fate : 'pass')
}

describe.skipIf(missing !== undefined)(
  `an append to Kafka whose answer is lost${missing ? ` (SKIPPED: ${missing})` : ''}`,
  () => {
    let broker: Broker
    let proxy: Proxy
    let prefix = ''
    const opened: Log[] = []
    const fatal: PipelineError[] = []

    beforeAll(async () => {
      proxy = await createProxy()
      broker = await createBroker({
        advertise: proxy.address,
        properties: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500' },
      })
      await broker.start()
      proxy.target = broker.proxiedAddress
    })
    afterAll(async () => {
      await broker.dispose()
      await proxy.close()
    })
    beforeEach(() => {
      prefix = `t${randomUUID()}.`
      fatal.length = 0
    })
    afterEach(async () => {
      proxy.isCut = false
      proxy.fate = () => 'pass'
      for (const log of opened.splice(0)) await log.stop()
    })

    /** `through`: the proxy, or past it. */
    async function open(through: 'proxy' | 'direct' = 'proxy', transactionalId?: string): Promise<Log> {
      const log = createKafkaLog(
        {
          brokers: [through === 'proxy' ? proxy.address : broker.address],
          topicPrefix: prefix,
          partitions: 2,
          retentionHours: 1,
          decideMs: 1500,
          ...(transactionalId === undefined ? {} : { transactionalId: () => transactionalId }),
        },
        { clock: systemClock, logger: silentLogger, metrics: new Registry(), fatal: (error) => fatal.push(error) },
      )
      await log.start(never)
      opened.push(log)
      await log.append([record('events', 0, 'before')], {}, never)
      return log
    }
    const valuesOf = async (log: Log, partition = 0) =>
      (await readAll(log, 'events', partition)).map(({ value }) => text(value))

    it.each([
      ['the request to store', produce, 'lost'],
      ['the answer to it', produce, 'answer lost'],
      ['the request to commit', endTxn, 'lost'],
      ['the answer to that', endTxn, 'answer lost'],
    ] as const)('is stored once when %s is lost on its way', async (_, kind, fate) => {
      const log = await open()
      proxy.fate = nth(kind, 1, fate)
      const [position] = await log.append([record('events', 0, 'one')], {}, never)
      await log.append([record('events', 0, 'after')], {}, never)
      expect(await valuesOf(log)).toEqual(['before', 'one', 'after'])
      const found = await log.read(
        { topic: 'events', partition: 0, offset: position?.offset ?? -1 },
        { bytes: 1, waitMs: 0 },
        never,
      )
      expect(text(found[0]?.value)).toBe('one')
    })

    it('commits nothing of the next one when its own commit arrives late', async () => {
      const log = await open('proxy', `${prefix}collector`)
      proxy.fate = nth(endTxn, 1, 'late')
      await log.append([record('events', 0, 'one')], {}, never)
      // The next is written, and as its process dies before it has said that it is whole, the other's commit arrives.
      const died = Promise.withResolvers<void>()
      proxy.fate = (apiKey) => {
        if (apiKey !== endTxn) return 'pass'
        died.resolve()
        return 'lost'
      }
      const next = log.append([record('events', 0, 'two'), record('outcomes', 0, 'two')], {}, never)
      next.catch(() => {})
      await died.promise
      proxy.isCut = true
      await proxy.deliver()
      const other = await open('direct', `${prefix}collector`)
      expect(await valuesOf(other)).toEqual(['before', 'one', 'before'])
      expect(await readAll(other, 'outcomes', 0)).toEqual([])
    })

    it('is unknown when nobody says what became of it, and then found', async () => {
      const log = await open()
      const next = new Map([['events/0', (await log.bounds('events'))[0]?.next ?? 0]])
      const records = [record('events', 0, 'one'), record('events', 1, 'two'), record('events', 0, 'three')]
      cutAt('answer lost')
      expect(await codeOf(log.append(records, {}, never))).toBe('unknown_result')
      proxy.fate = () => 'pass'
      proxy.isCut = false
      const positions = await locateRecords(log, records, next, never)
      expect(positions?.map(({ topic, partition }) => `${topic}/${partition}`)).toEqual([
        'events/0',
        'events/1',
        'events/0',
      ])
      await log.append([record('events', 0, 'after')], {}, never)
      expect(await valuesOf(log)).toEqual(['before', 'one', 'three', 'after'])
      expect(await valuesOf(log, 1)).toEqual(['two'])
    })

    it('is unknown when the commit never arrived, and then surely not there, now and later', async () => {
      const log = await open()
      const records = [record('events', 0, 'one'), record('events', 1, 'two')]
      cutAt('lost')
      expect(await codeOf(log.append(records, {}, never))).toBe('unknown_result')
      proxy.fate = () => 'pass'
      proxy.isCut = false
      expect(await locateRecords(log, records, new Map(), never)).toBeUndefined()
      await log.append(records, {}, never)
      expect(await valuesOf(log)).toEqual(['before', 'one'])
      expect(await valuesOf(log, 1)).toEqual(['two'])
    })

    it('cannot be looked for while Kafka is away, and says so', async () => {
      const log = await open()
      cutAt('answer lost')
      expect(await codeOf(log.append([record('events', 0, 'one')], {}, never))).toBe('unknown_result')
      const read = log.read(
        { topic: 'events', partition: 0, offset: 0 },
        { bytes: 1, waitMs: 0 },
        AbortSignal.timeout(500),
      )
      await expect(read).rejects.toThrow(/timeout/i)
    })

    it('is not stored when another process has taken over the name meanwhile, which is told to the process', async () => {
      const zombie = await open('proxy', `${prefix}collector`)
      const heir = await open('direct', `${prefix}collector`)
      expect(await codeOf(zombie.append([record('events', 0, 'zombie')], {}, never))).toBe('conflict')
      expect(fatal.map(({ code }) => code)).toEqual(['conflict'])
      expect(await codeOf(zombie.append([record('events', 0, 'zombie')], {}, never))).toBe('conflict')
      await heir.append([record('events', 0, 'heir')], {}, never)
      expect(await valuesOf(heir)).toEqual(['before', 'before', 'heir'])
    })

    it('is aborted by the next process of its name when it was open as its process died', async () => {
      const dying = await open('proxy', `${prefix}collector`)
      // All it wrote is there, but not its commit, and never will be.
      proxy.fate = (apiKey) => {
        if (apiKey === endTxn) proxy.isCut = true
        return apiKey === endTxn ? 'lost' : 'pass'
      }
      const lost = codeOf(dying.append([record('events', 0, 'half')], {}, never))
      while (!proxy.isCut) await new Promise((resolve) => setTimeout(resolve, 10))
      const heir = await open('direct', `${prefix}collector`)
      await heir.append([record('events', 0, 'heir')], {}, never)
      expect(await valuesOf(heir)).toEqual(['before', 'before', 'heir'])
      expect(await lost).toBe('unknown_result')
    })

    it('keeps a reader waiting, never wrong, while another process has not ended its transaction', async () => {
      const slow = await open('proxy', `${prefix}slow`)
      const other = await open('direct', `${prefix}other`)
      proxy.fate = (apiKey) => {
        if (apiKey === endTxn) proxy.isCut = true
        return apiKey === endTxn ? 'lost' : 'pass'
      }
      const lost = codeOf(slow.append([record('events', 0, 'half')], {}, never))
      while (!proxy.isCut) await new Promise((resolve) => setTimeout(resolve, 10))
      const [position] = await other.append([record('events', 0, 'behind it')], {}, never)
      const from = { topic: 'events', partition: 0, offset: position?.offset ?? 0 } as const
      // Stored and acknowledged, and yet not to be seen: "nothing there" would be a lie.
      expect(await codeOf(other.read(from, { bytes: 1, waitMs: 0 }, never))).toBe('unavailable')
      expect(await other.read(from, { bytes: 1, waitMs: 50 }, never)).toEqual([])
      proxy.isCut = false
      proxy.fate = () => 'pass'
      await lost
      await slow.append([record('events', 1, 'x')], {}, never)
      expect((await other.read(from, { bytes: 1, waitMs: 0 }, never)).map(({ value }) => text(value))).toEqual([
        'behind it',
      ])
    })

    /** From the next commit on nothing gets through. */
    function cutAt(fate: 'lost' | 'answer lost'): void {
      proxy.fate = (apiKey) => {
        if (apiKey !== endTxn) return 'pass'
        // Once it is with the broker.
        setTimeout(() => {
          proxy.isCut = true
        }, 20)
        return fate
      }
    }
  },
)
