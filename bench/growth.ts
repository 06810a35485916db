/**
 * `node bench/growth.ts [--events 20000000] [--step 2000000]`: what an event costs while the tables, the log and the index of ids
 * grow: CPU µs per event of each step, the whole way, merges included until they settle. It should stay flat.
 */
import { parseArgs } from 'node:util'
import { createInstance } from '../test/support/instance.ts'
import { privateOf, roles, wholeWay } from './whole-way.ts'

const { values } = parseArgs({
  options: { events: { type: 'string', default: '20000000' }, step: { type: 'string', default: '2000000' } },
})
const all = Number(values.events)
const step = Number(values.step)
const print = (line: string) => process.stdout.write(`${line}\n`)

const instance = createInstance({})
try {
  await instance.start()
  await wholeWay(instance, 'protobuf-gzip-100', 100_000)
  print(
    'stored so far, then CPU µs per event of the step: all (collector, worker, engine); events/s; ack p99 ms; own memory MB',
  )
  let first: number | undefined
  for (let stored = 0; stored < all; stored += step) {
    const { cpu, eventsPerSecond, ackP99, refusals } = await wholeWay(instance, 'protobuf-gzip-100', step)
    first ??= cpu.all
    const memory = privateOf(instance)
    const mb = Math.round(roles.reduce((sum, role) => sum + memory[role], 0))
    print(
      `${(stored + step) / 1e6} M: ${cpu.all.toFixed(1)} (${cpu.collector.toFixed(1)}, ${cpu.worker.toFixed(1)}, ${cpu.engine.toFixed(1)}), ${(cpu.all / first).toFixed(2)} × the first; ${Math.round(eventsPerSecond)}/s; p99 ${ackP99} ms; ${mb} MB${refusals > 0 ? `; ${refusals} refused` : ''}`,
    )
  }
} finally {
  await instance.stop()
  await instance.dispose()
}
