import { PipelineError } from '../../core/errors.ts'
import type { LogRecord, Position, ReadLimit } from '../log.ts'
import type { Bell } from './bell.ts'
import { recordKey } from './keys.ts'
import { floorOf, headOf, type Layout } from './layout.ts'

/** Memory that the values of one read share, so that a read of many small records is few allocations. */
const arenaBytes = 256 * 1024

export function createReader({ env, partitionsOf }: Layout, bell: Bell) {
  return async function read(from: Position, limit: ReadLimit, signal: AbortSignal): Promise<readonly LogRecord[]> {
    const { topic, partition, offset } = from
    if (!(partition >= 0 && partition < partitionsOf(topic)))
      throw new PipelineError(
        'internal',
        `read of ${topic}/${partition}: ${topic} has ${partitionsOf(topic)} partitions`,
      )
    let until: number | undefined
    for (;;) {
      signal.throwIfAborted()
      // Before the look: what is appended after it must ring.
      if (limit.waitMs > 0) bell.watch()
      env.refresh()
      const { first } = floorOf(env, topic, partition)
      if (offset < first)
        throw new PipelineError(
          'trimmed',
          `offset ${offset} of ${topic}/${partition} is gone, the first held is ${first}`,
          {
            details: { topic, partition, offset, first },
          },
        )
      const { next } = headOf(env, topic, partition)
      if (offset < next) return gather(from, next, limit)
      const now = performance.now()
      until ??= now + limit.waitMs
      if (now >= until) return []
      await bell.wait(until - now, signal)
    }
  }

  /** In one turn, so on one snapshot. Copies: the map under a value may be used anew as soon as the snapshot ends. */
  function gather({ topic, partition, offset: from }: Position, next: number, limit: ReadLimit): readonly LogRecord[] {
    const records: LogRecord[] = []
    let arena = Buffer.alloc(0)
    let used = 0
    let bytes = 0
    const keep = (value: Buffer, left: number): Uint8Array => {
      const size = value.length
      if (used + size > arena.length) {
        arena = Buffer.allocUnsafeSlow(Math.max(size, Math.min(arenaBytes, size * left, limit.bytes - bytes)))
        used = 0
      }
      value.copy(arena, used, 0, size)
      used += size
      return new Uint8Array(arena.buffer, used - size, size)
    }
    for (let offset = from; offset < next; offset++) {
      const key = recordKey(topic, partition, offset)
      const found = env.peek('records', key)
      if (found === undefined)
        throw new PipelineError('corrupt', `offset ${offset} of ${topic}/${partition} is missing below ${next}`)
      if (records.length > 0 && bytes + found.length > limit.bytes) break
      const value = keep(found, next - offset)
      bytes += value.length
      const prints = limit.fingerprints === true ? env.peek('fingerprints', key) : undefined
      records.push(
        prints === undefined
          ? { topic, partition, offset, value }
          : {
              topic,
              partition,
              offset,
              value,
              fingerprints: Uint8Array.prototype.slice.call(prints, 0, prints.length),
            },
      )
    }
    return records
  }
}
