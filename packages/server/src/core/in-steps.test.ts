import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { runAtOnce, runInSteps } from './in-steps.ts'

/** Yields after each busy millisecond. */
function* busy(ms: number): Generator<undefined, string> {
  for (let i = 0; i < ms; i++) {
    for (const end = performance.now() + 1; performance.now() < end; );
    yield
  }
  return 'done'
}

it('lets others go on between steps', async () => {
  let turns = 0
  let isDone = false
  const others = (async () => {
    while (!isDone) {
      await setImmediate()
      turns++
    }
  })()
  expect(await runInSteps(busy(60), new AbortController().signal)).toBe('done')
  isDone = true
  await others
  expect(turns).toBeGreaterThan(2)
})

it('stops between steps when nobody waits any more', async () => {
  const gone = new AbortController()
  const run = runInSteps(busy(10_000), gone.signal)
  gone.abort()
  await expect(run).rejects.toThrow('abort')
})

it('gives what the steps return, also at once', () => {
  expect(runAtOnce(busy(2))).toBe('done')
})

it('shares a turn with other such work: each takes the less, the more there is of it', async () => {
  let turns = 0
  let isDone = false
  const others = (async () => {
    while (!isDone) {
      await setImmediate()
      turns++
    }
  })()
  const signal = new AbortController().signal
  await Promise.all(Array.from({ length: 12 }, () => runInSteps(busy(50), signal)))
  isDone = true
  await others
  // 600 ms of work in slices of 8 ms, twelve in a turn, would be 7 turns.
  expect(turns).toBeGreaterThan(14)
})
