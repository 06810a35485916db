import type { Topic } from '../log.ts'

/** Which Kafka topics the log's are: `<prefix><topic>`. `events` has as many partitions as configured, the others one. */
export interface Layout {
  readonly prefix: string
  nameOf(topic: Topic): string
  partitionsOf(topic: Topic): number
}

export function createLayout(prefix: string, partitions: number): Layout {
  return {
    prefix,
    nameOf: (topic) => `${prefix}${topic}`,
    partitionsOf: (topic) => (topic === 'events' ? partitions : 1),
  }
}

export const keyOf = (topic: Topic, partition: number): string => `${topic}/${partition}`
