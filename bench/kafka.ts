/**
 * `npm run bench -- --log kafka [--quick]`: what the log in Kafka costs beside the embedded one, both in the same run: the log alone in one
 * process, then the whole way. The broker's own CPU is a column of its own: one node on this machine, without replicas.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Registry } from 'prom-client'
import { encodeEventsRecord } from '../packages/protocol/src/index.ts'
import { systemClock } from '../packages/server/src/core/clock.ts'
import { type Deps, silentLogger } from '../packages/server/src/core/deps.ts'
import { findDialect } from '../packages/server/src/decoders/registry.ts'
import { openBatch } from '../packages/server/src/gate/gate-batch.ts'
import { embeddedLogConfig } from '../packages/server/src/log/embedded/config.ts'
import { embeddedLogDriver } from '../packages/server/src/log/embedded/driver.ts'
import { createKafkaLog } from '../packages/server/src/log/kafka/create-kafka-log.ts'
import type { Log } from '../packages/server/src/log/log.ts'
import { createInstance, pause } from '../test/support/instance.ts'
import { type Broker, createBroker } from '../test/support/kafka.ts'
import { type Made, useLog } from './log-stages.ts'
import { workloads } from './payloads.ts'
import { cpuSeconds } from './process-use.ts'
import { wholeWay, type WholeWay } from './whole-way.ts'

export interface LogCost {
  readonly eventsPerCommit: number
  readonly stage: 'append' | 'read'
  /** CPU µs per event. */
  readonly embedded: number
  readonly kafka: number
  readonly broker: number
}

export interface KafkaFigures {
  readonly log: readonly LogCost[]
  readonly ways: readonly (WholeWay & { readonly log: 'embedded' | 'kafka'; readonly broker: number })[]
}

const perBatch = 100

export async function kafkaBench(quick: boolean, say: (line: string) => void): Promise<KafkaFigures> {
  const broker = await createBroker()
  await broker.start()
  try {
    say('the log alone …')
    const log = await logCosts(broker, quick ? 300 : 1000)
    const ways: KafkaFigures['ways'][number][] = []
    for (const driver of ['embedded', 'kafka'] as const)
      for (const way of await waysOn(driver, broker, quick, say)) ways.push(way)
    return { log, ways }
  } finally {
    await broker.dispose()
  }
}

async function logCosts(broker: Broker, batches: number): Promise<LogCost[]> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  const deps = (): Deps => ({ clock: systemClock, logger: silentLogger, metrics: new Registry() })
  const embedded = embeddedLogDriver(join(dir, 'log')).create(embeddedLogConfig.parse({ driver: 'embedded' }), deps())
  const kafka = createKafkaLog(
    { brokers: [broker.address], topicPrefix: 'bench.', partitions: 1, retentionHours: 1 },
    deps(),
  )
  const signal = new AbortController().signal
  for (const log of [embedded, kafka]) await log.start(signal)
  const made = makeRecords(batches)
  const events = made.length * perBatch
  const costs: LogCost[] = []
  try {
    for (const perCommit of [8, 64]) {
      const measured = async (log: Log) => {
        await useLog(log, made, perCommit, events) // the first round compiles; its numbers are thrown away
        const before = cpuSeconds(broker.pid())
        const use = await useLog(log, made, perCommit, events)
        return { ...use, broker: ((cpuSeconds(broker.pid()) - before) / events) * 1e6 }
      }
      const here = await measured(embedded)
      const there = await measured(kafka)
      const eventsPerCommit = perCommit * perBatch
      costs.push({ eventsPerCommit, stage: 'append', embedded: here.append, kafka: there.append, broker: there.broker })
      costs.push({ eventsPerCommit, stage: 'read', embedded: here.read, kafka: there.read, broker: 0 })
    }
  } finally {
    for (const log of [kafka, embedded]) await log.stop()
    rmSync(dir, { recursive: true, force: true })
  }
  return costs
}

function makeRecords(batches: number): Made[] {
  const workload = workloads['protobuf-gzip-100']!
  const dialect = findDialect('s0')
  const envelope = { project: 'default', batchId: 'bench', source: 's0', schemaVersion: 1, planVersion: 0 }
  return Array.from({ length: batches }, () => {
    const decoded = dialect.decode(gunzipSync(workload.body()), {
      headers: {},
      kind: 'batch',
      contentType: workload.headers['content-type'] ?? '',
    })
    const batch = openBatch({ ...decoded, project: 'default', source: 's0', receivedAt: Date.now() })
    const value = encodeEventsRecord({ ...envelope, ingestedAt: Date.now() }, batch.events)
    return { value, fingerprints: new Uint8Array(16 * perBatch) }
  })
}

async function waysOn(
  driver: 'embedded' | 'kafka',
  broker: Broker,
  quick: boolean,
  say: (line: string) => void,
): Promise<KafkaFigures['ways'][number][]> {
  const instance = createInstance(driver === 'kafka' ? { env: { MILLRACE_LOG_BROKERS: broker.address } } : {})
  const ways: KafkaFigures['ways'][number][] = []
  try {
    await instance.start()
    say(`warming up with the log ${driver} …`)
    await wholeWay(instance, 'protobuf-gzip-100', 20_000)
    await wholeWay(instance, 'segment-1', 2_000)
    for (const [name, events] of [
      ['protobuf-gzip-100', quick ? 60_000 : 300_000],
      ['segment-100', quick ? 40_000 : 200_000],
      ['segment-1', quick ? 6_000 : 30_000],
    ] as const) {
      say(`${driver}, ${name}: ${events} events …`)
      const before = cpuSeconds(broker.pid())
      const way = await wholeWay(instance, name, events)
      const used = driver === 'kafka' ? ((cpuSeconds(broker.pid()) - before) / way.events) * 1e6 : 0
      ways.push({ ...way, log: driver, broker: used })
      await pause(200)
    }
    await instance.stop()
  } finally {
    await instance.dispose()
  }
  return ways
}
