/**
 * `npm run bench [-- --quick] [-- --json FILE]`: what one event costs on this machine, the whole way and by stage, beside floors measured
 * in the same run. CPU counts all threads of a process; the load generator's own CPU is apart. Trust ratios more than numbers.
 */
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { createInstance, getJson, pause, type Role } from '../test/support/instance.ts'
import { decoderCosts } from './decoders.ts'
import { kafkaMissing } from '../test/support/kafka.ts'
import { floors } from './floors.ts'
import { kafkaBench } from './kafka.ts'
import { stages } from './stages.ts'
import { freshness, privateOf, residentOf, roles, wholeWay, type WholeWay } from './whole-way.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    log: { type: 'string', default: 'embedded' },
    decoders: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(`Measure the whole way: CPU per event and stage, throughput, latencies, memory.

Examples:
  npm run bench                          three minutes or so
  npm run bench -- --quick               one minute, rougher
  npm run bench -- --json figures.json   for programs
  npm run bench -- --log kafka --quick   the log in Kafka beside the embedded one, in the same run; needs java and, the first time, mvn
  npm run bench -- --decoders            each dialect's decoder beside its parser alone
`)
  process.exit(0)
}
const quick = values.quick
const print = (line = '') => process.stdout.write(`${line}\n`)
const say = (line: string) => process.stderr.write(`bench: ${line}\n`)
const us = (value: number) => value.toFixed(2)

print(
  `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 1e9)} GB, Node ${process.versions.node}, ${new Date().toISOString()}`,
)

if (values.decoders) {
  const costs = decoderCosts(quick)
  print()
  print('Body → columns beside the parser alone on the same bytes, CPU µs per event')
  const rows = costs.map((cost) => [
    cost.body,
    String(cost.eventsPerBody),
    String(Math.round(cost.bytesPerEvent)),
    us(cost.parse),
    us(cost.decode),
    (cost.decode / cost.parse).toFixed(1),
  ])
  print(table(['body', 'events', 'bytes an event', 'parse', 'decode', '× parse'], rows))
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ decoders: costs }, undefined, 2)}\n`)
  process.exit(0)
}

if (values.log !== 'embedded') {
  await benchKafka()
  process.exit(0)
}

say('floors …')
const floor = await floors(quick)
print()
print('Floors, measured in this run')
print(
  `  inflate and parse only, µs per event: gzip protobuf ${us(floor.decodeProtobufGzip)}, gzip Segment ${us(floor.decodeSegmentGzip)}, plain Segment ${us(floor.decodeSegment)}`,
)
print(`  bare node:http, one event a request: ${Math.round(floor.bareHttpPerSecond)} requests/s`)

say('starting an instance …')
const instance = createInstance({})
const { ms } = await instance.start()
await pause(8000)
const idle = residentOf(instance)
say('warming up …')
await wholeWay(instance, 'protobuf-gzip-100', 20_000)
await wholeWay(instance, 'segment-1', 3_000)

const sizes: readonly (readonly [string, number])[] = [
  ['protobuf-gzip-100', quick ? 150_000 : 500_000],
  ['segment-gzip-100', quick ? 100_000 : 300_000],
  ['segment-100', quick ? 100_000 : 300_000],
  ['segment-1', quick ? 15_000 : 60_000],
]
const ways: WholeWay[] = []
for (const [name, events] of sizes) {
  say(`${name}: ${events} events …`)
  ways.push(await wholeWay(instance, name, events))
}
const ratio = {
  'gzip protobuf batches of 100': floor.decodeProtobufGzip,
  'gzip Segment batches of 100': floor.decodeSegmentGzip,
  'plain Segment batches of 100': floor.decodeSegment,
} as Record<string, number>

print()
print('The whole way: HTTP in → durable → queryable. CPU µs per event, merges included until they settle')
print(
  table(
    [
      'load',
      'collector',
      'worker',
      'engine',
      'all',
      '× parse',
      'generator',
      'events/s',
      'ack p50 ms',
      'ack p99 ms',
      'drain s',
      'refused',
    ],
    ways.map((way) => [
      way.workload,
      us(way.cpu.collector),
      us(way.cpu.worker),
      us(way.cpu.engine),
      us(way.cpu.all),
      ratio[way.workload] === undefined ? '' : (way.cpu.all / ratio[way.workload]!).toFixed(1),
      us(way.cpu.generator),
      String(Math.round(way.eventsPerSecond)),
      String(way.ackP50),
      String(way.ackP99),
      way.drainSeconds.toFixed(1),
      String(way.refusals),
    ]),
  ),
)
const single = ways.at(-1)!
print(
  `  single durable events: ${(single.requestsPerSecond / floor.bareHttpPerSecond).toFixed(2)} × the bare node:http rate`,
)

say('freshness …')
const fresh = await freshness(instance, quick ? 15 : 40)
print()
print(`Acknowledged → queryable: p50 ${Math.round(fresh.p50)} ms, p99 ${Math.round(fresh.p99)} ms`)
print(`Ready ${ms} ms after the start`)
const memory = (sizes: Record<Role, number>) =>
  `${Math.round(roles.reduce((sum, role) => sum + sizes[role], 0))} MB (${roles.map((role) => `${role} ${Math.round(sizes[role])}`).join(', ')})`
const loaded = residentOf(instance)
print(`Resident memory: idle ${memory(idle)}; after the load ${memory(loaded)}`)
print(`  of their own (without mapped files, such as the log): ${memory(privateOf(instance))}`)
const { body: status } = await getJson<{ sizes: { log_bytes: number; store_bytes: number; events: number } }>(
  `${instance.ready().api}/api/v1/status`,
)
const onDisk = {
  log: status.sizes.log_bytes / status.sizes.events,
  tables: status.sizes.store_bytes / status.sizes.events,
}
print(
  `On disk, bytes per event: log ${Math.round(onDisk.log)}, tables ${Math.round(onDisk.tables)} (${status.sizes.events} events of all loads)`,
)
const code = await instance.stop()
await instance.dispose()
if (code !== 0) say(`the instance ended with ${code}`)

say('stages …')
const byStage = {
  protobuf: await stages('protobuf-gzip-100', quick ? 300 : 1000),
  segment: await stages('segment-gzip-100', quick ? 300 : 1000),
}
print()
print('By stage, each alone in one process, µs per event (insert and merges are the engine’s column above)')
print(
  table(
    ['stage', 'gzip protobuf', 'gzip Segment'],
    byStage.protobuf.map(({ stage, us: cost }, at) => [stage, us(cost), us(byStage.segment[at]!.us)]),
  ),
)

if (values.json !== undefined) {
  writeFileSync(
    values.json,
    JSON.stringify(
      {
        at: new Date().toISOString(),
        floor,
        ways,
        freshness: fresh,
        readyMs: ms,
        residentIdle: idle,
        residentLoaded: loaded,
        bytesPerEvent: onDisk,
        stages: byStage,
      },
      undefined,
      2,
    ),
  )
  say(`written to ${values.json}`)
}

/** The whole way and the log alone, on Kafka and embedded, with the ratio. */
async function benchKafka(): Promise<void> {
  const missing = values.log === 'kafka' ? kafkaMissing() : `--log ${values.log}: expected embedded or kafka`
  if (missing !== undefined) {
    say(missing)
    process.exit(2)
  }
  const { log, ways } = await kafkaBench(quick, say)
  const ratio = (kafka: number, embedded: number) => (kafka / embedded).toFixed(1)
  print()
  print('The log alone, one process, records of 100 events. CPU µs per event; the broker’s own covers append and read')
  print(
    table(
      ['stage', 'events a commit', 'embedded', 'kafka', '× embedded', 'broker'],
      log.map(({ stage, eventsPerCommit, embedded, kafka, broker }) => [
        stage,
        String(eventsPerCommit),
        us(embedded),
        us(kafka),
        ratio(kafka, embedded),
        stage === 'append' ? us(broker) : '',
      ]),
    ),
  )
  print()
  print('The whole way: HTTP in → durable → queryable. CPU µs per event, merges included until they settle')
  print(
    table(
      [
        'load',
        'log',
        'collector',
        'worker',
        'engine',
        'all',
        '× embedded',
        'broker',
        'events/s',
        'ack p50 ms',
        'ack p99 ms',
        'drain s',
        'refused',
      ],
      ways.map((way) => [
        way.workload,
        way.log,
        us(way.cpu.collector),
        us(way.cpu.worker),
        us(way.cpu.engine),
        us(way.cpu.all),
        ratio(way.cpu.all, ways.find((other) => other.log === 'embedded' && other.workload === way.workload)!.cpu.all),
        way.log === 'kafka' ? us(way.broker) : '',
        String(Math.round(way.eventsPerSecond)),
        String(way.ackP50),
        String(way.ackP99),
        way.drainSeconds.toFixed(1),
        String(way.refusals),
      ]),
    ),
  )
  if (values.json === undefined) return
  writeFileSync(values.json, JSON.stringify({ at: new Date().toISOString(), log, ways }, undefined, 2))
  say(`written to ${values.json}`)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]!.length)))
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  ')}`
  return [line(head), ...rows.map(line)].join('\n')
}
