import { parseArgs } from 'node:util'
import { kafkaMissing } from '../test/support/kafka.ts'
import { postgresMissing } from '../test/support/postgres.ts'
import { redisMissing } from '../test/support/redis.ts'

export const instanceTargets = ['collector', 'worker', 'engine', 'supervisor', 'broker'] as const
export type Target = (typeof instanceTargets)[number]
const clusterTargets = ['collector', 'worker', 'api', 'kafka', 'redis', 'postgres', 'clickhouse'] as const
export type ClusterTarget = (typeof clusterTargets)[number]

/** One `millrace start`, its processes killed. */
export interface InstanceChaos {
  readonly kills: number
  readonly seed: number
  readonly targets: readonly Target[]
  readonly writers: number
  readonly log: 'embedded' | 'kafka'
}

/** Roles as commands on Kafka, Redis, PostgreSQL and ClickHouse: all of them killed and stopped. */
export interface ClusterChaos {
  readonly minutes: number
  readonly seed: number
  /** All by default. */
  readonly targets?: readonly ClusterTarget[]
  readonly writers: number
}

export interface ChaosResult {
  readonly kills: number
  readonly acked: number
  readonly stored: number
  readonly lost: number
  readonly twice: number
  /** Events that collectors stored without the word of the cache they share: so many may be there twice. */
  readonly failOpen?: number
  /** Everything else that must hold and did not. */
  readonly broken: readonly string[]
}

export type ChaosOptions = { missing(): string | undefined } & (
  | ({ readonly kind: 'instance' } & InstanceChaos)
  | ({ readonly kind: 'cluster' } & ClusterChaos)
)

const help = `Kill Millrace's processes with SIGKILL at random moments under load, restart, and reconcile every event.

Examples:
  npm run chaos -- --kills 200 --seed 1
  npm run chaos -- --kills 20 --target engine,worker
  npm run chaos -- --log kafka --kills 50
  npm run chaos -- --cluster --minutes 5 --seed 1

  --kills N     how many kills (default 20)
  --seed S      of the moments and the payloads (default 1)
  --target A,B  of collector, worker, engine, supervisor and, with --log kafka, broker (default: all);
                with --cluster of collector, worker, api, kafka, redis, postgres, clickhouse
  --log L       embedded (default) or kafka: a real broker, which needs java and, the first time, mvn
  --cluster     three collectors, two workers and an API on Kafka, Redis, PostgreSQL and ClickHouse, each of them killed or
                stopped for a while; senders repeat what was not answered at another collector
  --minutes M   how long, with --cluster (default 5)
  --writers N   concurrent senders (default 6)

Last line: kills N acked N stored N lost 0 twice 0. Exit 7 when lost or twice is not 0, or when the run proved too little.
With --cluster the line before it is failOpen N: events that were stored while Redis could not say whether another collector was
storing them too. No more than so many may be there twice.
`

export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      target: { type: 'string' },
      log: { type: 'string', default: 'embedded' },
      cluster: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '5' },
      writers: { type: 'string', default: '6' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(help)
    process.exit(0)
  }
  const both = { seed: whole('seed', values.seed), writers: whole('writers', values.writers) }
  if (values.cluster)
    return {
      kind: 'cluster',
      ...both,
      minutes: positive('minutes', values.minutes),
      targets: chosen(values.target, clusterTargets),
      missing: clusterMissing,
    }
  const { log } = values
  if (log !== 'embedded' && log !== 'kafka') usage(`--log ${log}: expected embedded or kafka`)
  const possible = instanceTargets.filter((name) => name !== 'broker' || log === 'kafka')
  return {
    kind: 'instance',
    ...both,
    kills: whole('kills', values.kills),
    targets: chosen(values.target, possible),
    log,
    missing: () => (log === 'kafka' ? kafkaMissing() : undefined),
  }
}

/** Why no cluster can be started here; undefined when one can. */
export function clusterMissing(): string | undefined {
  return kafkaMissing() ?? redisMissing() ?? postgresMissing()
}

function chosen<T extends string>(text: string | undefined, possible: readonly T[]): readonly T[] {
  const names = text?.split(',').map((name) => name.trim()) ?? possible
  const unknown = names.filter((name) => !possible.includes(name as T))
  if (unknown.length > 0) usage(`--target ${unknown.join(',')}: expected some of ${possible.join(', ')}`)
  return names as readonly T[]
}

function whole(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) usage(`--${name} ${JSON.stringify(text)}: expected a whole number above 0`)
  return value
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) usage(`--${name} ${JSON.stringify(text)}: expected a number above 0`)
  return value
}

function usage(message: string): never {
  say(message)
  process.exit(2)
}

export function say(line: string): void {
  process.stderr.write(`chaos: ${line}\n`)
}

/** mulberry32: the same seed, the same run as far as timing allows. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
