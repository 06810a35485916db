import { parseArgs } from 'node:util'

export interface FuzzOptions {
  readonly minutes: number
  readonly seed: number
  readonly targets: readonly string[]
}

const help = (
  targets: readonly string[],
) => `Feed every decoder with broken bodies, and see that nothing but a refusal comes out.

Examples:
  npm run fuzz -- --minutes 1
  npm run fuzz -- --minutes 10 --seed 7 --only s0
  node fuzz/main.ts --only segment --seed 7 --from 1234 --inputs 1     one input again

  --minutes N   for all decoders together, fractions too (default 1)
  --seed S      the same seed makes the same inputs (default: of the clock, printed)
  --only A,B    of ${targets.join(', ')} (default: all but planted, which fails on purpose)
  --from I      number of the first input (default 0)
  --inputs N    stop each decoder after so many inputs

A crash is anything but a PipelineError, a column of a wrong type, a hang, or memory without bound; slow is above 1 s. Such
inputs are saved in fuzz/found/, with the command that makes them again.
Last line: inputs N crashes N slow N peak-mb N. Exit 7 when there was a crash or a slow input.
`

export interface FuzzRun extends FuzzOptions {
  readonly from: number
  readonly inputs: number
}

export function readOptions(args: readonly string[], targets: readonly string[]): FuzzRun {
  let values: Record<string, string | boolean | undefined>
  try {
    values = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string' },
        only: { type: 'string' },
        from: { type: 'string' },
        inputs: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
  if (values['help'] === true) {
    process.stdout.write(help(targets))
    process.exit(0)
  }
  const only = (values['only'] as string | undefined)?.split(',').map((name) => name.trim())
  const unknown = only?.find((name) => !targets.includes(name))
  if (unknown !== undefined) usage(`--only ${unknown}: expected some of ${targets.join(', ')}`)
  return {
    minutes: number('minutes', values['minutes'] ?? '1', 0),
    seed: number('seed', values['seed'] ?? String(Date.now() % 1_000_000), 0),
    targets: only ?? targets.filter((name) => name !== 'planted'),
    from: number('from', values['from'] ?? '0', 0),
    inputs: number('inputs', values['inputs'] ?? String(Number.MAX_SAFE_INTEGER), 1),
  }
}

function number(name: string, text: string | boolean, least: number): number {
  const value = Number(text)
  if (text === '' || !Number.isFinite(value) || value < least) {
    usage(`--${name} ${String(text)}: expected a number of at least ${least}`)
  }
  return value
}

function usage(message: string): never {
  process.stderr.write(`fuzz: ${message}\nTry: node fuzz/main.ts --help\n`)
  process.exit(2)
}
