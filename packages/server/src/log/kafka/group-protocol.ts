/*
 * What members of a group tell each other through its coordinator, in the form of Kafka's own consumers, so that its tools can show it.
 * Big-endian.
 *
 *   subscription = version:i16 (2) topics:[string] userData:bytes owned:[topicPartitions] generation:i32
 *   assignment   = version:i16 (1) assigned:[topicPartitions] userData:bytes
 *   topicPartitions = topic:string partitions:[i32]
 *   string = length:i16 utf8        bytes = length:i32 (-1: none) data        [x] = count:i32 x*
 */
export type Owned = ReadonlyMap<string, readonly number[]>

export interface Subscription {
  readonly topics: readonly string[]
  readonly owned: Owned
  /** In which `owned` was so. */
  readonly generation: number
}

export function encodeSubscription({ topics, owned, generation }: Subscription): Buffer {
  return Buffer.concat([i16(2), array(topics, text), i32(-1), encodeOwned(owned), i32(generation)])
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const cursor = { bytes, at: 2 }
  const version = bytes.readInt16BE(0)
  const topics = readArray(cursor, readText)
  skipBytes(cursor)
  const owned = version >= 1 ? readOwned(cursor) : new Map<string, number[]>()
  const generation = version >= 2 ? readI32(cursor) : -1
  return { topics, owned, generation }
}

export function encodeAssignment(assigned: Owned): Buffer {
  return Buffer.concat([i16(1), encodeOwned(assigned), i32(-1)])
}

/** An empty buffer: the coordinator has nothing for this member. */
export function decodeAssignment(bytes: Buffer): Owned {
  return bytes.length < 2 ? new Map() : readOwned({ bytes, at: 2 })
}

interface Cursor {
  readonly bytes: Buffer
  at: number
}

function i16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2)
  bytes.writeInt16BE(value)
  return bytes
}

function i32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([i16(bytes.length), bytes])
}

function array<T>(values: readonly T[], encode: (value: T) => Buffer): Buffer {
  return Buffer.concat([i32(values.length), ...values.map(encode)])
}

function encodeOwned(owned: Owned): Buffer {
  return array([...owned], ([topic, partitions]) => Buffer.concat([text(topic), array(partitions, i32)]))
}

function readI32(cursor: Cursor): number {
  cursor.at += 4
  return cursor.bytes.readInt32BE(cursor.at - 4)
}

function readText(cursor: Cursor): string {
  const length = cursor.bytes.readInt16BE(cursor.at)
  cursor.at += 2 + length
  return cursor.bytes.toString('utf8', cursor.at - length, cursor.at)
}

function readArray<T>(cursor: Cursor, read: (cursor: Cursor) => T): T[] {
  return Array.from({ length: Math.max(0, readI32(cursor)) }, () => read(cursor))
}

function skipBytes(cursor: Cursor): void {
  const length = readI32(cursor)
  cursor.at += Math.max(0, length)
}

function readOwned(cursor: Cursor): Map<string, number[]> {
  return new Map(readArray(cursor, (at) => [readText(at), readArray(at, readI32)] as const))
}
