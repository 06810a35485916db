import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { decodeEventsRecord } from '@millrace/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, createBroker, kafkaMissing } from '../../../../../test/support/kafka.ts'
import { createRedisServer, redisMissing, type RedisServer } from '../../../../../test/support/redis.ts'
import { createRedisCache } from '../../kv/redis/create-redis-cache.ts'
import { createKafkaLog } from '../../log/kafka/create-kafka-log.ts'
import type { Log } from '../../log/log.ts'
import { collectorsUnderTest, type CollectorUnderTest } from '../../testing/collectors-under-test.ts'
import { testDeps } from '../../testing/gate-under-test.ts'

const never = new AbortController().signal

/** Every id in the topic, as often as it is there. */
async function idsOf(log: Log): Promise<string[]> {
  const ids: string[] = []
  for (const { partition, first, next } of await log.bounds('events')) {
    for (let offset = first; offset < next; ) {
      const records = await log.read({ topic: 'events', partition, offset }, { bytes: 4e6, waitMs: 0 }, never)
      if (records.length === 0) break
      for (const record of records) {
        ids.push(...decodeEventsRecord(record.value).events.map((event) => event.id ?? ''))
        offset = record.offset + 1
      }
    }
  }
  return ids
}

describe.skipIf((kafkaMissing() ?? redisMissing()) !== undefined)('collectors that share a Kafka and a Redis', () => {
  let broker: Broker
  let redis: RedisServer
  beforeAll(async () => {
    broker = await createBroker()
    redis = await createRedisServer()
    await broker.start()
    await redis.start()
  })
  afterAll(async () => {
    await broker?.dispose()
    await redis?.dispose()
  })

  it('store each id once, also after a restart with an empty Redis, and while the broker is killed', async () => {
    const world = collectorsUnderTest()
    const topicPrefix = `t${randomUUID()}.`
    const closing: { stop(): Promise<void> }[] = []
    const open = async (): Promise<CollectorUnderTest> => {
      const deps = testDeps()
      const log = createKafkaLog({ brokers: [broker.address], topicPrefix, partitions: 4, retentionHours: 1 }, deps)
      const cache = createRedisCache({ url: redis.url, prefix: topicPrefix }, deps)
      await log.start(AbortSignal.timeout(30_000))
      await cache.start(never)
      closing.push(log, cache)
      return await world.open(cache, { log })
    }
    const sent = new Set<string>()
    /** To every collector at once, until each says of each id that it is there. */
    const send = async (collectors: readonly CollectorUnderTest[], ids: readonly string[]): Promise<string[]> => {
      for (const id of ids) sent.add(id)
      const told = await Promise.all(
        collectors.map(async (collector) => {
          const outcomes: string[] = []
          let open = ids
          for (const deadline = Date.now() + 40_000; open.length > 0 && Date.now() < deadline; ) {
            const batch = open
            const answer = await collector.send(batch).catch(() => pause(100).then(() => undefined))
            if (answer === undefined) continue
            outcomes.push(...answer)
            open = batch.filter((_, i) => answer[i] === 'retry')
          }
          expect(open).toEqual([])
          return outcomes
        }),
      )
      return told.flat()
    }
    const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`)
    try {
      let collectors = [await open(), await open(), await open()]
      for (let round = 0; round < 10; round++) {
        const outcomes = await send(collectors, names(`r${round}-`, 50))
        expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(50)
      }
      const sending = send(collectors, names('killed', 400))
      await broker.kill9()
      await broker.start()
      await sending
      for (const collector of collectors) {
        expect(await collector.failedOpen()).toEqual({})
        await collector.stop()
      }
      await redis.kill9()
      await redis.start()
      collectors = [await open(), await open()]
      const again = await send(collectors, [...names('r3-', 50), ...names('killed', 400)])
      expect(new Set(again)).toEqual(new Set(['duplicate']))
      const [log] = closing as Log[]
      expect((await idsOf(log!)).toSorted()).toEqual([...sent].toSorted())
    } finally {
      await world.close()
      for (const part of closing) await part.stop()
    }
  })
})
