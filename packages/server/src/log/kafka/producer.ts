import type { Logger } from '../../core/deps.ts'
import type { Clock } from '../../core/clock.ts'
import { PipelineError } from '../../core/errors.ts'
import { type GroupCommit, type NewRecord, type Position, topics } from '../log.ts'
import { type Cluster, unlessAborted } from './cluster.ts'
import { hasId, isPassing, isUnanswered, toLogError } from './kafka-errors.ts'
import { keyOf, type Layout } from './layout.ts'
import type { PreparedCommit } from './offsets.ts'
import { createTransaction, type Transaction } from './transaction.ts'

/**
 * Appends, each in a Kafka transaction of its own or of several that came together; one transaction at a time.
 *
 * Certainty. Until EndTxn(commit) has been sent nothing can become visible, so whatever goes wrong before is tried again from the
 * start, behind a fence (InitProducerId aborts what the old epoch began), or refused as not stored. From then on EndTxn is repeated
 * until the coordinator says what became of it: it is the same request with the same epoch, so it cannot commit anything else, as long
 * as nothing else is done under that epoch: one that went unanswered may arrive later, so a fence follows it. No answer within `decideMs`:
 * `unknown_result`, and nothing else is done with this log before `settle` has put a fence behind it.
 */
export interface Producer {
  append(
    records: readonly NewRecord[],
    commit: GroupCommit | undefined,
    signal: AbortSignal,
  ): Promise<readonly Position[]>
  /** Resolves when nothing of this producer can become visible any more that is not; at once, unless an answer was lost. */
  settle(signal: AbortSignal): Promise<void>
  /** Puts the fence, also before the first append: what a predecessor of this id left open is aborted, and it can write no more. */
  fence(signal: AbortSignal): Promise<void>
  /** Resolves when nothing is under way; after it every append is refused. */
  stop(): Promise<void>
}

export interface ProducerOptions {
  readonly cluster: Cluster
  readonly layout: Layout
  readonly clock: Clock
  readonly logger: Logger
  /** One process at a time uses it; a second one fences the first. */
  readonly transactionalId: string
  readonly maxRecordBytes: number
  readonly maxOffset: number
  readonly prepareCommit: (commit: GroupCommit) => PreparedCommit
  /** Another process has taken over; this one can append nothing more. */
  readonly onReplaced: (error: PipelineError) => void
  /** How long to ask what became of a transaction. */
  readonly decideMs?: number
}

/** Tries of one append: a broker that restarts comes back within it. */
const appendMs = 15_000
const fenceMs = 30_000
/** What was begun before a stop may still take so long. */
const stopMs = 5_000
/** Nobody's records become visible behind an open transaction: that of a dead collector ends after so long, if it does not return. */
const transactionMs = 20_000
const maxBatchBytes = 16 * 2 ** 20
const maxAppendBytes = 128 * 2 ** 20
const never = new AbortController().signal

const fencedIds = ['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH']

interface Identity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

interface Pending {
  readonly records: readonly NewRecord[]
  readonly bytes: number
  readonly commit: GroupCommit | undefined
  readonly signal: AbortSignal
  resolve(positions: readonly Position[]): void
  reject(error: Error): void
}

export function createProducer(options: ProducerOptions): Producer {
  const { cluster, layout, transactionalId, clock, logger, maxRecordBytes, maxOffset, decideMs = 15_000 } = options
  const queue: Pending[] = []
  let isPumping = false
  let pumped = Promise.resolve()
  let stopsBy = Number.POSITIVE_INFINITY
  const isStopped = () => stopsBy !== Number.POSITIVE_INFINITY
  /** The epoch that may write; undefined: a fence is due before the next append. */
  let current: Transaction | undefined
  const ending = new AbortController()
  let identity: Identity | undefined
  let replaced: PipelineError | undefined
  let fencing: Promise<void> | undefined
  let isUndecided = false

  /** One at a time, whoever asks. */
  function fence(signal: AbortSignal): Promise<void> {
    fencing ??= putFence().finally(() => {
      fencing = undefined
    })
    return unlessAborted(fencing, signal)
  }

  /**
   * Told our last epoch, the coordinator goes on from it, also when it has ended a transaction that took too long; but not when another
   * process has begun to write under this name since. Then this one is a zombie: what it knows of the log is no longer all of it.
   */
  async function putFence(): Promise<void> {
    const { signal } = ending
    if (replaced !== undefined) throw replaced
    const doing = `begin to write as ${transactionalId}`
    let got: Identity
    try {
      got = await cluster.persist(doing, fenceMs, signal, () => init(identity, signal))
    } catch (error) {
      const { cause } = error as PipelineError
      if (identity === undefined || !hasId(cause, ...fencedIds, 'INVALID_PRODUCER_ID_MAPPING')) throw error
      if (hasId(cause, ...fencedIds)) {
        replaced = new PipelineError(
          'conflict',
          `another process writes to the log as ${transactionalId}, so this one must not any more`,
          { cause },
        )
        options.onReplaced(replaced)
        throw replaced
      }
      // Forgotten by the coordinator after a week without an append.
      got = await cluster.persist(doing, fenceMs, signal, () => init(undefined, signal))
    }
    identity = got
    const { producerId, producerEpoch } = got
    isUndecided = false
    current = createTransaction({
      cluster,
      layout,
      transactionalId,
      producerId,
      producerEpoch,
      maxRecordBytes,
      maxOffset,
    })
  }

  function init(known: Identity | undefined, signal: AbortSignal) {
    return cluster.call(
      { transaction: transactionalId },
      'initProducerId',
      known === undefined
        ? [transactionalId, transactionMs]
        : [transactionalId, transactionMs, known.producerId, known.producerEpoch],
      { signal, lane: 'write' },
    )
  }

  /** As many as one transaction should hold: with a commit alone, for its refusal must not touch its neighbours. */
  function take(): Pending[] {
    const batch: Pending[] = []
    let bytes = 0
    for (let head = queue[0]; head !== undefined; head = queue[0]) {
      const alone = head.commit !== undefined || batch[0]?.commit !== undefined
      if (batch.length > 0 && (alone || bytes + head.bytes > maxBatchBytes)) break
      queue.shift()
      if (head.signal.aborted) head.reject(head.signal.reason as Error)
      else {
        bytes += head.bytes
        batch.push(head)
      }
    }
    return batch
  }

  async function write(batch: readonly Pending[]): Promise<void> {
    const records = batch.flatMap((pending) => pending.records)
    const commit = batch[0]?.commit
    const deadline = clock.now() + appendMs
    for (let failures = 0; ; failures++) {
      let transaction = current
      let prepared: PreparedCommit | undefined
      try {
        if (transaction === undefined) {
          await fence(never)
          transaction = current as unknown as Transaction
        }
        prepared = commit === undefined ? undefined : options.prepareCommit(commit)
        const offsets = await transaction.write(records, prepared)
        // A commit that is still on its way would end the next transaction of this epoch, whole or not.
        if (!(await decide(transaction))) current = undefined
        prepared?.applied()
        let at = 0
        for (const pending of batch)
          pending.resolve(
            pending.records.map(({ topic, partition }) => ({ topic, partition, offset: offsets[at++] as number })),
          )
        return
      } catch (error) {
        if (current === transaction) current = undefined
        if (error instanceof PipelineError && error.code === 'unknown_result') {
          prepared?.doubted()
          fenceSoon()
          throw error
        }
        if (isUndecided) throw toLogError(error, 'append')
        if (!isRepeatable(error) || clock.now() >= Math.min(deadline, stopsBy)) {
          fenceSoon()
          throw refusal(error)
        }
        cluster.forget()
        await clock.sleep(Math.min(500, 20 * 2 ** failures), never)
      }
    }
  }

  /** Nothing of the failed transaction may stand in the readers' way longer than needed. */
  function fenceSoon(): void {
    if (!isStopped())
      fence(never).catch((error: unknown) => logger.warn({ err: error }, 'Kafka: an append was given up'))
  }

  /** Resolves when it is committed: true when every request was answered, so that none of them can come later. */
  async function decide(transaction: Transaction): Promise<boolean> {
    const deadline = clock.now() + decideMs
    let isLost = false
    for (let failures = 0; ; failures++) {
      try {
        await transaction.commit()
        return !isLost
      } catch (error) {
        // The coordinator knows this epoch no more. If every answer so far came, then nothing was committed.
        const isOver = !isUnanswered(error) && !isPassing(error)
        if (isOver && !isLost) throw error
        isLost ||= isUnanswered(error)
        if (isOver || clock.now() >= Math.min(deadline, stopsBy)) {
          isUndecided = true
          throw new PipelineError('unknown_result', 'Kafka did not say whether a transaction was committed', {
            cause: error,
          })
        }
        cluster.forget()
        await clock.sleep(Math.min(500, 10 * 2 ** failures), never)
      }
    }
  }

  async function pump(): Promise<void> {
    while (queue.length > 0) {
      const batch = take()
      if (batch.length === 0) continue
      try {
        if (isUndecided) await fence(never)
        await write(batch)
      } catch (error) {
        const refused = error instanceof PipelineError ? error : toLogError(error, 'append')
        for (const pending of batch) pending.reject(refused)
      }
    }
    isPumping = false
  }

  return {
    append(records, commit, signal) {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted()
        if (isStopped()) throw new PipelineError('unavailable', 'the log is stopping')
        let bytes = 0
        for (const { topic, partition, value, fingerprints } of records) {
          if (!topics.includes(topic) || !(partition >= 0 && partition < layout.partitionsOf(topic)))
            throw new PipelineError(
              'internal',
              `append to ${keyOf(topic, partition)}: ${topic} has ${layout.partitionsOf(topic)} partitions`,
            )
          const size = value.length + (fingerprints?.length ?? 0)
          if (size > maxRecordBytes)
            throw new PipelineError(
              'too_large',
              `record of ${size} bytes: the topics' max.message.bytes lets through ${maxRecordBytes}`,
            )
          bytes += size
        }
        if (bytes > maxAppendBytes)
          throw new PipelineError(
            'too_large',
            `append of ${bytes} bytes: one transaction holds at most ${maxAppendBytes}`,
          )
        if (records.length === 0 && commit === undefined) return resolve([])
        queue.push({ records, bytes, commit, signal, resolve, reject })
        if (isPumping) return
        isPumping = true
        pumped = pump()
      })
    },
    async settle(signal) {
      if (isUndecided) await fence(signal)
    },
    fence,
    async stop() {
      stopsBy = Math.min(stopsBy, clock.now() + stopMs)
      const timer = setTimeout(() => ending.abort(new PipelineError('unavailable', 'the log is stopping')), stopMs)
      await pumped
      clearTimeout(timer)
    },
  }
}

/** Whether the transaction may be begun anew. A commit's membership may have moved on within the group: then it is prepared anew, too. */
function isRepeatable(error: unknown): boolean {
  if (error instanceof PipelineError) return error.retry === 'later'
  return (
    isPassing(error) ||
    hasId(
      error,
      'INVALID_PRODUCER_EPOCH',
      'PRODUCER_FENCED',
      'INVALID_TXN_STATE',
      'INVALID_PRODUCER_ID_MAPPING',
      'UNKNOWN_PRODUCER_ID',
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      'TRANSACTION_ABORTABLE',
      'ILLEGAL_GENERATION',
      'REBALANCE_IN_PROGRESS',
    )
  )
}

function refusal(error: unknown): PipelineError {
  if (hasId(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'))
    return new PipelineError('stale_membership', 'the group has gone on without this member', { cause: error })
  return toLogError(error, 'append')
}
