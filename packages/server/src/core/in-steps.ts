import { setImmediate } from 'node:timers/promises'

/** How long a piece of work may hold the event loop before others get their turn. */
const sliceMs = 8
/** What all such work together may take of one turn of the loop, as long as a millisecond each is enough for that. */
const turnMs = 24

/** Asked now and then by work that could hold the event loop for long: a promise to wait for when others should have their turn. */
export type Pace = () => Promise<void> | undefined

/**
 * For one piece of work; its time begins now. Several pieces at once know nothing of each other, but each sees how long it had to wait
 * for its next turn, and takes the less for itself. Once `signal` aborts, the next rest rejects.
 */
export function createPace(signal?: AbortSignal): Pace {
  const options = signal === undefined ? undefined : { signal }
  let slice = sliceMs
  let until = performance.now() + slice
  return () => {
    const restsAt = performance.now()
    if (restsAt < until) return undefined
    return setImmediate(undefined, options).then(() => {
      const now = performance.now()
      slice = Math.min(sliceMs, Math.max(1, (turnMs * slice) / (now - restsAt + slice)))
      until = now + slice
    })
  }
}

/** Drives work that yields now and then, letting the event loop go on between slices. Rejects when `signal` aborts in between. */
export async function runInSteps<T>(steps: Generator<undefined, T>, signal: AbortSignal): Promise<T> {
  const pace = createPace(signal)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    const rest = pace()
    if (rest !== undefined) await rest
  }
}

/** The same at once, for whoever has nobody to wait for. */
export function runAtOnce<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
