import { eventually, getJson, pause } from '../test/support/instance.ts'
import { createFailOpenWatch } from './fail-open.ts'
import { explainImbalance } from './imbalance.ts'
import { tooLittle } from './instance-run.ts'
import { type ChaosResult, type ClusterChaos, say, seeded } from './options.ts'
import { createParts, type Part, type Parts, type RolePart } from './parts.ts'
import { reconcile } from './reconcile.ts'
import { createWitness, repeat, write } from './writers.ts'

/** So many parts at most are away at the same time. */
const atOnce = 3
/** Longer than a claim in Redis lives. */
const longStopMs = 34_000
const drainMs = 180_000

/** Roles as commands on real servers under load; everything is killed or stopped at random, then every event is reconciled. */
export async function runCluster(options: ClusterChaos): Promise<ChaosResult> {
  const witness = createWitness()
  const stop = new AbortController()
  const startedAt = Date.now()
  const parts = await createParts()
  const roles = [...parts.collectors, ...parts.workers, parts.api]
  say(`starting ${roles.length} roles on Kafka, Redis, PostgreSQL and ClickHouse; seed ${options.seed}`)
  try {
    await Promise.all(parts.services.map((part) => part.start()))
    await Promise.all(roles.map((part) => part.start()))
    await allReady(roles)
    const failOpen = createFailOpenWatch(parts.collectors)
    const watching = failOpen.watch(stop.signal)
    const sending = new AbortController()
    const urls = parts.collectors.map(({ url }) => url)
    const writers = Array.from({ length: options.writers }, (_, at) =>
      write(at, options.seed, urls, witness, sending.signal, { pauseMs: 400, impatience: 0.1 }),
    )
    const chaos = createChaos(parts, options, failOpen.look)
    const until = Date.now() + options.minutes * 60_000
    for (let said = Date.now(); Date.now() < until; ) {
      await pause(200 + chaos.random() * 2300)
      chaos.disturb(until - Date.now())
      if (Date.now() - said < 15_000) continue
      said = Date.now()
      say(
        `${chaos.killed()} kills, ${chaos.stopped()} stops, ${witness.acks} batches acknowledged, ${witness.retries} retries (${witness.elsewhere} elsewhere), fail open ${JSON.stringify(failOpen.byReason())}`,
      )
    }
    await chaos.calm()
    await allReady(roles)
    sending.abort()
    await Promise.all(writers)
    say('each collector is told once more what was acknowledged …')
    for (const url of urls) await repeat(url, witness)
    say('reconciling …')
    const broken = await drainedByLedger(parts.api.url, startedAt)
    const result = await reconcile({
      api: parts.api.url,
      collector: urls[0]!,
      ask: (sql) => parts.clickhouse.sql(sql),
      database: 'millrace.',
      witness,
      startedAt,
    })
    for (const collector of parts.collectors) await failOpen.look(collector, 5000)
    stop.abort()
    await watching
    const admitted = Object.values(failOpen.byReason()).reduce((sum, count) => sum + count, 0)
    broken.push(...result.broken, ...chaos.broken, ...tooLittle(witness, chaos.killed()))
    if (witness.elsewhere < chaos.killed()) broken.push(`only ${witness.elsewhere} retries went to another collector`)
    if (witness.anew > admitted)
      broken.push(`${witness.anew} acknowledged events were stored anew, collectors admit ${admitted}`)
    const codes = await Promise.all(roles.map((role) => role.stop()))
    for (const [at, code] of codes.entries())
      if (code !== 0) broken.push(`${roles[at]!.name} ended with ${code} at SIGTERM`)
    for (const line of roles.flatMap(({ ended }) => ended)) say(`by itself: ${line}`)
    say(
      `kills ${JSON.stringify(chaos.kills)}; stops ${JSON.stringify(chaos.stops)}; batches acknowledged ${witness.acks}, retries ${witness.retries}, of them at another collector ${witness.elsewhere}, repeats ${witness.repeats}, of them events stored anew ${witness.anew}`,
    )
    say(
      `slowest batch ${witness.slowestMs} ms; attempts in vain: ${[...witness.refusals]
        .toSorted(([, a], [, b]) => b - a)
        .slice(0, 8)
        .map(([why, count]) => `${count} × ${why}`)
        .join('; ')}`,
    )
    say(`fail open by reason ${JSON.stringify(failOpen.byReason())}`)
    const isWrong = broken.length > 0 || result.lost > 0 || result.twice > admitted
    if (isWrong) for (const line of await explainImbalance(parts.broker, (sql) => parts.clickhouse.sql(sql))) say(line)
    if (isWrong) for (const role of roles) say(`last log lines of ${role.name}:\n${role.log().slice(-20_000)}`)
    return { ...result, kills: chaos.killed(), failOpen: admitted, broken }
  } finally {
    stop.abort()
    for (const part of [...roles, ...parts.services]) await part.dispose()
  }
}

function createChaos(parts: Parts, options: ClusterChaos, look: (collector: RolePart, ms: number) => Promise<void>) {
  const random = seeded(options.seed)
  const all = [...parts.collectors, ...parts.workers, parts.api, ...parts.services]
  const possible = all.filter(({ kind }) => options.targets?.includes(kind) ?? true)
  const away = new Map<Part, Promise<void>>()
  const kills: Record<string, number> = {}
  const stops: Record<string, number> = {}
  const broken: string[] = []
  const calming = new AbortController()
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0)

  async function kill(part: Part): Promise<void> {
    const collector = parts.collectors.find((one) => one === part)
    if (collector !== undefined) await look(collector, 100)
    await part.kill9()
    kills[part.kind] = (kills[part.kind] ?? 0) + 1
    await pause(random() * 1500)
    await part.start()
  }

  async function halt(part: Part, ms: number): Promise<void> {
    part.signal('SIGSTOP')
    stops[part.kind] = (stops[part.kind] ?? 0) + 1
    const until = Date.now() + ms
    while (Date.now() < until && !calming.signal.aborted) await pause(50)
    part.signal('SIGCONT')
  }

  function begin(part: Part, work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => void broken.push(`${part.name} could not be brought back: ${String(error)}`))
      .finally(() => away.delete(part))
    away.set(part, done)
  }

  return {
    random,
    kills,
    stops,
    broken,
    killed: () => sum(kills),
    stopped: () => sum(stops),
    disturb(leftMs: number): void {
      const part = possible[Math.floor(random() * possible.length)]!
      const [isKill, isLong, length] = [random() < 0.6, random() < 0.2, random()]
      if (away.size >= atOnce || away.has(part)) return
      if (isKill) return begin(part, kill(part))
      const isTooLong = part.kind !== 'collector' || leftMs < longStopMs
      begin(part, halt(part, isLong && !isTooLong ? longStopMs + length * 6000 : 200 + length * 6000))
    },
    /** Everything is back. */
    async calm(): Promise<void> {
      calming.abort()
      await Promise.all(away.values())
    },
  }
}

async function allReady(roles: readonly RolePart[]): Promise<void> {
  for (const { name, url, log } of roles)
    await eventually(
      async () => {
        const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined)
        return answer?.status === 200 || undefined
      },
      120_000,
      `${name} ready`,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it says:\n${log().slice(-3000)}`)
    })
}

/** Nothing is in flight, and the counts agree; what hinders it. */
async function drainedByLedger(api: string, startedAt: number): Promise<string[]> {
  let last = ''
  try {
    await eventually(
      async () => {
        const url = `${api}/api/v1/ledger?from=${startedAt - 60_000}&to=${Date.now() + 60_000}`
        const { status, body } = await getJson<{ in_flight: number; balanced: boolean; sums: unknown }>(url)
        last = `${status} ${JSON.stringify({ ...body, rows: undefined })}`
        return status === 200 && body.in_flight === 0 && body.balanced ? true : undefined
      },
      drainMs,
      'a ledger that balances with nothing in flight',
    )
    return []
  } catch (error) {
    return [`${String(error)}; at last ${last}`]
  }
}
