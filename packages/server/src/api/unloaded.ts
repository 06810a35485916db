import { packLogPosition } from '@millrace/protocol'
import { PipelineError } from '../core/errors.ts'
import type { Log, LogRecord, Topic } from '../log/log.ts'
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
const group = 'load'

interface Stretch {
  readonly topic: Topic
  readonly partition: number
  readonly from: number
  readonly to: number
}

/** A consistent view: what one group commit wrote to several topics is seen whole or not at all. Throws `unavailable` while it is too long to look through. */
export async function unloadedTail(log: Log, signal: AbortSignal): Promise<Unloaded> {
  // In this order: what is loaded is part of every later moment, so no row of the tables belongs to an append that the moment leaves out.
  const committed = await log.committed(group)
  const moment = await log.moment(signal)
  const loaded: Record<Topic, PositionRange[]> = { events: [], quarantine: [], outcomes: [], deadletters: [] }
  const stretches: Stretch[] = []
  for (const { topic, partition, first, next } of moment.ends) {
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
            if (moment.includes(record)) visit(record)
          }
          if (bytes > maxBytes) throw tooFarBehind(stretches)
          const last = records.at(-1)
          if (last === undefined) break
          offset = last.offset + 1
        }
    },
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
