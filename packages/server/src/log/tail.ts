import { PipelineError } from '../core/errors.ts'
import { type Lag, lagOf } from './lag.ts'
import type { Committed, Log, LogRecord, Topic } from './log.ts'

export interface TailOptions {
  readonly group: string
  readonly topics: readonly Topic[]
  /** Read at most so much; then `unavailable`, with the lag in its details. */
  readonly maxBytes: number
  /** Of one chunk. */
  readonly chunkBytes?: number
}

/** Positions of a group and the ends of its topics, at one moment: what `tailOf` will read. */
export interface TailStart {
  readonly committed: readonly Committed[]
  readonly lag: readonly Lag[]
}

export async function tailStart(log: Log, group: string, topics: readonly Topic[]): Promise<TailStart> {
  // The positions first: what is committed meanwhile is then read although it is processed, never left out.
  const committed = await log.committed(group)
  const bounds = new Map(await Promise.all(topics.map(async (topic) => [topic, await log.bounds(topic)] as const)))
  return { committed, lag: lagOf(bounds, committed) }
}

/**
 * What stands in the log beyond a group's committed positions, in chunks, partition after partition. It ends where the log ended
 * when it was asked, so that it ends at all. Records trimmed meanwhile were processed meanwhile and are left out.
 */
export async function* tailOf(
  log: Log,
  { group, topics, maxBytes, chunkBytes = 4 * 2 ** 20 }: TailOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly LogRecord[], void, undefined> {
  const { lag } = await tailStart(log, group, topics)
  let left = maxBytes
  for (const { topic, partition, from, next } of lag) {
    let offset = from
    while (offset < next) {
      const read = await readOn(log, { topic, partition, offset }, Math.max(1, Math.min(chunkBytes, left)), signal)
      const last = read.at(-1)
      if (last === undefined) break
      const records = read.filter((record) => record.offset < next)
      left -= records.reduce((sum, { value }) => sum + value.length, 0)
      if (left < 0) {
        const behind = lag.reduce((sum, { records: count }) => sum + count, 0)
        throw new PipelineError(
          'unavailable',
          `group ${group} is ${behind} records behind, more than the ${maxBytes} bytes that are read for one answer`,
          {
            details: { group, lagRecords: behind, maxBytes },
          },
        )
      }
      if (records.length > 0) yield records
      offset = last.offset + 1
    }
  }
}

async function readOn(
  log: Log,
  from: Pick<LogRecord, 'topic' | 'partition' | 'offset'>,
  bytes: number,
  signal: AbortSignal,
): Promise<readonly LogRecord[]> {
  try {
    return await log.read(from, { bytes, waitMs: 0 }, signal)
  } catch (error) {
    if (!(error instanceof PipelineError && error.code === 'trimmed')) throw error
    const bounds = await log.bounds(from.topic)
    const first = bounds.find(({ partition }) => partition === from.partition)?.first ?? from.offset
    return log.read({ ...from, offset: first }, { bytes, waitMs: 0 }, signal)
  }
}
