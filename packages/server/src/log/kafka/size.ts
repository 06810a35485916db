import type { Logger } from '../../core/deps.ts'
import { type Topic, topics } from '../log.ts'
import type { Cluster } from './cluster.ts'
import type { Ends } from './ends.ts'
import { toLogError } from './kafka-errors.ts'
import { keyOf, type Layout } from './layout.ts'

export interface Size {
  bytes(signal: AbortSignal): Promise<number>
}

interface Seen {
  /** From here on the files hold offsets, as far as we know. */
  base: number
  bytes: number
}

const askMs = 15_000

/**
 * What the records still held take in the brokers' files (of one replica). Kafka removes only whole segments, some minutes after all in
 * them were forgotten, so what was forgotten since is taken off by its share of the offsets: an estimate, exact when nothing is held.
 */
export function createSize(cluster: Cluster, layout: Layout, ends: Ends, logger: Logger): Size {
  const seen = new Map<string, Seen>()
  let isRefused = false

  async function onDisk(signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const asked = topics.map((topic) => ({
      name: layout.nameOf(topic),
      partitions: Array.from({ length: layout.partitionsOf(topic) }, (_, partition) => partition),
    }))
    const sizes = new Map<string, number>()
    for (const node of await cluster.nodes(signal)) {
      const { results } = await cluster.call({ node }, 'describeLogDirs', [asked], { signal })
      for (const { name, partitions } of results.flatMap((result) => result.topics)) {
        const topic = topics.find((candidate) => layout.nameOf(candidate) === name) as Topic
        for (const { partitionIndex, partitionSize } of partitions) {
          const key = keyOf(topic, partitionIndex)
          sizes.set(key, Math.max(sizes.get(key) ?? 0, Number(partitionSize)))
        }
      }
    }
    return sizes
  }

  return {
    async bytes(signal) {
      if (isRefused) return 0
      let sizes: ReadonlyMap<string, number>
      try {
        sizes = await cluster.persist('ask for the size of the topics', askMs, signal, () => onDisk(signal))
      } catch (error) {
        const known = toLogError(error, 'ask for the size of the topics')
        if (known.code !== 'config') throw known
        isRefused = true
        logger.warn({ err: known }, 'Kafka: the size of the log is not known, so log.retention.bytes is not kept')
        return 0
      }
      let total = 0
      for (const topic of topics)
        for (const { partition, first, next } of await ends.bounds(topic, signal)) {
          const key = keyOf(topic, partition)
          const bytes = sizes.get(key) ?? 0
          const before = seen.get(key)
          // Fewer bytes than before: segments went, and the files begin somewhere at or before the first offset.
          const base = before === undefined || bytes < before.bytes ? first : Math.min(before.base, first)
          seen.set(key, { base, bytes })
          total += next === base ? 0 : Math.round((bytes * (next - first)) / (next - base))
        }
      return total
    },
  }
}
