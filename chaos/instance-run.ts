import { ask, createInstance, freePort, type Instance, isAlive, pause, type Role } from '../test/support/instance.ts'
import { type Broker, createBroker } from '../test/support/kafka.ts'
import { type ChaosResult, type InstanceChaos, say, seeded, type Target } from './options.ts'
import { drained, reconcile } from './reconcile.ts'
import { createWitness, type Witness, write } from './writers.ts'

/** One `millrace start` under load, its processes (and its broker) killed at random moments. */
export async function runInstance(options: InstanceChaos): Promise<ChaosResult> {
  const random = seeded(options.seed)
  const witness = createWitness()
  const stop = new AbortController()
  const ports = { collector: await freePort(), api: await freePort() }
  const broker = options.log === 'kafka' ? await createBroker() : undefined
  await broker?.start()
  const instance = createInstance({
    ports,
    ...(broker === undefined ? {} : { env: { MILLRACE_LOG_BROKERS: broker.address } }),
    args: ['--set', 'query.rows=100000000', '--set', 'query.seconds=120', '--set', 'query.memory=4 GB'],
  })
  const startedAt = Date.now()
  say(`data in ${instance.dataDir}, ${options.kills} kills, seed ${options.seed}`)
  const { collector, api } = await instance.start()
  const writers = Array.from({ length: options.writers }, (_, at) =>
    write(at, options.seed, [collector], witness, stop.signal),
  )
  const killer = createKiller(instance, broker, random)
  let said = Date.now()
  for (let kill = 0; kill < options.kills; ) {
    await pause(100 + random() * 1400)
    if (!(await killer.kill(options.targets[kill % options.targets.length]!))) continue
    kill++
    if (Date.now() - said > 10_000) {
      said = Date.now()
      say(`${kill} of ${options.kills} kills, ${witness.acks} batches acknowledged, ${witness.retries} retries`)
    }
  }
  await pause(1500)
  stop.abort()
  await Promise.all(writers)
  say('reconciling …')
  const isDrained = await drained(api)
  const result = await reconcile({ api, collector, ask: (sql) => ask(api, sql), database: '', witness, startedAt })
  const broken = [...isDrained, ...killer.broken, ...result.broken, ...tooLittle(witness, options.kills)]
  const code = await instance.stop()
  if (code !== 0) broken.push(`the supervisor ended with ${code} at SIGTERM`)
  if (broken.length > 0 || result.lost + result.twice > 0)
    say(`last log lines:\n${instance.log().slice(-3000)}\nthe data directory is kept: ${instance.dataDir}`)
  else await instance.dispose()
  await broker?.dispose()
  say(
    `kills by target ${JSON.stringify(killer.kills)}; batches acknowledged ${witness.acks}, retries ${witness.retries}, repeats ${witness.repeats}`,
  )
  const { childBack, childrenEnd, start } = killer.longest
  say(
    `longest, ms: child running again ${childBack}, children end after the supervisor ${childrenEnd}, start after a crash ${start}`,
  )
  return { ...result, kills: options.kills, broken }
}

/** A run in which little happened proves nothing. */
export function tooLittle(witness: Witness, kills: number): string[] {
  const missing: string[] = []
  if (witness.acks < kills * 5) missing.push(`only ${witness.acks} batches were acknowledged`)
  if (witness.retries < kills / 4) missing.push(`only ${witness.retries} retries happened`)
  if (witness.repeats < 1) missing.push('no acknowledged batch was sent again')
  if (witness.quarantined.size < 1) missing.push('nothing was quarantined')
  return missing
}

function createKiller(instance: Instance, broker: Broker | undefined, random: () => number) {
  /** Milliseconds, the longest seen. */
  const longest = { childBack: 0, childrenEnd: 0, start: 0 }
  const kills: Record<Target, number> = { collector: 0, worker: 0, engine: 0, supervisor: 0, broker: 0 }
  const broken: string[] = []

  async function killBroker(): Promise<void> {
    await broker?.kill9()
    await pause(random() * 1000)
    await broker?.start()
  }

  function killChild(role: Exclude<Role, 'supervisor'>): boolean {
    const before = instance.pid(role)
    if (!isAlive(before) || !instance.kill9(role)) return false
    const killedAt = Date.now()
    // The next kill may come before it is back: only the time until there is a new process is looked at here.
    void (async () => {
      while (instance.pid(role) === before && Date.now() - killedAt < 10_000) await pause(10)
      const took = Date.now() - killedAt
      longest.childBack = Math.max(longest.childBack, took)
      if (took >= 10_000 && isAlive(instance.pid('supervisor')))
        broken.push(`${role} was not started again within 10 s`)
    })()
    return true
  }

  async function killSupervisor(): Promise<void> {
    const children = (['collector', 'worker', 'engine'] as const).map((role) => instance.pid(role))
    instance.kill9('supervisor')
    await instance.ended()
    const killedAt = Date.now()
    while (children.some((pid) => isAlive(pid)) && Date.now() - killedAt < 10_000) await pause(5)
    longest.childrenEnd = Math.max(longest.childrenEnd, Date.now() - killedAt)
    const restartedAt = Date.now()
    await instance.start()
    longest.start = Math.max(longest.start, Date.now() - restartedAt)
  }

  return {
    kills,
    longest,
    broken,
    /** False when it was just being replaced: then nothing was killed. */
    async kill(target: Target): Promise<boolean> {
      if (target === 'supervisor') await killSupervisor()
      else if (target === 'broker') await killBroker()
      else if (!killChild(target)) return false
      kills[target]++
      return true
    },
  }
}
