import { randomUUID } from 'node:crypto'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { createBroker, kafkaMissing, type Broker } from '../../../../../test/support/kafka.ts'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import { never, partitions, testLog } from '../log.contract.ts'
import type { Log } from '../log.ts'
import { createKafkaLog } from './create-kafka-log.ts'

const missing = kafkaMissing()
let broker: Broker | undefined

if (missing === undefined) {
  beforeAll(async () => {
    broker = await createBroker()
    await broker.start()
  })
  afterAll(() => broker?.dispose())
  testLog('the Kafka driver', async () => {
    const topicPrefix = `t${randomUUID()}.`
    const opened: Log[] = []
    return {
      async open() {
        const log = createKafkaLog(
          { brokers: [broker?.address ?? ''], topicPrefix, partitions, retentionHours: 1, sessionMs: 3000 },
          { clock: systemClock, logger: silentLogger, metrics: new Registry() },
        )
        await log.start(never)
        opened.push(log)
        return log
      },
      async close() {
        for (const log of opened) await log.stop()
      },
    }
  })
} else
  describe('the Kafka driver as a log', () => {
    it.skip(`SKIPPED: ${missing}`, () => {})
  })
