import type { Clock } from '../../core/clock.ts'
import { PipelineError } from '../../core/errors.ts'
import { type Log, topics } from '../log.ts'
import type { Ends } from './ends.ts'
import { keyOf } from './layout.ts'
import type { Reader } from './reader.ts'

export interface MomentOptions {
  readonly ends: Ends
  readonly reader: Reader
  readonly clock: Clock
}

/** A live collector's transaction takes less. */
const undecidedMs = 5_000
const pollMs = 20

/**
 * Partitions end independently, and a transaction that is under way while their ends are read may have written below the end of one and
 * above that of another. So: read the ends; wait until every transaction that has written below them has ended; read the ends again,
 * below which is by then all that those have written; look which of them wrote between the two. These do not belong to the moment.
 */
export function createMoment({ ends, reader, clock }: MomentOptions): Log['moment'] {
  const nexts = async (decided: boolean, signal: AbortSignal) =>
    new Map(
      (
        await Promise.all(
          topics.map(async (topic) =>
            [...(await ends.nexts(topic, decided, signal))].map(
              ([partition, next]) => [keyOf(topic, partition), next] as const,
            ),
          ),
        )
      ).flat(),
    )

  return async (signal) => {
    const found = (
      await Promise.all(
        topics.map(async (topic) => (await ends.bounds(topic, signal)).map((bounds) => ({ topic, ...bounds }))),
      )
    ).flat()
    const deadline = clock.now() + undecidedMs
    for (;;) {
      const decided = await nexts(true, signal)
      const open = found.find(({ topic, partition, next }) => (decided.get(keyOf(topic, partition)) ?? 0) < next)
      if (open === undefined) break
      if (clock.now() >= deadline)
        throw new PipelineError(
          'unavailable',
          `an append to ${keyOf(open.topic, open.partition)} has been under way for ${undecidedMs} ms: its collector is gone or slow`,
          { retryAfterSeconds: 2 },
        )
      await clock.sleep(pollMs, signal)
    }
    const later = await nexts(false, signal)
    const beyond = new Set<string>()
    await Promise.all(
      found.map(async ({ topic, partition, next }) => {
        const to = later.get(keyOf(topic, partition)) ?? next
        if (to <= next) return
        for (const name of await reader.transactions(topic, partition, { from: next, to }, signal)) beyond.add(name)
      }),
    )
    return { ends: found, includes: ({ append }) => append === undefined || !beyond.has(append) }
  }
}
