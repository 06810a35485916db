import { packLogPosition } from '@millrace/protocol'
import { PipelineError } from '../core/errors.ts'
import { type Log, type LogRecord, type Topic, topics } from '../log/log.ts'
import type { PositionRange } from '../stores/store.ts'

/** The log between what `load` has committed and its end, as it was at one moment. */
export interface Unloaded {
  /** Log positions that are in the tables, per topic. */
  readonly loaded: Readonly<Record<Topic, readonly PositionRange[]>>
  /** Calls `visit` with every record of the unloaded part, topic by topic, in offset order. */
  forEach(visit: (record: LogRecord) => void, signal: AbortSignal): Promise<void>
}

/** Beyond this, looking through the tail takes longer than anybody waits. */
const maxBytes = 1e9
const readBytes = 8e6
const maxReadings = 200
const group = 'load'

interface Stretch {
  readonly topic: Topic
  readonly partition: number
  readonly from: number
  readonly to: number
}

/**
 * A consistent view: the log's ends are read until two readings agree with the commit between them, so that what one group commit
 * wrote to several topics is seen whole or not at all. Throws `unavailable` while the tail is too long to look through, or when the
 * log never stands still for as long as two readings take.
 */
export async function unloadedTail(log: Log): Promise<Unloaded> {
  const [committed, ends] = await settledEnds(log)
  const loaded: Record<Topic, PositionRange[]> = { events: [], quarantine: [], outcomes: [], deadletters: [] }
  const stretches: Stretch[] = []
  for (const { topic, partition, first, next } of ends) {
    const from =
      committed.find((position) => position.topic === topic && position.partition === partition)?.offset ?? first
    if (from > 0)
      loaded[topic].push({
        first: packLogPosition({ epoch: log.epoch(), partition, offset: 0, index: 0 }),
        last: packLogPosition({ epoch: log.epoch(), partition, offset: from - 1, index: 0xffff }),
      })
    if (from < next) stretches.push({ topic, partition, from, to: next })
  }
  return {
    loaded,
    async forEach(visit, signal) {
      let bytes = 0
      for (const { topic, partition, from, to } of stretches)
        for (let offset = from; offset < to; ) {
          const records = await log.read({ topic, partition, offset }, { bytes: readBytes, waitMs: 0 }, signal)
          for (const record of records) {
            if (record.offset >= to) break
            bytes += record.value.length
            visit(record)
          }
          if (bytes > maxBytes) throw tooFarBehind(stretches)
          const last = records.at(-1)
          if (last === undefined) break
          offset = last.offset + 1
        }
    },
  }
}

type End = { readonly topic: Topic; readonly partition: number; readonly first: number; readonly next: number }

async function settledEnds(log: Log): Promise<[Awaited<ReturnType<Log['committed']>>, readonly End[]]> {
  const read = async () =>
    (
      await Promise.all(topics.map(async (topic) => (await log.bounds(topic)).map((bounds) => ({ topic, ...bounds }))))
    ).flat()
  let before = await read()
  for (let attempt = 0; ; attempt++) {
    const committed = await log.committed(group)
    const after = await read()
    // A reading takes far less than a group commit: even the busiest log needs but a few.
    if (after.every((end, at) => end.next === before[at]?.next)) return [committed, after]
    if (attempt === maxReadings)
      throw new PipelineError('unavailable', 'the log moves too fast to be looked at as a whole; ask again', {
        retryAfterSeconds: 1,
      })
    before = after
  }
}

function tooFarBehind(stretches: readonly Stretch[]): PipelineError {
  const records = stretches.reduce((sum, { from, to }) => sum + to - from, 0)
  return new PipelineError(
    'unavailable',
    `load is ${records} records (more than 1 GB) behind; ask again when it has caught up, see /api/v1/status`,
    {
      retryAfterSeconds: 30,
      details: { records },
    },
  )
}
