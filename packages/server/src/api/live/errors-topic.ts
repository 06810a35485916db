import { decodeOutcomesRecord, type OutcomeRow } from '@millrace/protocol'
import type { Deps } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Log, LogRecord, Position } from '../../log/log.ts'
import type { LiveConfig } from './config.ts'
import { maxBatchBytes } from './groups.ts'
import { type EventMessage, messageOf } from './message.ts'
import type { Subscriber } from './subscriber.ts'
import { errorsTopic } from './topic.ts'

const readBytes = 256 * 1024
const waitMs = 10_000
const retryMs = 1000
/** So many messages are written before others get a turn. */
const writesPerTurn = 1000

/**
 * The stream of what the gate did not admit, quarantined and dropped: topic `_errors`. It goes beside the stream of events, with no place
 * in it: no cursor, no past. The log's `outcomes` are read for it only while somebody listens.
 */
export interface ErrorsTopic {
  /** Where the log ends now. Throws what the log throws. */
  end(): Promise<readonly Position[]>
  /** From here on it gets what its project has refused behind `from`, which MUST come from `end`. MAY be called twice. */
  join(subscriber: Subscriber, from: readonly Position[]): void
  /** Also when it never joined. */
  leave(subscriber: Subscriber): void
  stop(): Promise<void>
}

export interface ErrorsTopicParts {
  readonly log: Log
  readonly config: LiveConfig
  readonly deps: Deps
}

export function createErrorsTopic({ log, config, deps }: ErrorsTopicParts): ErrorsTopic {
  const byProject = new Map<string, Set<Subscriber>>()
  const loops = new Set<Promise<void>>()
  const maxBatchSize = config.coalescing.enabled ? config.coalescing.maxBatchSize : 1
  let reading: AbortController | undefined
  let isStopped = false

  function begin(from: readonly Position[]): void {
    reading = new AbortController()
    for (const place of from) {
      const loop = read(place, reading.signal).finally(() => loops.delete(loop))
      loops.add(loop)
    }
  }

  async function read(place: Position, signal: AbortSignal): Promise<void> {
    let { offset } = place
    let isTrimmed = false
    let isFailing = false
    while (!signal.aborted) {
      try {
        if (isTrimmed) {
          offset = Math.max(offset, await firstHeld(place.partition))
          isTrimmed = false
          missed()
        }
        const records = await log.read({ ...place, offset }, { bytes: readBytes, waitMs }, signal)
        isFailing = false
        for (const record of records) {
          await handOut(record, signal)
          if (signal.aborted) return
          offset = record.offset + 1
        }
        // A log that is read faster than it grows answers at once: everybody else gets a turn too.
        await new Promise((resolve) => setImmediate(resolve))
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof PipelineError && error.code === 'trimmed') isTrimmed = true
        else {
          if (!isFailing) deps.logger.warn({ err: error }, 'live: refused events cannot be read; trying again')
          isFailing = true
          await deps.clock.sleep(retryMs, signal).catch(() => {})
        }
      }
    }
  }

  async function firstHeld(partition: number): Promise<number> {
    return (await log.bounds('outcomes')).find((bounds) => bounds.partition === partition)?.first ?? 0
  }

  /** Nobody knows how many, or whose: everyone is told of at least one. */
  function missed(): void {
    for (const members of byProject.values()) for (const member of members) member.missErrors(1)
  }

  async function handOut({ partition, offset, value }: LogRecord, signal: AbortSignal): Promise<void> {
    let rows: readonly OutcomeRow[]
    try {
      ;({ rows } = decodeOutcomesRecord(value))
    } catch (error) {
      deps.logger.error({ err: error, partition, offset }, 'live: a record of outcomes is damaged and is left out')
      return missed()
    }
    let writes = 0
    for (const [project, errors] of errorsOf(rows)) {
      // Who comes from here on has asked behind this record.
      const members = [...(byProject.get(project) ?? [])]
      for (const batch of batchesOf(errors)) {
        const message = messageOf(batch)
        const now = performance.now()
        for (const member of members) {
          if (member.interest.wantsErrors) member.offerErrors(message, batch.length, now)
          if (++writes % writesPerTurn !== 0) continue
          await new Promise((resolve) => setImmediate(resolve))
          if (signal.aborted) return
        }
      }
    }
  }

  /** By project, of those that somebody listens to. */
  function errorsOf(rows: readonly OutcomeRow[]): ReadonlyMap<string, readonly EventMessage[]> {
    const found = new Map<string, EventMessage[]>()
    for (const row of rows) {
      if (row.outcome === 'duplicate' || !byProject.has(row.project)) continue
      const errors = found.get(row.project)
      if (errors === undefined) found.set(row.project, [errorMessage(row)])
      else errors.push(errorMessage(row))
    }
    return found
  }

  function* batchesOf(errors: readonly EventMessage[]): Generator<readonly EventMessage[]> {
    let from = 0
    let bytes = 0
    for (let to = 1; to <= errors.length; to++) {
      bytes += (errors[to - 1] as EventMessage).json.length
      if (to - from < maxBatchSize && bytes < maxBatchBytes && to < errors.length) continue
      yield errors.slice(from, to)
      from = to
      bytes = 0
    }
  }

  return {
    async end() {
      const bounds = await log.bounds('outcomes')
      return bounds.map(({ partition, next }) => ({ topic: 'outcomes', partition, offset: next }))
    },
    join(subscriber, from) {
      if (isStopped) return
      const members = byProject.get(subscriber.project)
      if (members === undefined) byProject.set(subscriber.project, new Set([subscriber]))
      else members.add(subscriber)
      if (reading === undefined) begin(from)
    },
    leave(subscriber) {
      const members = byProject.get(subscriber.project)
      if (members?.delete(subscriber) !== true || members.size > 0) return
      byProject.delete(subscriber.project)
      if (byProject.size > 0) return
      reading?.abort()
      reading = undefined
    },
    async stop() {
      isStopped = true
      reading?.abort()
      await Promise.all(loops)
    },
  }
}

/** Nothing of what the event says but its id: reasons and issues hold no text of it. */
function errorMessage({ id, project, source, receivedAt, outcome, reason, issues }: OutcomeRow): EventMessage {
  const received_at = new Date(receivedAt).toISOString()
  const event = { id, project, event_source: source, received_at, outcome, reason, issues }
  return { json: Buffer.from(JSON.stringify({ type: 'event', topic: errorsTopic, event })), cursor: '' }
}
