import type { Bounds, Committed, Topic } from './log.ts'

export interface Lag {
  readonly topic: Topic
  readonly partition: number
  /** First offset that the group has not processed, as far as it is still held. */
  readonly from: number
  readonly next: number
  /** Records it has yet to process; an upper bound where the driver leaves offsets out. */
  readonly records: number
}

/** How far a group is behind, per partition of the given topics. What was never committed counts from the first record held. */
export function lagOf(bounds: ReadonlyMap<Topic, readonly Bounds[]>, committed: readonly Committed[]): readonly Lag[] {
  return [...bounds].flatMap(([topic, partitions]) =>
    partitions.map(({ partition, first, next }): Lag => {
      const position = committed.find((candidate) => candidate.topic === topic && candidate.partition === partition)
      const from = Math.min(next, Math.max(first, position?.offset ?? first))
      return { topic, partition, from, next, records: next - from }
    }),
  )
}
