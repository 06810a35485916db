import { decodeEventsRecord, decodeOutcomesRecord, packLogPosition } from '../packages/protocol/src/index.ts'
import { systemClock } from '../packages/server/src/core/clock.ts'
import { silentLogger } from '../packages/server/src/core/deps.ts'
import { createKafkaLog } from '../packages/server/src/log/kafka/create-kafka-log.ts'
import type { Log, LogRecord, Topic } from '../packages/server/src/log/log.ts'
import { Registry } from 'prom-client'

type Ask = <Row>(sql: string) => Promise<readonly Row[]>
const signal = new AbortController().signal

/** Where the counts differ: what the log holds beside what the tables hold, by outcome, and positions that stand twice. For who mends it. */
export async function explainImbalance(broker: string, ask: Ask): Promise<string[]> {
  const log = createKafkaLog(
    { brokers: [broker], topicPrefix: 'millrace.', partitions: 8, retentionHours: 168 },
    { clock: systemClock, logger: silentLogger, metrics: new Registry() },
  )
  await log.start(signal)
  try {
    const counted: Record<string, number> = {}
    const rows: Record<string, number> = {}
    const first: { position: string; counts: Record<string, number> }[] = []
    for (const record of await everything(log, 'outcomes')) {
      const decoded = decodeOutcomesRecord(record.value)
      const own: Record<string, number> = {}
      for (const { outcome, events } of decoded.counts) add(own, outcome, events)
      for (const [outcome, events] of Object.entries(own)) add(counted, outcome, events)
      for (const { outcome, count } of decoded.rows) add(rows, outcome, count)
      first.push({ position: positionOf(log, record), counts: own })
    }
    let stored = 0
    for (const record of await everything(log, 'events')) stored += decodeEventsRecord(record.value).events.length
    const said = [`the log counts ${JSON.stringify(counted)}, holds rows ${JSON.stringify(rows)} and ${stored} events`]
    for (const table of ['events', 'outcomes', 'quarantine', 'ledger', 'expiries']) {
      const sum = { events: 'count()', quarantine: 'count()', outcomes: 'sum(count)' }[table] ?? 'sum(events)'
      const by = ['outcomes', 'ledger'].includes(table) ? 'outcome' : "''"
      const sums = await ask<{ o: string; n: string }>(
        `SELECT ${by} AS o, ${sum} AS n FROM millrace.${table} GROUP BY o ORDER BY o`,
      )
      const [twice] = await ask<{ n: string }>(`SELECT count() - uniqExact(log_position) AS n FROM millrace.${table}`)
      said.push(`${table}: ${sums.map(({ o, n }) => `${o} ${n}`).join(', ')}; positions twice: ${twice?.n}`)
    }
    said.push(...(await plans(ask, first)))
    return said
  } finally {
    await log.stop()
  }
}

/** Each plan's counts, between its first outcomes record and the next plan's. */
async function plans(ask: Ask, records: readonly { position: string; counts: Record<string, number> }[]) {
  const found = await ask<{ at: string; plan: string; sums: [string, string][] }>(
    `SELECT toString(bitAnd(log_position, bitNot(toUInt64(65535)))) AS at, plan, groupArray((outcome, toString(n))) AS sums
     FROM (SELECT log_position, plan, outcome, events AS n FROM millrace.ledger) GROUP BY at, plan ORDER BY toUInt64(at)`,
  )
  const said: string[] = []
  for (const [index, { at, plan, sums }] of found.entries()) {
    const until = BigInt(found[index + 1]?.at ?? '18446744073709551615')
    const wanted: Record<string, number> = {}
    for (const { position, counts } of records)
      if (BigInt(position) >= BigInt(at) && BigInt(position) < until)
        for (const [outcome, events] of Object.entries(counts)) add(wanted, outcome, events)
    const has: Record<string, number> = {}
    for (const [outcome, n] of sums) add(has, outcome, Number(n))
    if (Object.keys({ ...wanted, ...has }).some((outcome) => (wanted[outcome] ?? 0) !== (has[outcome] ?? 0)))
      said.push(`plan ${plan} at ${BigInt(at) >> 16n}: log ${JSON.stringify(wanted)}, ledger ${JSON.stringify(has)}`)
  }
  return said.slice(0, 20)
}

function add(sums: Record<string, number>, name: string, count: number): void {
  sums[name] = (sums[name] ?? 0) + count
}

function positionOf(log: Log, { partition, offset }: LogRecord): string {
  return packLogPosition({ epoch: log.epoch(), partition, offset, index: 0 }).toString()
}

async function everything(log: Log, topic: Topic): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (const { partition, first, next } of await log.bounds(topic))
    for (let offset = first; offset < next; ) {
      const read = await log.read({ topic, partition, offset }, { bytes: 16e6, waitMs: 0 }, signal)
      if (read.length === 0) break
      records.push(...read)
      offset = read.at(-1)!.offset + 1
    }
  return records
}
