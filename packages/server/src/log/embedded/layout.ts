import type { Topic } from '../log.ts'
import type { Environment } from './environment.ts'
import { number, partitionKey } from './keys.ts'

/** What every part of the embedded log needs to know of it. */
export interface Layout {
  readonly env: Environment
  readonly partitionsOf: (topic: Topic) => number
}

export interface Head {
  readonly next: number
  /** Bytes ever appended to the partition. */
  readonly bytes: number
  /** Our clock at its last append, 0 before the first. */
  readonly at: number
}

export interface Floor {
  readonly first: number
  /** Bytes ever trimmed from it. */
  readonly bytes: number
}

export function headOf(env: Environment, topic: Topic, partition: number): Head {
  const { value, version } = mustExist(env.entry('heads', partitionKey(topic, partition)), 'head', topic, partition)
  return { next: version, bytes: number(value, 0), at: number(value, 1) }
}

export function floorOf(env: Environment, topic: Topic, partition: number): Floor {
  const { value, version } = mustExist(env.entry('floors', partitionKey(topic, partition)), 'floor', topic, partition)
  return { first: version, bytes: number(value, 0) }
}

function mustExist<T>(entry: T | undefined, what: string, topic: Topic, partition: number): T {
  if (entry === undefined) throw new RangeError(`the log has no ${what} for partition ${partition} of ${topic}`)
  return entry
}
