import { fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChildMessage } from './child.ts'
import { inputOf } from './input.ts'
import { type FuzzRun, readOptions } from './options.ts'
import { type Target, targets } from './targets.ts'

/** Of the child's heap; what it keeps beyond that is a leak, since a body is 2 MB at most. */
const heapMb = 384
/** Without a word from the child for so long it hangs. */
const silenceMs = 10_000
const found = join(import.meta.dirname, 'found')

interface Totals {
  inputs: number
  crashes: number
  slow: number
  peakMb: number
}

const run = readOptions(
  process.argv.slice(2),
  targets.map(({ name }) => name),
)
const scratch = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'))
const totals: Totals = { inputs: 0, crashes: 0, slow: 0, peakMb: 0 }
process.stdout.write(`seed ${run.seed}\n`)
try {
  const share = (run.minutes * 60_000) / run.targets.length
  for (const name of run.targets) await fuzzTarget(targets.find((one) => one.name === name) as Target, run, share)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
process.stdout.write(`inputs ${totals.inputs} crashes ${totals.crashes} slow ${totals.slow} peak-mb ${totals.peakMb}\n`)
process.exitCode = totals.crashes > 0 || totals.slow > 0 ? 7 : 0

/** Children one after another: each goes on behind the input that killed the one before. */
async function fuzzTarget(target: Target, { seed, from, inputs }: FuzzRun, ms: number): Promise<void> {
  const until = Date.now() + ms
  const before = totals.inputs
  let next = from
  let deaths = 0
  while (Date.now() < until && next < from + inputs) {
    const end = await runChild(target, seed, next, from + inputs - next, until)
    if (end === undefined) break
    record(target, seed, end.index, 'crash', end.why)
    totals.inputs += end.index - next + 1
    next = end.index + 1
    // Each of them is a finding already; a target that dies at once would be started for ever.
    if (++deaths === 20) break
  }
  process.stdout.write(`${target.name}: ${totals.inputs - before} inputs\n`)
}

interface Death {
  readonly index: number
  readonly why: string
}

/** Undefined when the child ended as it should; its inputs are counted then. */
function runChild(
  target: Target,
  seed: number,
  from: number,
  inputs: number,
  until: number,
): Promise<Death | undefined> {
  const state = join(scratch, target.name)
  const child = fork(
    join(import.meta.dirname, 'child.ts'),
    [target.name, seed, from, inputs, until, state].map(String),
    {
      execArgv: [`--max-old-space-size=${heapMb}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    },
  )
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString('utf8')).slice(0, 4000)
  })
  return new Promise((resolve) => {
    let isDone = false
    let why = ''
    const hang = () => {
      why = `no sign of life for ${silenceMs} ms`
      child.kill('SIGKILL')
    }
    let timer = setTimeout(hang, silenceMs)
    child.on('message', (message: ChildMessage) => {
      clearTimeout(timer)
      timer = setTimeout(hang, silenceMs)
      if (message.kind === 'found') record(target, seed, message.index, message.what, message.message)
      else {
        totals.peakMb = Math.max(totals.peakMb, message.peakMb)
        isDone = message.isDone
        if (isDone) totals.inputs += message.inputs
      }
    })
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      if (isDone) return resolve(undefined)
      const reason = why === '' ? `the process ended with ${signal ?? code}\n${complaint}` : why
      resolve({ index: indexUnderWay(state, from), why: reason })
    })
  })
}

function indexUnderWay(state: string, from: number): number {
  try {
    const cell = readFileSync(state)
    return cell.length === 8 ? cell.readDoubleLE(0) : from
  } catch {
    return from // It died before its first input.
  }
}

/** Keeps the input beside what it did, and says how to make it again. */
function record(target: Target, seed: number, index: number, what: 'crash' | 'slow', message: string): void {
  if (what === 'crash') totals.crashes++
  else totals.slow++
  mkdirSync(found, { recursive: true })
  const file = join(found, `${target.name}-${seed}-${index}.${what}.bin`)
  writeFileSync(file, inputOf(target.corpus(), seed, index).body)
  process.stdout.write(
    `${what} ${target.name}: ${message}\n  input: ${file}\n  again: node fuzz/main.ts --only ${target.name} --seed ${seed} --from ${index} --inputs 1\n`,
  )
}
