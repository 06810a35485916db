/**
 * Runs one target until its time is over: `node child.ts TARGET SEED FROM INPUTS UNTIL STATE`. The number of the input under way is
 * in the file STATE before it runs, so that the parent can name it when this process hangs or dies.
 */
import { openSync, writeSync } from 'node:fs'
import { PipelineError } from '../packages/server/src/core/errors.ts'
import { inputOf } from './input.ts'
import { targets } from './targets.ts'

export type ChildMessage =
  | { readonly kind: 'found'; readonly what: 'crash' | 'slow'; readonly index: number; readonly message: string }
  | { readonly kind: 'progress'; readonly inputs: number; readonly peakMb: number; readonly isDone: boolean }

const [name, seedText, fromText, inputsText, untilText, state] = process.argv.slice(2)
const target = targets.find((one) => one.name === name)
if (target === undefined || state === undefined)
  throw new Error('usage: node child.ts TARGET SEED FROM INPUTS UNTIL STATE')
const seed = Number(seedText)
const from = Number(fromText)
const last = from + Number(inputsText)
const until = Number(untilText)
const slowMs = 1000

const corpus = target.corpus()
const file = openSync(state, 'w')
const cell = Buffer.alloc(8)
let reported = Date.now()
let done = 0
for (let index = from; index < last && Date.now() < until; index++) {
  cell.writeDoubleLE(index)
  writeSync(file, cell, 0, 8, 0)
  const { body, random } = inputOf(corpus, seed, index)
  const start = performance.now()
  try {
    await target.run(body, random)
  } catch (error) {
    if (!(error instanceof PipelineError) || error.code === 'internal') {
      tell({
        kind: 'found',
        what: 'crash',
        index,
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
    }
  }
  const ms = performance.now() - start
  if (ms > slowMs)
    tell({ kind: 'found', what: 'slow', index, message: `${Math.round(ms)} ms for ${body.length} bytes` })
  done++
  if (Date.now() - reported > 500) {
    reported = Date.now()
    progress(false)
    // Lets the message out; a body is handled between two turns in the server as well.
    await new Promise(setImmediate)
  }
}
progress(true)
process.disconnect()

function tell(message: ChildMessage): void {
  process.send?.(message)
}

function progress(isDone: boolean): void {
  tell({ kind: 'progress', inputs: done, peakMb: Math.round(process.resourceUsage().maxRSS / 1024), isDone })
}
