import type { Clock } from '../../core/clock.ts'
import { PipelineError, toPipelineError } from '../../core/errors.ts'
import { type GroupCommit, type NewRecord, type Position, type Topic, topics } from '../log.ts'
import type { Bell } from './bell.ts'
import type { Condition, Write } from './environment.ts'
import type { PreparedCommit } from './group-store.ts'
import { maxOffset, number, numbers, partitionKey, recordKey } from './keys.ts'
import { headOf, type Layout } from './layout.ts'

/** Puts records at the ends of partitions. What comes while a sync is running goes together into the next transaction. */
export interface Appender {
  append(
    records: readonly NewRecord[],
    commit: GroupCommit | undefined,
    signal: AbortSignal,
  ): Promise<readonly Position[]>
  /** Resolves when nothing is under way; after it every append is refused. */
  stop(): Promise<void>
}

export interface AppenderOptions {
  readonly layout: Layout
  readonly bell: Bell
  readonly clock: Clock
  /** Throws `stale_membership`. Asked again whenever the commit's condition did not hold. */
  readonly prepareCommit: (commit: GroupCommit) => PreparedCommit
}

/** Of one transaction: LMDB keeps its changed pages in memory until the commit. One record may be larger than the soft bound. */
const maxBatchBytes = 16 * 2 ** 20
const maxAppendBytes = 128 * 2 ** 20
const markEveryMs = 60_000
const markEveryBytes = 64 * 2 ** 20

interface Pending {
  readonly records: readonly NewRecord[]
  readonly bytes: number
  readonly commit: GroupCommit | undefined
  readonly signal: AbortSignal
  resolve(positions: readonly Position[]): void
  reject(error: Error): void
}

/** Where the next record of a partition goes, and since when and how many bytes its last mark stands. */
interface End {
  next: number
  bytes: number
  at: number
  markedAt: number
  markedBytes: number
}

export function createAppender({ layout, bell, clock, prepareCommit }: AppenderOptions): Appender {
  const { env } = layout
  const ends = new Map<string, End>()
  const queue: Pending[] = []
  let isPumping = false
  let pumped = Promise.resolve()
  let isStopped = false

  function endOf(topic: Topic, partition: number): End {
    const known = ends.get(`${topic}/${partition}`)
    if (known !== undefined) return known
    const head = headOf(env, topic, partition)
    const [mark] = env.range('marks', {
      start: recordKey(topic, partition, 2 ** 48),
      end: recordKey(topic, partition, 0),
      reverse: true,
      limit: 1,
    })
    const end = {
      ...head,
      markedAt: mark === undefined ? 0 : number(mark.value, 0),
      markedBytes: mark === undefined ? 0 : number(mark.value, 1),
    }
    ends.set(`${topic}/${partition}`, end)
    return end
  }

  /** Waiting appends that one transaction can hold: with a commit alone, for its refusal must not touch its neighbours. */
  function take(): Pending[] {
    const batch: Pending[] = []
    let bytes = 0
    for (let head = queue[0]; head !== undefined; head = queue[0]) {
      if (
        batch.length > 0 &&
        (head.commit !== undefined || batch[0]?.commit !== undefined || bytes + head.bytes > maxBatchBytes)
      )
        break
      queue.shift()
      if (head.signal.aborted) head.reject(head.signal.reason as Error)
      else {
        bytes += head.bytes
        batch.push(head)
      }
    }
    return batch
  }

  interface Prepared {
    readonly conditions: Condition[]
    readonly writes: Write[]
    readonly positions: Position[][]
    readonly ends: Map<string, End>
  }

  function prepare(batch: readonly Pending[]): Prepared {
    const now = clock.now()
    const writes: Write[] = []
    const touched = new Map<
      string,
      { readonly topic: Topic; readonly partition: number; readonly from: number; readonly end: End }
    >()
    const positions = batch.map(({ records }) =>
      records.map(({ topic, partition, value, fingerprints }): Position => {
        const name = `${topic}/${partition}`
        let place = touched.get(name)
        if (place === undefined) {
          const end = { ...endOf(topic, partition) }
          place = { topic, partition, from: end.next, end }
          touched.set(name, place)
        }
        const { end } = place
        const offset = end.next
        if (offset > maxOffset)
          throw new PipelineError(
            'unavailable',
            `partition ${name} has given out all its ${maxOffset + 1} offsets: move to a new log (millrace migrate)`,
          )
        const key = recordKey(topic, partition, offset)
        if (now - end.markedAt >= markEveryMs || end.bytes - end.markedBytes >= markEveryBytes) {
          writes.push({ tree: 'marks', key, value: numbers(end.at, end.bytes) })
          end.markedAt = now
          end.markedBytes = end.bytes
        }
        writes.push({ tree: 'records', key, value })
        if (fingerprints !== undefined) writes.push({ tree: 'fingerprints', key, value: fingerprints })
        end.next++
        end.at = now
        end.bytes += occupied(value.length) + (fingerprints === undefined ? 0 : occupied(fingerprints.length))
        return { topic, partition, offset }
      }),
    )
    const conditions: Condition[] = []
    for (const { topic, partition, from, end } of touched.values()) {
      const key = partitionKey(topic, partition)
      conditions.push({ tree: 'heads', key, version: from })
      writes.push({ tree: 'heads', key, value: numbers(end.bytes, now), version: end.next })
    }
    const commit = batch[0]?.commit
    if (commit !== undefined) {
      const prepared = prepareCommit(commit)
      conditions.push(prepared.condition)
      writes.push(...prepared.writes)
    }
    return { conditions, writes, positions, ends: new Map([...touched].map(([name, { end }]) => [name, end])) }
  }

  async function write(batch: readonly Pending[]): Promise<void> {
    for (;;) {
      const prepared = prepare(batch)
      if (await env.transact(prepared.conditions, prepared.writes)) {
        for (const [name, end] of prepared.ends) ends.set(name, end)
        bell.ring()
        for (const [i, pending] of batch.entries()) pending.resolve(prepared.positions[i] ?? [])
        return
      }
      // Another process appended, or the group changed: look again. Each refusal means that somebody else got ahead, so this ends.
      ends.clear()
      env.refresh()
    }
  }

  async function pump(): Promise<void> {
    while (queue.length > 0) {
      const batch = take()
      if (batch.length === 0) continue
      try {
        env.refresh()
        await write(batch)
      } catch (error) {
        ends.clear()
        for (const pending of batch) pending.reject(toPipelineError(error))
      }
    }
    // In the same turn as the last look at the queue: an append that comes now starts the next round.
    isPumping = false
  }

  return {
    append(records, commit, signal) {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted()
        if (isStopped) throw new PipelineError('unavailable', 'the log is stopping')
        for (const { topic, partition } of records)
          if (!topics.includes(topic) || !(partition >= 0 && partition < layout.partitionsOf(topic)))
            throw new PipelineError(
              'internal',
              `append to ${topic}/${partition}: ${topic} has ${layout.partitionsOf(topic)} partitions`,
            )
        const bytes = records.reduce(
          (sum, { value, fingerprints }) => sum + value.length + (fingerprints?.length ?? 0),
          0,
        )
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
    async stop() {
      isStopped = true
      await pumped
    },
  }
}

/** What a value takes of the file: small ones share a page, larger ones have whole pages of their own, with a header. */
function occupied(bytes: number): number {
  return bytes <= 2000 ? bytes + 32 : Math.ceil((bytes + 16) / 4096) * 4096
}
