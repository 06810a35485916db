import {
  createUlid,
  encodeOutcomesRecord,
  encodeQuarantineRecord,
  type LedgerCount,
  type OutcomeRow,
  type QuarantinedEvent,
} from '@millrace/protocol'
import type { Deps } from '../core/deps.ts'
import { PipelineError, toPipelineError } from '../core/errors.ts'
import { createPace } from '../core/in-steps.ts'
import { type Log, type NewRecord, type Position, topics } from '../log/log.ts'
import type { BatchPart } from './batch-part.ts'
import { createEventsEncoder, type EventsRecords } from './events-records.ts'
import { createGroupCommit, unconfirmed, type Written } from './group-commit.ts'
import { locateRecords } from './locate-records.ts'
import { showQueue } from '../core/queue-metrics.ts'
import { appendMetrics } from './metrics.ts'
import { createOutcomeTally, maxRowsPerRecord } from './outcomes.ts'

export interface Appender {
  start(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
  /** Resolves when all of the part is durable. Confirms or releases its claim, also when that is known only later. */
  submit(part: BatchPart): Promise<void>
}

export interface AppenderOptions {
  readonly log: Log
  readonly deps: Deps
  /** Most batches that wait for their commit. */
  readonly maxWaiting?: number
  readonly maxWaitingBytes?: number
}

const targetQuarantineBytes = 768 * 1024
const verifyEveryMs = 250
/** Room for all of a stop: it has ten seconds in all. */
const verifyWhileStoppingMs = 2000

interface Commit {
  readonly events: EventsRecords
  readonly records: readonly NewRecord[]
  readonly counts: readonly LedgerCount[]
  positions: readonly Position[]
}

/** The end of the gate: events, quarantine, outcomes and counts of all waiting batches in one append. */
export function createAppender({ log, deps, maxWaiting = 10_000, maxWaitingBytes }: AppenderOptions): Appender {
  const metrics = appendMetrics(deps.metrics)
  const makeId = createUlid({ now: () => deps.clock.now() })
  const stopping = new AbortController()
  /** First offset that the next append may get, by topic and partition: from there on a lost answer is looked for. */
  const next = new Map<string, number>()
  let encoder: ReturnType<typeof createEventsEncoder> | undefined
  let current: Commit | undefined

  const group = createGroupCommit<BatchPart>({
    write,
    verify,
    settle,
    pause: () => deps.clock.sleep(verifyEveryMs, stopping.signal),
    maxWaiting,
    ...(maxWaitingBytes === undefined ? {} : { maxWaitingBytes }),
  })

  async function write(parts: readonly BatchPart[]): Promise<Written<BatchPart>> {
    let commit: Commit
    try {
      commit = await build(parts)
    } catch (error) {
      return { isStored: false, error: toPipelineError(error) }
    }
    current = commit
    const { failed } = commit.events
    if (commit.records.length === 0) return { isStored: true, failed }
    const stopTimer = metrics.appendSeconds.startTimer()
    try {
      // Not the senders' signals: once begun, an append ends, whoever leaves.
      commit.positions = await log.append(commit.records, {}, never)
    } catch (cause) {
      const error = toPipelineError(cause)
      if (error.code === 'unknown_result') throw error
      deps.logger.error({ err: error, batches: parts.length }, 'cannot append to the log')
      return { isStored: false, error: refused(error) }
    } finally {
      stopTimer()
    }
    return { isStored: true, failed }
  }

  /** Others have their turn between its parts: a commit may hold the outcomes of a hundred thousand events. */
  async function build(parts: readonly BatchPart[]): Promise<Commit> {
    if (encoder === undefined) throw new PipelineError('unavailable', 'not started', { retryAfterSeconds: 1 })
    const commitId = makeId()
    const late = parts.filter(({ claim }) => claim.isHeld?.() === false)
    const encoded = encoder.encodeCommit(
      late.length === 0 ? parts : parts.filter((part) => !late.includes(part)),
      commitId,
    )
    const failed = new Map([...encoded.failed, ...late.map((part) => [part, tooLate()] as const)])
    const events = { ...encoded, failed }
    const records = [...events.records]
    const tally = createOutcomeTally()
    const quarantined: QuarantinedEvent[] = []
    const pace = createPace()
    for (const part of parts) {
      if (events.failed.has(part)) continue
      const rest = pace()
      if (rest !== undefined) await rest
      const { raw, ids } = part.batch
      const batchId = part.batchId === '' ? commitId : part.batchId
      tally.stored(raw, part.stored.length)
      for (const index of part.duplicates) tally.duplicate(raw, ids[index] as string, batchId)
      if (part.withRejected && part.batch.rejected > 0) {
        for (const row of rejectedRows(part, batchId)) tally.rejected(row)
        for (const event of part.quarantined) quarantined.push({ ...event, batchId })
      }
    }
    const counts = tally.counts()
    for (const made of [quarantineRecords(quarantined), outcomesRecords(tally.rows(), counts)])
      for (const record of made) {
        records.push(record)
        const rest = pace()
        if (rest !== undefined) await rest
      }
    return { events, records, counts, positions: [] }
  }

  function settle(parts: readonly BatchPart[], isStored: boolean): void {
    if (!isStored) {
      for (const { claim } of parts) claim.release()
      return
    }
    const { events, counts, positions } = current as Commit
    for (const { topic, partition, offset } of positions) next.set(`${topic}/${partition}`, offset + 1)
    // In the order of their records, which the dedup index relies on.
    for (const part of events.order)
      part.claim.confirm((events.places.get(part) as readonly number[]).map((number) => positions[number] as Position))
    for (const part of parts) if (!events.places.has(part)) part.claim.confirm([])
    for (const { project, source, outcome, reason, events } of counts)
      metrics.events.inc({ project, source, outcome, reason }, events)
    current = undefined
  }

  async function verify(): Promise<Written<BatchPart>> {
    const commit = current as Commit
    try {
      const positions = await locateRecords(log, commit.records, next, AbortSignal.timeout(30_000))
      deps.logger.warn({ stored: positions !== undefined }, 'the log did not confirm a write; looked it up')
      if (positions === undefined) return { isStored: false, error: unconfirmed(undefined) }
      commit.positions = positions
      return { isStored: true, failed: commit.events.failed }
    } catch (error) {
      deps.logger.error({ err: error }, 'the log did not confirm a write and cannot be read; its ids stay claimed')
      throw error
    }
  }

  return {
    async start(signal) {
      showQueue(deps.metrics, 'gate', { size: () => group.size().batches, limit: () => maxWaiting })
      for (const topic of topics)
        for (const bounds of await log.bounds(topic)) next.set(`${topic}/${bounds.partition}`, bounds.next)
      signal.throwIfAborted()
      encoder = createEventsEncoder(log.partitions('events'))
    },
    async stop() {
      const timer = setTimeout(() => stopping.abort(), verifyWhileStoppingMs)
      await group.stop()
      clearTimeout(timer)
      stopping.abort()
    },
    async submit(part) {
      try {
        if (part.stored.length > 0 && part.batchId !== '') await encoder?.encodeAhead(part)
      } catch (error) {
        part.claim.release()
        throw toPipelineError(error)
      }
      return group.submit(part)
    },
  }
}

const never = new AbortController().signal

/** Whatever kept the log from writing is ours, and passes: the sender is to come again. */
function refused(cause: PipelineError): PipelineError {
  if (cause.retry === 'later' && cause.retryAfterSeconds !== undefined) return cause
  return new PipelineError('unavailable', 'the log cannot write now; send it again', { retryAfterSeconds: 2, cause })
}

/** It waited so long that another collector may have taken its ids: only a new claim tells. */
function tooLate(): PipelineError {
  return new PipelineError('unavailable', 'it took too long to store this; send it again', { retryAfterSeconds: 1 })
}

function* rejectedRows({ batch }: BatchPart, batchId: string): Generator<OutcomeRow> {
  const { project, source, receivedAt } = batch.raw
  for (let i = 0; i < batch.rejections.length; i++) {
    const rejection = batch.rejections[i]
    if (rejection === undefined) continue
    const isDrop = rejection.kind === 'drop'
    yield {
      id: batch.ids[i] as string,
      project,
      source,
      receivedAt,
      outcome: isDrop ? 'dropped' : 'quarantined',
      reason: rejection.reason,
      issues: isDrop ? [] : rejection.issues,
      batchId,
      count: 1,
    }
  }
}

function* quarantineRecords(events: readonly QuarantinedEvent[]): Generator<NewRecord> {
  let from = 0
  let bytes = 0
  for (let i = 0; i < events.length; i++) {
    const { sealed, redacted } = events[i] as QuarantinedEvent
    bytes += sealed.length + redacted.length + 200
    if (bytes < targetQuarantineBytes && i + 1 - from < maxRowsPerRecord && i + 1 < events.length) continue
    yield { topic: 'quarantine', partition: 0, value: encodeQuarantineRecord(events.slice(from, i + 1)) }
    from = i + 1
    bytes = 0
  }
}

function* outcomesRecords(rows: readonly OutcomeRow[], counts: readonly LedgerCount[]): Generator<NewRecord> {
  if (counts.length === 0) return
  for (let from = 0; from === 0 || from < rows.length; from += maxRowsPerRecord) {
    const value = encodeOutcomesRecord({
      rows: rows.slice(from, from + maxRowsPerRecord),
      counts: from === 0 ? counts : [],
    })
    yield { topic: 'outcomes', partition: 0, value }
  }
}
