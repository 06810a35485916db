import { setImmediate } from 'node:timers/promises'

/** How long a piece of work may hold the event loop before others get their turn. */
const sliceMs = 8

/** Asked now and then by work that could hold the event loop for long: a promise to wait for when others should have their turn. */
export type Pace = () => Promise<void> | undefined

/** For one piece of work; its time begins now. */
export function createPace(): Pace {
  let until = performance.now() + sliceMs
  return () =>
    performance.now() < until
      ? undefined
      : setImmediate().then(() => {
          until = performance.now() + sliceMs
        })
}

/** Drives work that yields now and then, letting the event loop go on between slices. Rejects when `signal` aborts in between. */
export async function runInSteps<T>(steps: Generator<undefined, T>, signal: AbortSignal): Promise<T> {
  let until = performance.now() + sliceMs
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (performance.now() < until) continue
    await setImmediate(undefined, { signal })
    until = performance.now() + sliceMs
  }
}

/** The same at once, for whoever has nobody to wait for. */
export function runAtOnce<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
