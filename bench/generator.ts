/**
 * The load, in a process of its own so that its CPU is counted apart:
 *   node bench/generator.ts <origin> <workload> <events>
 * Makes all bodies first, says `prepared`, waits for a line, sends them, and prints one JSON line with what it saw.
 */
import { Agent, request } from 'node:http'
import { once } from 'node:events'
import { workloads } from './payloads.ts'

const [origin = '', name = '', count = '0'] = process.argv.slice(2)
const workload = workloads[name]
if (workload === undefined) throw new Error(`no workload ${name}`)
const { eventsPerBody, headers, path, connections } = workload
const total = Math.ceil(Number(count) / eventsPerBody)
const bodies = Array.from({ length: total }, () => workload.body())
const agent = new Agent({ keepAlive: true, maxSockets: connections })
const { hostname, port } = new URL(origin)

process.stdout.write('prepared\n')
await once(process.stdin, 'data')

const latencies = new Float64Array(total)
let next = 0
let failed = 0
const cpuBefore = process.cpuUsage()
const startedAt = performance.now()
await Promise.all(Array.from({ length: connections }, () => sendSome()))
const seconds = (performance.now() - startedAt) / 1000
const cpu = process.cpuUsage(cpuBefore)
latencies.sort()
const at = (share: number) => Number((latencies[Math.min(total - 1, Math.floor(total * share))] ?? 0).toFixed(2))
process.stdout.write(
  `${JSON.stringify({ events: total * eventsPerBody, requests: total, failed, seconds, cpuSeconds: (cpu.user + cpu.system) / 1e6, ackP50: at(0.5), ackP99: at(0.99) })}\n`,
)
process.exit(0)

async function sendSome(): Promise<void> {
  while (next < total) {
    const mine = next++
    const began = performance.now()
    for (let attempt = 0; ; attempt++) {
      const status = await send(bodies[mine]!)
      if (status === 200) break
      failed++
      if (attempt > 100) throw new Error(`body ${mine} was refused with ${status} a hundred times`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    latencies[mine] = performance.now() - began
  }
}

function send(body: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { agent, hostname, port, path, method: 'POST', headers: { ...headers, 'content-length': body.length } },
      (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
