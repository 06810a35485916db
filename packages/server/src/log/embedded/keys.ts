import { type Topic, topics } from '../log.ts'

/*
 * The log is one LMDB environment (`data.mdb`, `lock.mdb`) of eight trees. Numbers in keys are big-endian, so that keys sort as
 * numbers; in values little-endian. `version` is LMDB-js's number before a value (float64), on which writes are conditional.
 *
 *   records       partition offset:u64    → the record's value, as it was appended
 *   fingerprints  partition offset:u64    → 16 bytes per event of the record; absent when none were given
 *   heads         partition               → version = next offset    bytes:f64 at:f64   bytes ever appended; our clock at the last append
 *   floors        partition               → version = first offset   bytes:f64   bytes ever trimmed, not above the truth
 *   marks         partition offset:u64    → at:f64 bytes:f64                     the head's, before that offset was written
 *   groups        name                    → version = generation     JSON of GroupState
 *   positions     name 00 partition       → offset:f64 note:utf8
 *   meta          "format"                → version = 1              JSON {epoch, partitions}
 *
 *   partition     = topic:u8 number:u8
 *   topic         = 1 events | 2 quarantine | 3 outcomes | 4 deadletters        permanent; never reuse a number
 *   name          = 1*100 of [A-Za-z0-9._-]
 *
 * A record and its fingerprints are written with its partition's head; a mark stands at least every minute and every 64 MB of
 * appended records. Trimming moves the floor, then nothing below it is read, and removes in the same transaction.
 */
export const formatVersion = 1
const topicNumbers: Readonly<Record<Topic, number>> = { events: 1, quarantine: 2, outcomes: 3, deadletters: 4 }

export const maxPartitions = 255
/** A log position has 32 bits for it (protocol's log-position.ts). */
export const maxOffset = 2 ** 32 - 1
export const formatKey: Buffer = Buffer.from('format')

export function partitionKey(topic: Topic, partition: number): Buffer {
  return Buffer.from([topicNumbers[topic], partition])
}

export function recordKey(topic: Topic, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(10)
  key[0] = topicNumbers[topic]
  key[1] = partition
  key.writeUInt32BE(Math.floor(offset / 2 ** 32), 2)
  key.writeUInt32BE(offset >>> 0, 6)
  return key
}

export function offsetOf(key: Buffer): number {
  return key.readUInt32BE(2) * 2 ** 32 + key.readUInt32BE(6)
}

export function numbers(...values: number[]): Buffer {
  const buffer = Buffer.allocUnsafe(values.length * 8)
  values.forEach((value, i) => buffer.writeDoubleLE(value, i * 8))
  return buffer
}

export function number(buffer: Buffer, i: number): number {
  return buffer.readDoubleLE(i * 8)
}

/** Bounds of all positions of a group: from inclusive, to exclusive. */
export function groupRange(group: string): { start: Buffer; end: Buffer } {
  return { start: Buffer.from(`${group}\0`), end: Buffer.from(`${group}\u0001`) }
}

export function positionKey(group: string, topic: Topic, partition: number): Buffer {
  return Buffer.concat([Buffer.from(`${group}\0`), partitionKey(topic, partition)])
}

export function positionValue(offset: number, note: string): Buffer {
  return Buffer.concat([numbers(offset), Buffer.from(note)])
}

export function readPosition(
  group: string,
  key: Buffer,
  value: Buffer,
): { topic: Topic; partition: number; offset: number; note: string } {
  const at = Buffer.byteLength(group) + 1
  const topic = topics.find((candidate) => topicNumbers[candidate] === key[at])
  if (topic === undefined) throw new RangeError(`position of topic number ${key[at]}, which no version of this log has`)
  return { topic, partition: key[at + 1] as number, offset: number(value, 0), note: value.toString('utf8', 8) }
}
