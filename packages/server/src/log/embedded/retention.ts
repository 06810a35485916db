import type { Clock } from '../../core/clock.ts'
import { type Committed, type Position, type Topic, topics } from '../log.ts'
import type { Write } from './environment.ts'
import type { GroupStore } from './group-store.ts'
import { number, numbers, offsetOf, partitionKey, recordKey } from './keys.ts'
import { floorOf, headOf, type Layout } from './layout.ts'

export interface RetentionOptions {
  readonly hours: number
  readonly bytes: number
  /** Groups whose uncommitted records are never taken, whatever the limits say. */
  readonly protects: readonly string[]
}

export interface Retention {
  /** Forget what is older than `hours`, then the oldest until no more than `bytes` are held; never what a protecting group has not committed. */
  sweep(): Promise<void>
  trim(before: Position): Promise<void>
  /** Bytes that the records still held take of the file. */
  bytes(): number
}

/** Records removed by one transaction: while it runs no other process can append. */
const recordsPerTransaction = 256

/** A place up to which a partition can be trimmed with its bytes known. */
interface Mark {
  readonly topic: Topic
  readonly partition: number
  readonly offset: number
  /** All before `offset` were appended by then. */
  readonly at: number
  readonly bytes: number
}

export function createRetention(
  layout: Layout,
  groups: GroupStore,
  clock: Clock,
  options: RetentionOptions,
): Retention {
  const { env, partitionsOf } = layout

  function marksOf(topic: Topic, partition: number): Mark[] {
    const range = { start: recordKey(topic, partition, 0), end: recordKey(topic, partition, 2 ** 48) }
    const marks = env.range('marks', range).map(
      ({ key, value }): Mark => ({
        topic,
        partition,
        offset: offsetOf(key),
        at: number(value, 0),
        bytes: number(value, 1),
      }),
    )
    const { next, bytes, at } = headOf(env, topic, partition)
    return [...marks, { topic, partition, offset: next, at, bytes }]
  }

  /** Below this nobody that matters needs anything. A protecting group that has never been seen needs everything. */
  function protectedFrom(topic: Topic, partition: number): number {
    const { next } = headOf(env, topic, partition)
    const { first } = floorOf(env, topic, partition)
    return Math.min(
      next,
      ...options.protects.map((group) => {
        const { state, generation } = groups.read(group)
        if (generation > 0 && !state.topics.includes(topic)) return next
        const isThis = (position: Committed) => position.topic === topic && position.partition === partition
        return groups.committed(group).find(isThis)?.offset ?? first
      }),
    )
  }

  async function trim({ topic, partition, offset }: Position): Promise<void> {
    for (;;) {
      env.refresh()
      const floor = floorOf(env, topic, partition)
      const head = headOf(env, topic, partition)
      const { next } = head
      const first = Math.min(offset, next, floor.first + recordsPerTransaction)
      if (first <= floor.first) return
      const range = { start: recordKey(topic, partition, floor.first), end: recordKey(topic, partition, first + 1) }
      const marks = env.range('marks', range)
      const last = marks.at(-1)
      const bytes = first === next ? head.bytes : Math.max(floor.bytes, last === undefined ? 0 : number(last.value, 1))
      const key = partitionKey(topic, partition)
      const writes: Write[] = [{ tree: 'floors', key, value: numbers(bytes), version: first }]
      for (let gone = floor.first; gone < first; gone++) {
        const record = recordKey(topic, partition, gone)
        writes.push({ tree: 'records', key: record }, { tree: 'fingerprints', key: record })
      }
      for (const mark of marks) if (offsetOf(mark.key) < first) writes.push({ tree: 'marks', key: mark.key })
      // False: another process trims too. It may be at another target, so look again.
      await env.transact([{ tree: 'floors', key, version: floor.first }], writes)
    }
  }

  const partitions = (): { topic: Topic; partition: number }[] =>
    topics.flatMap((topic) => Array.from({ length: partitionsOf(topic) }, (_, partition) => ({ topic, partition })))

  const bytes = () => {
    env.refresh()
    return partitions().reduce(
      (sum, { topic, partition }) => sum + headOf(env, topic, partition).bytes - floorOf(env, topic, partition).bytes,
      0,
    )
  }

  return {
    trim,
    bytes,
    async sweep() {
      let held = bytes()
      const oldest = clock.now() - options.hours * 3_600_000
      const marks = partitions()
        .flatMap(({ topic, partition }) => {
          const limit = protectedFrom(topic, partition)
          return marksOf(topic, partition).filter(({ offset }) => offset <= limit)
        })
        .sort((a, b) => a.at - b.at)
      const targets = new Map<string, Mark>()
      for (const mark of marks) {
        if (mark.at > oldest && held <= options.bytes) break
        const name = `${mark.topic}/${mark.partition}`
        const trimmed = targets.get(name)?.bytes ?? floorOf(env, mark.topic, mark.partition).bytes
        held -= Math.max(0, mark.bytes - trimmed)
        targets.set(name, mark)
      }
      for (const mark of targets.values()) await trim(mark)
    },
  }
}
