/**
 * `node bench/live.ts [--seconds 10] [--rate 10000] [--subscribers 100]`: from the acknowledgement to the subscriber, and what a
 * subscriber costs. Events come in batches of 100; each subscriber filters for one actor in a hundred, then a crowd sees everything.
 */
import { spawn } from 'node:child_process'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { createInstance, pause, type Instance } from '../test/support/instance.ts'
import { cpuSeconds, residentBytes } from './process-use.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rate: { type: 'string', default: '10000' },
    subscribers: { type: 'string', default: '100' },
    crowd: { type: 'string', default: '1000' },
  },
})
const batchSize = 100
const wallClock = () => performance.timeOrigin + performance.now()
const print = (line: string) => process.stdout.write(`${line}\n`)

interface Report {
  readonly events: number
  readonly messages: number
  readonly missed: number
  readonly cpuSeconds: number
  readonly samples: readonly number[]
}

interface Run {
  readonly sent: number
  readonly seconds: number
  readonly workerCpu: number
  readonly workerMb: number
  readonly acks: readonly number[]
  readonly report: Report | undefined
}

let nextBatch = 0

/** A steady rate for a while, with so many subscribers. */
async function run(
  instance: Instance,
  subscribers: number,
  kind: 'own' | 'all',
  rate: number,
  seconds: number,
): Promise<Run> {
  const { api, collector } = instance.ready()
  const readers =
    subscribers === 0
      ? undefined
      : spawn(process.execPath, [join(import.meta.dirname, 'live-subscribers.ts'), api, String(subscribers), kind], {
          stdio: ['pipe', 'pipe', 'inherit'],
        })
  const lines = readers && createInterface({ input: readers.stdout })[Symbol.asyncIterator]()
  await lines?.next()
  const worker = instance.pid('worker')!
  const cpuBefore = cpuSeconds(worker)
  const acks: number[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const startedAt = performance.now()
  const under: Promise<void>[] = []
  const total = Math.round((rate * seconds) / batchSize)
  for (let at = 0; at < total; at++) {
    const due = startedAt + (at * batchSize * 1000) / rate
    if (due > performance.now()) await pause(due - performance.now())
    const batch = nextBatch++
    under.push(
      send(agent, collector, batch).then(() => {
        acks[batch] = wallClock()
      }),
    )
  }
  await Promise.all(under)
  const took = (performance.now() - startedAt) / 1000
  await pause(1500)
  const workerCpu = cpuSeconds(worker) - cpuBefore
  const workerMb = residentBytes(worker) / 1e6
  readers?.stdin.write('go\n')
  const report = lines && (JSON.parse((await lines.next()).value as string) as Report)
  agent.destroy()
  return { sent: total * batchSize, seconds: took, workerCpu, workerMb, acks, report }
}

function send(agent: Agent, collector: string, batch: number): Promise<void> {
  const body = JSON.stringify(
    Array.from({ length: batchSize }, (_, at) => ({
      id: `live-${process.pid}-${batch}-${at}`,
      event_type: 'track',
      event_name: 'Bench',
      actor_id: `u${at}`,
      correlation_id: String(batch),
      timestamp: Date.now(),
      http_url: 'https://shop.example/pricing?utm_source=newsletter',
      properties: { plan: 'pro', price: 12.5, items: ['a', 'b'] },
    })),
  )
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(collector)
    const sent = request(
      { agent, hostname, port, path: '/v1/events', method: 'POST', headers: { 'content-type': 'application/json' } },
      (response) => {
        response.resume()
        response.on('end', () => {
          if (response.statusCode === 200) resolve()
          else reject(new Error(`refused with ${response.statusCode}`))
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

function latencies({ acks, report }: Run): { p50: number; p99: number; max: number } {
  const all: number[] = []
  for (let at = 0; at < report!.samples.length; at += 2) {
    const acked = acks[report!.samples[at]!]
    // Seen before its sender knew is seen at once.
    if (acked !== undefined) all.push(Math.max(0, report!.samples[at + 1]! - acked))
  }
  all.sort((a, b) => a - b)
  const at = (share: number) => Number((all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? 0).toFixed(1))
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}

const instance = createInstance({})
await instance.start()
try {
  const rate = Number(values.rate)
  const seconds = Number(values.seconds)
  const subscribers = Number(values.subscribers)
  await run(instance, 0, 'own', rate, 2) // warm
  const alone = await run(instance, 0, 'own', rate, seconds)
  print(
    `no subscriber: worker ${((alone.workerCpu / alone.sent) * 1e6).toFixed(2)} µs CPU per event at ${Math.round(alone.sent / alone.seconds)} events/s`,
  )
  await run(instance, subscribers, 'own', rate, 2)
  const own = await run(instance, subscribers, 'own', rate, seconds)
  const { p50, p99, max } = latencies(own)
  const extra = own.workerCpu - (alone.workerCpu / alone.sent) * own.sent
  print(
    `${subscribers} subscribers, each one actor in ${batchSize}: ack → subscriber p50 ${p50} ms, p99 ${p99} ms, max ${max} ms at ${Math.round(own.sent / own.seconds)} events/s; ${own.report!.events} of ${(own.sent / batchSize) * Math.min(subscribers, batchSize)} events shown, ${own.report!.missed} missed`,
  )
  print(
    `  worker ${((own.workerCpu / own.sent) * 1e6).toFixed(2)} µs CPU per event; ${((extra / own.report!.events) * 1e6).toFixed(1)} µs more per event and subscriber who sees it`,
  )
  const crowdRate = 200
  const crowd = Number(values.crowd)
  const all = await run(instance, crowd, 'all', crowdRate, seconds)
  const perSeen = ((all.workerCpu - (alone.workerCpu / alone.sent) * all.sent) / all.report!.events) * 1e6
  const { p50: crowdP50, p99: crowdP99 } = latencies(all)
  print(
    `${crowd} subscribers who see everything, ${crowdRate} events/s: p50 ${crowdP50} ms, p99 ${crowdP99} ms, ${all.report!.events} of ${all.sent * crowd} shown, ${all.report!.missed} gaps; ${perSeen.toFixed(2)} µs CPU per event and subscriber; worker ${Math.round(all.workerMb)} MB`,
  )
} finally {
  await instance.stop()
  await instance.dispose()
}
