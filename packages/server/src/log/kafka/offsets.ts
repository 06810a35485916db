import type { Committed, Topic } from '../log.ts'
import { topics } from '../log.ts'
import type { Cluster } from './cluster.ts'
import type { Layout } from './layout.ts'

/** A commit made ready: what a broker needs to accept or refuse it. */
export interface PreparedCommit {
  readonly group: string
  readonly memberId: string
  readonly generation: number
  readonly offsets: readonly TopicOffsets[]
  /** To be called once it is durable. */
  applied(): void
  /** To be called when nobody can say whether it is: then the membership commits nothing more. */
  doubted(): void
}

export interface TopicOffsets {
  readonly name: string
  readonly partitions: {
    readonly partitionIndex: number
    readonly committedOffset: bigint
    readonly committedLeaderEpoch: number
    readonly committedMetadata: string
  }[]
}

const askMs = 30_000

/** As the protocol wants it; the note is the offset's metadata. */
export function toTopicOffsets(layout: Layout, positions: readonly Committed[]): TopicOffsets[] {
  return topics.flatMap((topic) => {
    const partitions = positions
      .filter((position) => position.topic === topic)
      .map(({ partition, offset, note }) => ({
        partitionIndex: partition,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: -1,
        committedMetadata: note ?? '',
      }))
    return partitions.length === 0 ? [] : [{ name: layout.nameOf(topic), partitions }]
  })
}

/** What a group has committed; waits for transactions that are about to commit. */
export async function fetchCommitted(
  cluster: Cluster,
  layout: Layout,
  group: string,
  signal: AbortSignal,
): Promise<readonly Committed[]> {
  const wanted = topics.map((topic) => ({
    name: layout.nameOf(topic),
    partitionIndexes: Array.from({ length: layout.partitionsOf(topic) }, (_, partition) => partition),
  }))
  const answer = await cluster.persist(`read the positions of group ${group}`, askMs, signal, () =>
    cluster.call(
      { group },
      'offsetFetch',
      [[{ groupId: group, memberId: null, memberEpoch: -1, topics: wanted }], true],
      { signal },
    ),
  )
  const topicOf = new Map<string, Topic>(topics.map((topic) => [layout.nameOf(topic), topic]))
  const found: Committed[] = []
  for (const { name, partitions } of answer.groups[0]?.topics ?? []) {
    const topic = topicOf.get(name)
    if (topic === undefined) continue
    for (const { partitionIndex, committedOffset, metadata } of partitions)
      if (committedOffset >= 0n)
        found.push({ topic, partition: partitionIndex, offset: Number(committedOffset), note: metadata ?? '' })
  }
  return found.toSorted((a, b) => topics.indexOf(a.topic) - topics.indexOf(b.topic) || a.partition - b.partition)
}
