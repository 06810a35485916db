import { PipelineError, toPipelineError } from '../core/errors.ts'

/** What waits for its commit. */
export interface Waiting {
  /** Rough size, for the bounds. */
  readonly bytes: number
}

/** What became of one append. `failed`: entries that could not be written, while the others were. */
export type Written<W> =
  | { readonly isStored: true; readonly failed?: ReadonlyMap<W, PipelineError> }
  | { readonly isStored: false; readonly error: PipelineError }

export interface GroupCommit<W extends Waiting> {
  /** Resolves when durable; rejects when it is not, or when that cannot be told yet (`settle` is then called when it can). */
  submit(entry: W): Promise<void>
  /** No new ones; resolves when all that wait are written. */
  stop(): Promise<void>
  readonly size: () => { readonly batches: number; readonly bytes: number }
}

export interface GroupCommitOptions<W extends Waiting> {
  /**
   * Writes all these in one append. A throw means that nobody knows whether they are there: `verify` is asked until it does.
   */
  readonly write: (entries: readonly W[]) => Promise<Written<W>>
  /**
   * Called once for every entry, before its promise settles: durable, or surely not there (also when it was refused at once). One call
   * per append, in the log's order; not at all for entries of which `stop` came before the log could tell.
   */
  readonly settle: (entries: readonly W[], isStored: boolean) => void
  /** What became of the last append, which threw. Throws as long as it cannot tell. */
  readonly verify: () => Promise<Written<W>>
  /** Waits between two questions to `verify`; rejects when there is no time left for another. */
  readonly pause: () => Promise<void>
  readonly maxWaitingBytes?: number
  readonly maxWaiting?: number
  readonly maxCommitBytes?: number
  /** A sender waits no longer for an append that has begun; less than what clients wait for an answer. */
  readonly answerWithinMs?: number
}

interface Slot<W> {
  readonly entry: W
  readonly resolve: () => void
  readonly reject: (error: PipelineError) => void
}

/**
 * One append at a time: what comes while a sync is running waits and goes together in the next. Alone, nobody waits; under load, one
 * sync serves many. (The start is put off to the end of the event loop's turn: what arrived in the same turn is company already.)
 */
export function createGroupCommit<W extends Waiting>(options: GroupCommitOptions<W>): GroupCommit<W> {
  // Two commits' worth: more would only make the answer later, and the sender is better told to wait.
  const { maxWaitingBytes = 64 << 20, maxWaiting = 10_000, maxCommitBytes = 32 << 20, answerWithinMs = 8000 } = options
  let waiting: Slot<W>[] = []
  let waitingBytes = 0
  let running: Promise<void> | undefined
  let stopped = false
  /** Set while nobody can tell what becomes of the last append. */
  let undecided: PipelineError | undefined

  function take(): Slot<W>[] {
    let bytes = 0
    let count = 0
    while (count < waiting.length) {
      bytes += (waiting[count] as Slot<W>).entry.bytes
      if (count > 0 && bytes > maxCommitBytes) break
      count++
    }
    const taken = count === waiting.length ? waiting : waiting.slice(0, count)
    waiting = count === waiting.length ? [] : waiting.slice(count)
    for (const { entry } of taken) waitingBytes -= entry.bytes
    return taken
  }

  async function run(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0) {
      await commit(take())
    }
    running = undefined
  }

  async function commit(slots: readonly Slot<W>[]): Promise<void> {
    const entries = slots.map(({ entry }) => entry)
    // A log that hangs: the append goes on, and so do its claims, but nobody waits for it, and nobody else gets in line.
    const timer = setTimeout(() => refuseAll(slots, unconfirmed(undefined)), answerWithinMs)
    try {
      let written: Written<W>
      try {
        written = await options.write(entries)
      } catch (error) {
        return await decide(slots, entries, toPipelineError(error))
      }
      finish(slots, entries, written)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Whoever waits, or comes until the append under way is over, is told to come again. */
  function refuseAll(slots: readonly Slot<W>[], error: PipelineError): void {
    undecided = error
    for (const { reject } of slots) reject(error)
    turnAway(error)
  }

  function finish(slots: readonly Slot<W>[], entries: readonly W[], written: Written<W>): void {
    undecided = undefined
    if (!written.isStored) {
      options.settle(entries, false)
      for (const { reject } of slots) reject(written.error)
      return
    }
    const failed = written.failed?.size ? written.failed : undefined
    options.settle(failed === undefined ? entries : entries.filter((entry) => !failed.has(entry)), true)
    if (failed !== undefined) options.settle([...failed.keys()], false)
    for (const { entry, resolve, reject } of slots) {
      const error = failed?.get(entry)
      if (error === undefined) resolve()
      else reject(error)
    }
  }

  /**
   * The log did not say whether it took them. Their claims stay open until the log itself has been read: released too early, the
   * repeated request would be stored twice. The senders are told to come again as soon as the first look decides nothing, and so is
   * everybody who comes until it is decided.
   */
  async function decide(slots: readonly Slot<W>[], entries: readonly W[], cause: PipelineError): Promise<void> {
    // Senders wait for the first look only; rejecting after that changes nothing.
    for (;;) {
      try {
        finish(slots, entries, await options.verify())
        return
      } catch {
        // `verify` could not tell, and has logged why. Whoever waits behind is better told to come again than kept waiting.
        refuseAll(slots, unconfirmed(cause))
      }
      try {
        await options.pause()
      } catch {
        return // Stopping: the next start reads the truth from the log.
      }
    }
  }

  /** Nothing of those that wait has been written. */
  function turnAway(error: PipelineError): void {
    const turned = waiting
    waiting = []
    waitingBytes = 0
    if (turned.length > 0)
      options.settle(
        turned.map(({ entry }) => entry),
        false,
      )
    for (const { reject } of turned) reject(error)
  }

  /** Why an entry cannot wait here, or undefined. */
  function refuse({ bytes }: W): PipelineError | undefined {
    if (stopped) return new PipelineError('unavailable', 'stopping', { retryAfterSeconds: 2 })
    if (undecided !== undefined) return undecided
    if (waiting.length < maxWaiting && (waiting.length === 0 || waitingBytes + bytes <= maxWaitingBytes))
      return undefined
    const detail = `${waiting.length} batches of ${waitingBytes} bytes wait for the log already`
    return new PipelineError('unavailable', detail, { retryAfterSeconds: 1 })
  }

  return {
    submit(entry) {
      const refusal = refuse(entry)
      if (refusal !== undefined) {
        options.settle([entry], false)
        return Promise.reject(refusal)
      }
      return new Promise((resolve, reject) => {
        waiting.push({ entry, resolve, reject })
        waitingBytes += entry.bytes
        running ??= run()
      })
    },
    async stop() {
      stopped = true
      await running
    },
    size: () => ({ batches: waiting.length, bytes: waitingBytes }),
  }
}

/** For senders whose events may or may not be there: sent again, they are stored or duplicates, never both. */
export function unconfirmed(cause: unknown): PipelineError {
  return new PipelineError('unavailable', 'the log did not confirm the write; send it again', {
    retryAfterSeconds: 2,
    cause,
  })
}
