import { afterEach, expect, it } from 'vitest'
import { silentLogger } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import { type Check, createWatch, type Watch } from './readiness.ts'

const watches: Watch[] = []
afterEach(async () => {
  for (const watch of watches.splice(0)) await watch.stop()
})

/** Looks again whenever `tick` is called. */
async function watching(checks: Readonly<Record<string, Check>>) {
  let wake = () => {}
  const sleep = (_ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      wake = resolve
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
  const watch = createWatch(checks, { clock: { now: () => 0, sleep }, logger: silentLogger })
  watches.push(watch)
  await watch.start(new AbortController().signal)
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  await settle()
  return {
    watch,
    async tick() {
      wake()
      await settle()
    },
  }
}

it('tells the first problem, by what is wrong, until it has passed', async () => {
  let engine: string | undefined
  let job: string | undefined
  const { watch, tick } = await watching({ engine: async () => engine, load: async () => job })
  expect(watch.problem()).toBeUndefined()
  engine = 'it is away'
  job = 'it has stopped'
  await tick()
  expect(watch.problem()).toBe('engine: it is away')
  engine = undefined
  await tick()
  expect(watch.problem()).toBe('load: it has stopped')
  job = undefined
  await tick()
  expect(watch.problem()).toBeUndefined()
})

it('takes a check that fails for a problem', async () => {
  const { watch } = await watching({
    engine: () => Promise.reject(new PipelineError('unavailable', 'cannot reach it')),
  })
  expect(watch.problem()).toBe('engine: cannot reach it')
})

it('stops while a check is under way, by its signal', async () => {
  let seen: AbortSignal | undefined
  const { watch } = await watching({
    engine: (signal) => {
      seen = signal
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      })
    },
  })
  await watch.stop()
  expect([seen?.aborted, watch.problem()]).toEqual([true, undefined])
})

it('may be stopped before it was started, and twice', async () => {
  const watch = createWatch({}, { clock: { now: () => 0, sleep: async () => {} }, logger: silentLogger })
  await watch.stop()
  await watch.stop()
})
