import { parseArgs } from 'node:util'

export interface ChaosOptions {
  readonly kills: number
  readonly seed: number
  readonly targets: readonly Target[]
  readonly writers: number
  readonly log: 'embedded' | 'kafka'
}

export const targets = ['collector', 'worker', 'engine', 'supervisor', 'broker'] as const
export type Target = (typeof targets)[number]

const help = `Kill Millrace's processes with SIGKILL at random moments under load, restart, and reconcile every event.

Examples:
  npm run chaos -- --kills 200 --seed 1
  npm run chaos -- --kills 20 --target engine,worker
  npm run chaos -- --log kafka --kills 50

  --kills N     how many kills (default 20)
  --seed S      of the moments and the payloads (default 1)
  --target A,B  of collector, worker, engine, supervisor and, with --log kafka, broker (default: all)
  --log L       embedded (default) or kafka: a real broker, which needs java and, the first time, mvn
  --writers N   concurrent senders (default 6)

Last line: kills N acked N stored N lost 0 twice 0. Exit 7 when lost or twice is not 0, or when the run proved too little.
`

export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      target: { type: 'string' },
      log: { type: 'string', default: 'embedded' },
      writers: { type: 'string', default: '6' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(help)
    process.exit(0)
  }
  if (values.log !== 'embedded' && values.log !== 'kafka') usage(`--log ${values.log}: expected embedded or kafka`)
  const possible = targets.filter((name) => name !== 'broker' || values.log === 'kafka')
  const chosen = values.target?.split(',').map((name) => name.trim()) ?? possible
  const unknown = chosen.filter((name) => !possible.includes(name as Target))
  if (unknown.length > 0) usage(`--target ${unknown.join(',')}: expected some of ${possible.join(', ')}`)
  return {
    kills: whole('kills', values.kills),
    seed: whole('seed', values.seed),
    writers: whole('writers', values.writers),
    targets: chosen as Target[],
    log: values.log,
  }
}

function whole(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) usage(`--${name} ${JSON.stringify(text)}: expected a whole number above 0`)
  return value
}

function usage(message: string): never {
  process.stderr.write(`chaos: ${message}\n`)
  process.exit(2)
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
