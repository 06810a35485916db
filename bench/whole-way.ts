import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ask, getJson, type Instance, pause, type Role } from '../test/support/instance.ts'
import { workloads } from './payloads.ts'
import { cpuSeconds, privateBytes, residentBytes } from './process-use.ts'

export const roles: readonly Role[] = ['collector', 'worker', 'engine', 'supervisor']

export interface WholeWay {
  readonly workload: string
  readonly events: number
  readonly eventsPerSecond: number
  readonly requestsPerSecond: number
  readonly ackP50: number
  readonly ackP99: number
  /** CPU µs per event, from the first request until everything is in the tables and merges have settled. */
  readonly cpu: Readonly<Record<Role, number>> & { readonly all: number; readonly generator: number }
  /** Seconds from the last acknowledgement until all was in the tables. */
  readonly drainSeconds: number
  readonly refusals: number
  /** MB after the load. */
  readonly resident: Readonly<Record<Role, number>>
}

interface Sent {
  readonly events: number
  readonly requests: number
  readonly failed: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly ackP50: number
  readonly ackP99: number
}

/** One workload against a running instance. */
export async function wholeWay(instance: Instance, name: string, events: number): Promise<WholeWay> {
  const { collector, api } = instance.ready()
  const generator = spawn(
    process.execPath,
    [join(import.meta.dirname, 'generator.ts'), collector, name, String(events)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const lines = createInterface({ input: generator.stdout })[Symbol.asyncIterator]()
  await lines.next()
  const before = cpuOf(instance)
  generator.stdin.write('go\n')
  const sent = JSON.parse((await lines.next()).value as string) as Sent
  await once(generator, 'exit')
  const ackedAt = performance.now()
  await drained(api)
  const drainSeconds = (performance.now() - ackedAt) / 1000
  await settled(instance)
  const after = cpuOf(instance)
  const cpu = Object.fromEntries(
    roles.map((role) => [role, ((after[role] - before[role]) / sent.events) * 1e6]),
  ) as Record<Role, number>
  return {
    workload: workloads[name]!.name,
    events: sent.events,
    eventsPerSecond: sent.events / sent.seconds,
    requestsPerSecond: sent.requests / sent.seconds,
    ackP50: sent.ackP50,
    ackP99: sent.ackP99,
    cpu: {
      ...cpu,
      all: roles.reduce((sum, role) => sum + cpu[role], 0),
      generator: (sent.cpuSeconds / sent.events) * 1e6,
    },
    drainSeconds,
    refusals: sent.failed,
    resident: residentOf(instance),
  }
}

/** MB per role, without mapped files. */
export function privateOf(instance: Instance): Record<Role, number> {
  return Object.fromEntries(roles.map((role) => [role, privateBytes(instance.pid(role)!) / 1e6])) as Record<
    Role,
    number
  >
}

export function residentOf(instance: Instance): Record<Role, number> {
  return Object.fromEntries(roles.map((role) => [role, residentBytes(instance.pid(role)!) / 1e6])) as Record<
    Role,
    number
  >
}

/** Milliseconds from an acknowledgement until a question sees the event. */
export async function freshness(instance: Instance, probes: number): Promise<{ p50: number; p99: number }> {
  const { collector, api } = instance.ready()
  const seen: number[] = []
  for (let probe = 0; probe < probes; probe++) {
    const id = `fresh-${process.pid}-${Date.now()}-${probe}`
    const answer = await fetch(`${collector}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id, event_type: 'track', event_name: 'probe', actor_id: 'bench' }),
    })
    if (!answer.ok) throw new Error(`the probe was refused with ${answer.status}`)
    const ackedAt = performance.now()
    while ((await ask(api, 'SELECT 1 AS one FROM events WHERE id = {id:String}', { id })).length === 0) await pause(10)
    seen.push(performance.now() - ackedAt)
    await pause(Math.random() * 300)
  }
  seen.sort((a, b) => a - b)
  return { p50: seen[Math.floor(seen.length / 2)]!, p99: seen[Math.floor(seen.length * 0.99)]! }
}

function cpuOf(instance: Instance): Record<Role, number> {
  return Object.fromEntries(roles.map((role) => [role, cpuSeconds(instance.pid(role)!)])) as Record<Role, number>
}

async function drained(api: string): Promise<void> {
  // Each look asks the engine too: seldom enough to cost nothing beside the load.
  for (let waited = 0; waited < 300; waited += 0.5) {
    const { body } = await getJson<{ lag: { events: number } }>(`${api}/api/v1/status`)
    if (body.lag.events === 0) return
    await pause(500)
  }
  throw new Error('the load did not drain within 300 s')
}

/** Merges go on after the last insert: their CPU belongs to the events. Settled: the engine uses less than 5 % of a core for 2 s. */
async function settled(instance: Instance): Promise<void> {
  const pid = instance.pid('engine')!
  for (let quiet = 0, waited = 0; quiet < 2 && waited < 90; waited++) {
    const before = cpuSeconds(pid)
    await pause(1000)
    quiet = cpuSeconds(pid) - before < 0.05 ? quiet + 1 : 0
  }
}
