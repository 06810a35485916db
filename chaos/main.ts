import { createInstance, freePort, isAlive, pause, type Role } from '../test/support/instance.ts'
import { createBroker, kafkaMissing } from '../test/support/kafka.ts'
import { readOptions, seeded, type Target } from './options.ts'
import { reconcile } from './reconcile.ts'
import { createWitness, write } from './writers.ts'

const options = readOptions(process.argv.slice(2))
const random = seeded(options.seed)
const witness = createWitness()
const stop = new AbortController()
const ports = { collector: await freePort(), api: await freePort() }
const broker = options.log === 'kafka' ? await startBroker() : undefined
const instance = createInstance({
  ports,
  ...(broker === undefined ? {} : { env: { MILLRACE_LOG_BROKERS: broker.address } }),
  args: ['--set', 'query.rows=100000000', '--set', 'query.seconds=120', '--set', 'query.memory=4 GB'],
})
const startedAt = Date.now()
const say = (line: string) => process.stderr.write(`chaos: ${line}\n`)
const broken: string[] = []
/** Milliseconds, the longest seen. */
const longest = { childBack: 0, childrenEnd: 0, start: 0 }
const kills: Record<Target, number> = { collector: 0, worker: 0, engine: 0, supervisor: 0, broker: 0 }

say(`data in ${instance.dataDir}, ${options.kills} kills, seed ${options.seed}`)
const { collector, api } = await instance.start()
const writers = Array.from({ length: options.writers }, (_, at) =>
  write(at, options.seed, collector, witness, stop.signal),
)

let said = Date.now()
for (let kill = 0; kill < options.kills; ) {
  await pause(100 + random() * 1400)
  const target = options.targets[kill % options.targets.length]!
  if (target === 'supervisor') await killSupervisor()
  else if (target === 'broker') await killBroker()
  else if (!(await killChild(target))) continue
  kills[target]++
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
const result = await reconcile(api, collector, witness, startedAt)
broken.push(...result.broken)
const code = await instance.stop()
if (code !== 0) broken.push(`the supervisor ended with ${code} at SIGTERM`)

// A run in which little happened proves nothing.
if (witness.acks < options.kills * 5) broken.push(`only ${witness.acks} batches were acknowledged`)
if (witness.retries < options.kills / 4) broken.push(`only ${witness.retries} retries happened`)
if (witness.repeats < 1) broken.push('no acknowledged batch was sent again')
if (witness.quarantined.size < 1) broken.push('nothing was quarantined')

for (const line of broken) say(`BROKEN: ${line}`)
if (broken.length > 0 || result.lost + result.twice > 0)
  say(`last log lines:\n${instance.log().slice(-3000)}\nthe data directory is kept: ${instance.dataDir}`)
else await instance.dispose()
await broker?.dispose()
say(
  `kills by target ${JSON.stringify(kills)}; batches acknowledged ${witness.acks}, retries ${witness.retries}, repeats ${witness.repeats}`,
)
say(
  `longest, ms: child running again ${longest.childBack}, children end after the supervisor ${longest.childrenEnd}, start after a crash ${longest.start}`,
)
process.stdout.write(
  `kills ${options.kills} acked ${result.acked} stored ${result.stored} lost ${result.lost} twice ${result.twice}\n`,
)
process.exit(broken.length > 0 || result.lost + result.twice > 0 ? 7 : 0)

async function startBroker() {
  const missing = kafkaMissing()
  if (missing !== undefined) {
    process.stderr.write(`chaos: --log kafka: ${missing}\n`)
    process.exit(2)
  }
  const started = await createBroker()
  await started.start()
  return started
}

async function killBroker(): Promise<void> {
  await broker?.kill9()
  await pause(random() * 1000)
  await broker?.start()
}

/** False when it was just being replaced: then nothing was killed. */
async function killChild(role: Exclude<Role, 'supervisor'>): Promise<boolean> {
  const before = instance.pid(role)
  if (!isAlive(before) || !instance.kill9(role)) return false
  const killedAt = Date.now()
  // The next kill may come before it is back: only the time until there is a new process is looked at here.
  void (async () => {
    while (instance.pid(role) === before && Date.now() - killedAt < 10_000) await pause(10)
    const took = Date.now() - killedAt
    longest.childBack = Math.max(longest.childBack, took)
    if (took >= 10_000 && isAlive(instance.pid('supervisor'))) broken.push(`${role} was not started again within 10 s`)
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
