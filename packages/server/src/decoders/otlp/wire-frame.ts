import { WireWriter } from '../wire-writer.ts'
import { type WireReader, wire } from '../wire.ts'

/**
 * A message that holds items, taken apart: the items' places, and all its other fields. A request is three of them around its items
 * (request, resource, scope), a metric adds two (metric, data).
 */
export interface Frame {
  /** Begin and end of each item, one after the other. */
  readonly items: readonly number[]
  /** Tag of each item: a metric's data has several kinds. */
  readonly tags: readonly number[]
  /** Fields that are no items, as they came. */
  readonly rest: Uint8Array
}

/** Reads from `reader.at` to `reader.end`. What cannot be read makes the whole body malformed. */
export function readFrame(reader: WireReader, itemTags: readonly number[]): Frame {
  const { end } = reader
  const items: number[] = []
  const tags: number[] = []
  const rest: Uint8Array[] = []
  let restStart = reader.at
  while (reader.at < end) {
    const start = reader.at
    const tag = reader.uint32()
    if (itemTags.includes(tag)) {
      if (restStart < start) rest.push(reader.bytes.subarray(restStart, start))
      const stop = reader.enter()
      items.push(reader.at, stop)
      tags.push(tag)
      reader.at = stop
      restStart = stop
    } else {
      if (tag >>> 3 === 0) throw reader.malformed('field number 0', start)
      reader.skip(tag & 7)
    }
  }
  if (restStart < end) rest.push(reader.bytes.subarray(restStart, end))
  return { items, tags, rest: rest.length === 1 ? (rest[0] as Uint8Array) : Buffer.concat(rest) }
}

/** Frames around an item, from the inside out. */
export interface Around {
  readonly rest: Uint8Array
  /** Of what it holds. */
  readonly tag: number
  readonly outer: Around | undefined
}

/** A whole request that holds one item alone: what is kept of an event that is quarantined can be decoded as it is. */
export function requestOf(item: Uint8Array, around: Around): Uint8Array {
  let bytes = item
  for (let frame: Around | undefined = around; frame !== undefined; frame = frame.outer) {
    const writer = new WireWriter()
    writer.bytes(frame.tag >>> 3, bytes)
    bytes = Buffer.concat([frame.rest, writer.finish()])
  }
  return bytes
}

/** Tag of a length-delimited field. */
export function tagOf(field: number): number {
  return (field << 3) | wire.bytes
}
