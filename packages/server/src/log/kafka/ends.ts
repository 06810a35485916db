import type { Bounds, Position, Topic } from '../log.ts'
import type { Cluster } from './cluster.ts'
import type { Layout } from './layout.ts'

/** First and next offsets, and how to move the first. */
export interface Ends {
  bounds(topic: Topic, signal: AbortSignal): Promise<readonly Bounds[]>
  /** Behind the last record of each partition; with `decided`, behind the last whose transactions, and those of all before it, have ended. */
  nexts(topic: Topic, decided: boolean, signal: AbortSignal): Promise<ReadonlyMap<number, number>>
  firstOf(position: Pick<Position, 'topic' | 'partition'>, signal: AbortSignal): Promise<number>
  trim(before: Position, signal: AbortSignal): Promise<void>
}

const earliest = -2n
const latest = -1n
const askMs = 15_000
/** Also what is not committed yet: `next` is above everything given out. */
const isolationNone = 0
const isolationCommitted = 1

export function createEnds(cluster: Cluster, layout: Layout): Ends {
  async function list(
    topic: Topic,
    partitions: readonly number[],
    timestamp: bigint,
    signal: AbortSignal,
    isolation: number = isolationNone,
  ) {
    const name = layout.nameOf(topic)
    return cluster.persist(`look for the ends of ${name}`, askMs, signal, async () => {
      const byLeader = new Map<number, number[]>()
      for (const partition of partitions) {
        const leader = await cluster.leaderOf(name, partition, signal)
        byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition])
      }
      const found = new Map<number, number>()
      await Promise.all(
        [...byLeader.values()].map(async (mine) => {
          const asked = mine.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp }))
          const answer = await cluster.call(
            { topic: name, partition: mine[0] as number },
            'listOffsets',
            [-1, isolation, [{ name, partitions: asked }]],
            { signal },
          )
          for (const { partitionIndex, offset } of answer.topics[0]?.partitions ?? [])
            found.set(partitionIndex, Number(offset))
        }),
      )
      return found
    })
  }

  const partitionsOf = (topic: Topic) => Array.from({ length: layout.partitionsOf(topic) }, (_, partition) => partition)

  async function bounds(topic: Topic, signal: AbortSignal): Promise<readonly Bounds[]> {
    const partitions = partitionsOf(topic)
    // The ends later than the beginnings, so that none is below its beginning.
    const first = await list(topic, partitions, earliest, signal)
    const next = await list(topic, partitions, latest, signal)
    return partitions.map((partition) => ({
      partition,
      first: first.get(partition) ?? 0,
      next: next.get(partition) ?? 0,
    }))
  }

  const firstOf: Ends['firstOf'] = async ({ topic, partition }, signal) =>
    (await list(topic, [partition], earliest, signal)).get(partition) ?? 0

  return {
    bounds,
    nexts: (topic, decided, signal) =>
      list(topic, partitionsOf(topic), latest, signal, decided ? isolationCommitted : isolationNone),
    firstOf,
    async trim({ topic, partition, offset }, signal) {
      const { first, next } = (await bounds(topic, signal)).find((bound) => bound.partition === partition) ?? {
        first: 0,
        next: 0,
      }
      if (offset <= first) return
      const name = layout.nameOf(topic)
      const target = { partitionIndex: partition, offset: BigInt(Math.min(offset, next)) }
      await cluster.persist(`forget old records of ${name}`, askMs, signal, () =>
        cluster.call({ topic: name, partition }, 'deleteRecords', [[{ name, partitions: [target] }], askMs], {
          signal,
        }),
      )
    },
  }
}
