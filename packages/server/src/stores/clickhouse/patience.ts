import { PipelineError } from '../../core/errors.ts'

/**
 * An end to waiting for a store that does not answer: its own limits end a question only while it runs at all, and a process that
 * is stopped, swapped out or behind a broken network keeps its connections open.
 */
export interface Patience {
  /** Aborts with the asker's signal, and when patience ends. */
  readonly signal: AbortSignal
  /** From now on, at most `seconds`. */
  wait(seconds: number): void
  /** It answers; whoever asked may take its time now. */
  rest(): void
  /** What an error means that may be only the end of patience. */
  explain(error: unknown): unknown
  close(): void
}

export function createPatience(asker: AbortSignal): Patience {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let ended: string | undefined
  const leave = () => controller.abort(asker.reason)
  if (asker.aborted) leave()
  else asker.addEventListener('abort', leave, { once: true })
  const rest = () => {
    clearTimeout(timer)
    timer = undefined
  }
  return {
    signal: controller.signal,
    wait(seconds) {
      rest()
      timer = setTimeout(() => {
        ended = `the store did not answer within ${seconds} s`
        controller.abort()
      }, seconds * 1000)
    },
    rest,
    explain: (error) =>
      ended === undefined || asker.aborted
        ? error
        : new PipelineError('unavailable', `${ended}; see its state with: millrace status`, {
            cause: error,
            retryAfterSeconds: 5,
          }),
    close() {
      rest()
      asker.removeEventListener('abort', leave)
    },
  }
}
