import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/deps.ts'
import { toPipelineError } from '../core/errors.ts'
import type { Committed, Log, LogRecord, Position } from '../log/log.ts'
import { backOffMs } from './back-off.ts'

/** One read asks for this much; up to twice as much waits per partition. */
const readBytes = 4 << 20
/** An idle read comes back this often; the log wakes it earlier when there is something. */
const idleWaitMs = 5_000

/** Reads one partition ahead of the planning, a bounded way. */
export interface Feeder {
  readonly topic: Position['topic']
  readonly partition: number
  /** The next record, without taking it. */
  peek(): LogRecord | undefined
  take(): LogRecord
  /** Offset up to which everything was taken. */
  next(): number
  /** Set when the partition can no longer be read: `trimmed`. */
  failure(): Error | undefined
}

export interface FeederOptions {
  readonly log: Log
  readonly clock: Clock
  readonly logger: Logger
  /** Called when there is something new to look at. */
  readonly onChange: () => void
  readonly signal: AbortSignal
}

export function createFeeder(from: Committed, options: FeederOptions): Feeder {
  const { log, clock, logger, signal } = options
  const { topic, partition } = from
  let waiting: readonly LogRecord[] = []
  let at = 0
  let taken = from.offset
  let reading = from.offset
  let isReading = false
  let failure: Error | undefined
  let failures = 0

  const fill = async (): Promise<void> => {
    isReading = true
    try {
      const limit = { bytes: readBytes, waitMs: idleWaitMs }
      const records = await log.read({ topic, partition, offset: reading }, limit, signal)
      failures = 0
      const last = records.at(-1)
      if (last) {
        waiting = [...waiting.slice(at), ...records]
        at = 0
        reading = last.offset + 1
        options.onChange()
      }
    } catch (error) {
      if (signal.aborted) return
      const pipelineError = toPipelineError(error)
      if (pipelineError.code === 'trimmed') {
        failure = pipelineError
        options.onChange()
        return
      }
      logger.warn({ topic, partition, code: pipelineError.code, err: error }, 'cannot read the log, trying again')
      // Aborted: the loop below ends.
      await clock.sleep(backOffMs(++failures), signal).catch(() => undefined)
    } finally {
      isReading = false
    }
    refill()
  }
  const refill = () => {
    if (!isReading && !signal.aborted && failure === undefined && at >= waiting.length / 2) void fill()
  }
  refill()

  return {
    topic,
    partition,
    peek: () => waiting[at],
    take() {
      const record = waiting[at++] as LogRecord
      taken = record.offset + 1
      refill()
      return record
    },
    next: () => taken,
    failure: () => failure,
  }
}
