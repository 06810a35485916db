/**
 * `node bench/fairness.ts [--events 10000] [--rounds 5] [--at-once 1] [--only NAME]`: for how long one large body keeps the collector from everybody else. A real
 * collector, gate and log in this process, with a watch on its event loop; the sender is a thread of its own, and beside the large bodies
 * sends a small event every few milliseconds.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { Registry } from 'prom-client'
import { systemClock } from '../packages/server/src/core/clock.ts'
import { type Deps, silentLogger } from '../packages/server/src/core/deps.ts'
import { createDedupIndex } from '../packages/server/src/gate/dedup/create-dedup-index.ts'
import { createGate } from '../packages/server/src/gate/gate.ts'
import { collectorConfig } from '../packages/server/src/http/config.ts'
import { embeddedStateDriver } from '../packages/server/src/kv/embedded/driver.ts'
import { embeddedLogConfig } from '../packages/server/src/log/embedded/config.ts'
import { embeddedLogDriver } from '../packages/server/src/log/embedded/driver.ts'
import { createCollector } from '../packages/server/src/sources/collector.ts'
import { otelBody, type OtelKind } from './otel-bodies.ts'

interface Load {
  readonly name: string
  readonly path: string
  readonly contentType: string
  readonly make: (events: number) => Buffer
  /** The same bodies once more: all duplicates. */
  readonly isRepeated?: boolean
}

const otel = (kind: OtelKind, encoding: 'protobuf' | 'json', events: number) => otelBody(kind, encoding, events)
const segment = (events: number, daysAgo = 0) => {
  const timestamp = new Date(Date.now() - daysAgo * 86_400_000).toISOString()
  const batch = Array.from({ length: events }, (_, at) => ({
    type: 'track',
    messageId: `m-${Math.random()}-${at}`,
    userId: `u-${at}`,
    event: 'Order Completed',
    timestamp,
    properties: { revenue: at / 3, currency: 'EUR', products: [{ sku: `s-${at}`, price: 3 }], coupon: 'autumn' },
    context: { page: { url: 'https://shop.example/cart?utm_source=news', title: 'Cart' }, ip: '203.0.113.9' },
  }))
  return Buffer.from(JSON.stringify({ batch }))
}

const loads: readonly Load[] = [
  ...(['traces', 'logs', 'metrics'] as const).flatMap((kind) =>
    (['protobuf', 'json'] as const).map((encoding) => ({
      name: `${kind} ${encoding}`,
      path: `/v1/${kind}`,
      contentType: encoding === 'json' ? 'application/json' : 'application/x-protobuf',
      make: (events: number) => otel(kind, encoding, events),
    })),
  ),
  {
    name: 'traces protobuf, all duplicates',
    path: '/v1/traces',
    contentType: 'application/x-protobuf',
    make: (events) => otel('traces', 'protobuf', events),
    isRepeated: true,
  },
  { name: 'segment json', path: '/v1/batch', contentType: 'application/json', make: (events) => segment(events) },
  {
    name: 'segment json, all quarantined',
    path: '/v1/batch',
    contentType: 'application/json',
    make: (events) => segment(events, 40),
  },
]

if (isMainThread) await measure()
else await send(workerData as { url: string })

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      events: { type: 'string', default: '10000' },
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', default: '' },
      'at-once': { type: 'string', default: '1' },
    },
  })
  const events = Number(values.events)
  const rounds = Number(values.rounds)
  const atOnce = Number(values['at-once'])
  const signal = new AbortController().signal
  const dir = mkdtempSync(join(tmpdir(), 'millrace-fairness-'))
  const deps: Deps = { clock: systemClock, logger: silentLogger, metrics: new Registry() }
  const log = embeddedLogDriver(join(dir, 'log')).create(embeddedLogConfig.parse({ driver: 'embedded' }), deps)
  const state = embeddedStateDriver(join(dir, 'state')).create({ driver: 'embedded' }, deps)
  const dedup = createDedupIndex({
    dir: join(dir, 'dedup'),
    log,
    state,
    windowMs: 31 * 86_400_000,
    maxBytes: 4e9,
    deps,
  })
  const config = { dataDir: dir, minFreeBytes: 1, retention: { hours: 168, bytes: 10e9 } }
  const gate = createGate({ log, dedup, state, config, deps })
  const collector = createCollector({
    config: collectorConfig.parse({ port: 0 }),
    accept: gate.accept,
    authenticate: () => ({ project: 'default', scope: 'admin', keyId: '' }),
    readiness: () => undefined,
    deps,
  })
  const parts = [state, log, dedup, gate, collector]
  for (const part of parts) await part.start(signal)
  const sender = new Worker(new URL(import.meta.url), { workerData: { url: collector.url() } })
  const ask = (message: object) =>
    new Promise<Sent>((resolve, reject) => {
      sender.once('message', resolve)
      sender.once('error', reject)
      sender.postMessage(message)
    })
  process.stdout.write(`${events} events a body, ${rounds} bodies each, ${atOnce} at once; milliseconds\n`)
  process.stdout.write(
    `${'load'.padEnd(34)}  longest turn's CPU   loop held: max   p99    body answered  small events: p50  max\n`,
  )
  for (const { name, path, contentType, make, isRepeated } of loads) {
    if (!name.includes(values.only)) continue
    const bodies = Array.from({ length: rounds + 2 }, () => make(events))
    const message = (list: readonly Buffer[]) => ({
      path,
      contentType,
      atOnce,
      bodies: list.map((body) => new Uint8Array(body)),
    })
    // The first two compile; of duplicates, the first round stores them.
    await ask(message(isRepeated ? bodies : bodies.slice(0, 2)))
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const turns = watchTurns()
    const sent = await ask(message(bodies.slice(2)))
    delay.disable()
    const longest = turns.stop()
    const ms = (value: number) => (value / 1e6).toFixed(1).padStart(6)
    process.stdout.write(
      `${name.padEnd(34)}  ${longest.toFixed(1).padStart(18)}           ${ms(delay.max)}        ${ms(delay.percentile(99))}  ${sent.bodyMs.toFixed(0).padStart(8)} (${sent.statuses})  ${sent.p50.toFixed(1).padStart(10)}  ${sent.max.toFixed(1).padStart(8)}\n`,
    )
  }
  await sender.terminate()
  for (const part of parts.toReversed()) await part.stop()
  rmSync(dir, { recursive: true, force: true })
}

/** CPU of the event loop's thread between two of its turns: what one turn takes whoever else uses this machine. */
function watchTurns(): { stop(): number } {
  let longest = 0
  let isOver = false
  let before = process.threadCpuUsage()
  const turn = () => {
    const { user, system } = process.threadCpuUsage(before)
    longest = Math.max(longest, (user + system) / 1000)
    before = process.threadCpuUsage()
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    stop() {
      isOver = true
      return longest
    },
  }
}

interface Message {
  readonly path: string
  readonly contentType: string
  readonly bodies: readonly Uint8Array[]
  readonly atOnce: number
}

interface Sent {
  /** Mean, of a large body from its first byte to its answer. */
  readonly bodyMs: number
  readonly statuses: string
  /** Of the small events meanwhile. */
  readonly p50: number
  readonly max: number
}

/** The other thread. */
async function send({ url }: { url: string }): Promise<void> {
  const post = async (path: string, contentType: string, body: Uint8Array) => {
    const startedAt = performance.now()
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body: body as Uint8Array<ArrayBuffer>,
    })
    await answer.arrayBuffer()
    return { status: answer.status, ms: performance.now() - startedAt }
  }
  const small = new TextEncoder().encode('{"userId":"ada","event":"Signed Up"}')
  const run = async ({ path, contentType, bodies, atOnce }: Message): Promise<void> => {
    const acks = createHistogram()
    let isOver = false
    const others = (async () => {
      while (!isOver) {
        const { ms } = await post('/v1/track', 'application/json', small)
        acks.record(Math.max(1, Math.round(ms * 1000)))
        await sleep(3)
      }
    })()
    const statuses = new Set<number>()
    let total = 0
    for (let from = 0; from < bodies.length; from += atOnce) {
      const answers = await Promise.all(bodies.slice(from, from + atOnce).map((body) => post(path, contentType, body)))
      for (const { status, ms } of answers) {
        statuses.add(status)
        total += ms
      }
      await sleep(100)
    }
    isOver = true
    await others
    const sent: Sent = {
      bodyMs: total / bodies.length,
      statuses: [...statuses].join(' '),
      p50: acks.percentile(50) / 1000,
      max: acks.max / 1000,
    }
    parentPort!.postMessage(sent)
  }
  parentPort!.on('message', (message) => void run(message as Message))
}
