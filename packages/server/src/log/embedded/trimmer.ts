import { type Position, topics } from '../log.ts'
import type { Write } from './environment.ts'
import { number, numbers, offsetOf, partitionKey, recordKey } from './keys.ts'
import { floorOf, headOf, type Layout } from './layout.ts'

/** Forgets, and knows what is held. What may go is not the log's to say: it knows neither all who read it nor what they keep. */
export interface Trimmer {
  trim(before: Position): Promise<void>
  /** Bytes that the records still held take of the file. */
  bytes(): number
}

/** Records removed by one transaction: while it runs no other process can append. */
const recordsPerTransaction = 256

export function createTrimmer({ env, partitionsOf }: Layout): Trimmer {
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

  return {
    trim,
    bytes() {
      env.refresh()
      let held = 0
      for (const topic of topics)
        for (let partition = 0; partition < partitionsOf(topic); partition++)
          held += headOf(env, topic, partition).bytes - floorOf(env, topic, partition).bytes
      return held
    },
  }
}
