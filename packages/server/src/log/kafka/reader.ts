import type { Clock } from '../../core/clock.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Log, LogRecord, Position, ReadLimit, Topic } from '../log.ts'
import { type Answer, type Cluster, unlessAborted } from './cluster.ts'
import { hasId } from './kafka-errors.ts'
import { keyOf, type Layout } from './layout.ts'
import { decodeFetched, type Fetched, transactionsIn } from './records.ts'

export interface Reader {
  readonly read: Log['read']
  /** Which transactions have written there, whatever became of them. `to` is not beyond the partition's end. */
  transactions(
    topic: Topic,
    partition: number,
    range: { readonly from: number; readonly to: number },
    signal: AbortSignal,
  ): Promise<readonly string[]>
  stop(): void
}

export interface ReaderOptions {
  readonly cluster: Cluster
  readonly layout: Layout
  readonly clock: Clock
  readonly firstOf: (position: Position, signal: AbortSignal) => Promise<number>
}

/** Longest that one request waits in the broker: a read that nobody wants any more occupies its connection for so long. */
const pollMs = 1000
const retryMs = 30_000
/**
 * A read that must not wait still waits for records whose transaction is just ending: what was acknowledged before the read began is
 * among what it gives. Longer than a live collector's transaction ever takes.
 */
const undecidedMs = 5_000
const undecidedPollMs = 100
/** What a broker sends at once beyond the read's limit is kept for the next read of the partition. */
const maxKeptBytes = 32 * 2 ** 20
const isolationNone = 0
const isolationCommitted = 1
/** Asked for beyond the read's limit, which counts values only: a broker counts all, also the markers of transactions. */
const extraBytes = 64 * 1024
const lookBytes = 4 * 2 ** 20

interface Kept {
  readonly at: number
  readonly records: readonly Fetched[]
  readonly next: number
  readonly bytes: number
}

export function createReader({ cluster, layout, clock, firstOf }: ReaderOptions): Reader {
  const stopping = new AbortController()
  const idle: string[] = []
  let lanes = 0
  const kept = new Map<string, Kept>()
  let keptBytes = 0

  /** A connection of its own for each request that waits in the broker. */
  async function inLane<T>(use: (lane: string) => Promise<T>): Promise<T> {
    const lane = idle.pop() ?? `read${lanes++}`
    try {
      return await use(lane)
    } finally {
      idle.push(lane)
    }
  }

  function takeKept(name: string): Kept | undefined {
    const found = kept.get(name)
    if (found === undefined) return undefined
    kept.delete(name)
    keptBytes -= found.bytes
    return found
  }

  function keep(name: string, at: number, records: readonly Fetched[], next: number): void {
    takeKept(name)
    const bytes = sizeOf(records)
    if (records.length === 0 || bytes > maxKeptBytes) return
    for (const oldest of kept.keys()) {
      if (keptBytes + bytes <= maxKeptBytes) break
      takeKept(oldest)
    }
    kept.set(name, { at, records, next, bytes })
    keptBytes += bytes
  }

  async function fetchOnce(
    { topic, partition }: Position,
    offset: number,
    maxBytes: number,
    waitMs: number,
    signal: AbortSignal,
    isolation: number = isolationCommitted,
  ): Promise<Answer<'fetch'>['responses'][number]['partitions'][number]> {
    const name = layout.nameOf(topic)
    const facts = await cluster.topic(name, signal)
    if (facts === undefined) throw new PipelineError('unavailable', `Kafka does not know topic ${name} now`)
    const asked = {
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(offset),
      lastFetchedEpoch: -1,
      partitionMaxBytes: maxBytes,
    }
    const answer = await inLane((lane) =>
      cluster.call(
        { topic: name, partition },
        'fetch',
        [waitMs, 1, maxBytes, isolation, 0, -1, [{ topicId: facts.id, partitions: [asked] }], [], ''],
        { signal, lane, timeoutMs: pollMs + 15_000 },
      ),
    )
    const found = answer.responses[0]?.partitions[0]
    if (found === undefined)
      throw new PipelineError('unavailable', `Kafka said nothing about ${keyOf(topic, partition)}`)
    return found
  }

  async function read(from: Position, limit: ReadLimit, signal: AbortSignal): Promise<readonly LogRecord[]> {
    const { topic, partition } = from
    const name = keyOf(topic, partition)
    if (!(partition >= 0 && partition < layout.partitionsOf(topic)))
      throw new PipelineError('internal', `read of ${name}: ${topic} has ${layout.partitionsOf(topic)} partitions`)
    const began = clock.now()
    const maxBytes = Math.min(limit.bytes, 2 ** 30) + extraBytes
    let offset = from.offset
    const before = takeKept(name)
    if (before !== undefined && before.at === offset) return give(from, before.records, before.next, limit)
    let isUndecided = false
    for (;;) {
      const left: number = isUndecided && limit.waitMs === 0 ? undecidedPollMs : began + limit.waitMs - clock.now()
      const fetched = await cluster
        .persist(`read ${name}`, retryMs, signal, () =>
          fetchOnce(from, offset, maxBytes, Math.max(0, Math.min(left, pollMs)), signal),
        )
        .catch((error: unknown) => beyond(from, offset, error, signal))
      const { records, next } = decodeFetched(fetched, offset)
      if (records.length > 0) return give(from, records, next, limit)
      if (next > offset) {
        offset = next // Nothing but markers and what was aborted.
        continue
      }
      isUndecided = Number(fetched.highWatermark) > offset
      const waited = clock.now() - began
      if (!isUndecided || limit.waitMs > 0) {
        if (waited >= limit.waitMs) return []
      } else if (waited >= undecidedMs)
        throw new PipelineError(
          'unavailable',
          `an append to ${name} at ${offset} has been under way for ${undecidedMs} ms: its collector is gone or slow`,
          { retryAfterSeconds: 2 },
        )
    }
  }

  const transactions: Reader['transactions'] = async (topic, partition, { from, to }, signal) => {
    const found: string[] = []
    for (let offset = from; offset < to; ) {
      const at = { topic, partition, offset }
      const fetched = await cluster.persist(`read ${keyOf(topic, partition)}`, retryMs, signal, () =>
        fetchOnce(at, offset, lookBytes, 0, signal, isolationNone),
      )
      const { transactions: some, next } = transactionsIn(fetched, offset, to)
      if (next === offset)
        throw new PipelineError('unavailable', `Kafka has nothing at ${keyOf(topic, partition)} ${offset} now`)
      found.push(...some)
      offset = next
    }
    return found
  }

  function give(from: Position, records: readonly Fetched[], next: number, limit: ReadLimit): readonly LogRecord[] {
    const { topic, partition } = from
    let count = 0
    for (let bytes = 0; count < records.length; count++) {
      bytes += (records[count] as Fetched).value.length
      if (count > 0 && bytes > limit.bytes) break
    }
    const rest = records.slice(count)
    keep(keyOf(topic, partition), (records[count - 1] as Fetched).offset + 1, rest, next)
    return records.slice(0, count).map(({ offset, value, fingerprints, transaction }) => ({
      topic,
      partition,
      offset,
      value,
      ...(limit.fingerprints === true && fingerprints !== undefined
        ? { fingerprints: new Uint8Array(fingerprints) }
        : {}),
      ...(transaction === undefined ? {} : { append: transaction }),
    }))
  }

  async function beyond(from: Position, offset: number, error: unknown, signal: AbortSignal): Promise<never> {
    const cause = error instanceof PipelineError ? error.cause : error
    if (!hasId(cause, 'OFFSET_OUT_OF_RANGE')) throw error
    const name = keyOf(from.topic, from.partition)
    const first = await firstOf(from, signal)
    if (offset < first)
      throw new PipelineError('trimmed', `${name} no longer holds ${offset}: its first is ${first}`, {
        details: { first },
      })
    throw new PipelineError(
      'corrupt',
      `${name} has no ${offset}: it ends before. The topic has lost records or was made anew`,
    )
  }

  return {
    async read(from, limit, signal) {
      const either = AbortSignal.any([signal, stopping.signal])
      return unlessAborted(read(from, limit, either), either)
    },
    transactions: (topic, partition, range, signal) =>
      transactions(topic, partition, range, AbortSignal.any([signal, stopping.signal])),
    stop: () => stopping.abort(new PipelineError('unavailable', 'the log is stopping')),
  }
}

function sizeOf(records: readonly Fetched[]): number {
  return records.reduce((sum, { value, fingerprints }) => sum + value.length + (fingerprints?.length ?? 0), 0)
}
