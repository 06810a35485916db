/*
 * cursor   = "m1." base64url( body check )
 * body     = epoch:8 varint(partition) varint(index) varint(partition count) { varint(offset) }
 * check    = the low 16 bits of the body's CRC-32, big-endian: a typing error is told, not followed
 *
 * Of each partition the next record's offset; of `partition`, `index` events of that record have been seen already.
 * Opaque to clients: every message carries the cursor behind it, and a reader that comes back with it continues there.
 */
import { crc32 } from 'node:zlib'

/** Where a reader stands: for each partition the next record, and how many of its events are behind the reader already. */
export interface Place {
  offset: number
  index: number
}

const prefix = 'm1.'
const maxPartitions = 256
const maxOffset = 2 ** 32

export function encodeCursor(epoch: number, places: readonly Readonly<Place>[]): string {
  const at = Math.max(
    0,
    places.findIndex(({ index }) => index > 0),
  )
  const bytes = Buffer.allocUnsafe(16 + places.length * 5)
  bytes[0] = epoch
  let end = varint(bytes, 1, at)
  end = varint(bytes, end, places[at]?.index ?? 0)
  end = varint(bytes, end, places.length)
  for (const { offset } of places) end = varint(bytes, end, offset)
  bytes.writeUInt16BE(crc32(bytes.subarray(0, end)) & 0xffff, end)
  return prefix + bytes.toString('base64url', 0, end + 2)
}

export interface Cursor {
  readonly epoch: number
  readonly places: Place[]
}

/** Whether somebody meant a cursor: event ids are looked up instead. */
export function looksLikeCursor(text: string): boolean {
  return text.startsWith(prefix)
}

/** Undefined when it is none of ours. */
export function decodeCursor(text: string): Cursor | undefined {
  if (!looksLikeCursor(text) || text.length > 4096 || !/^[A-Za-z0-9_-]+$/.test(text.slice(prefix.length)))
    return undefined
  const bytes = Buffer.from(text.slice(prefix.length), 'base64url')
  const end = bytes.length - 2
  if (end < 4 || bytes.readUInt16BE(end) !== (crc32(bytes.subarray(0, end)) & 0xffff)) return undefined
  let position = 1
  const next = (): number => {
    let value = 0
    for (let factor = 1; position < end; factor *= 128) {
      const byte = bytes[position++] as number
      value += (byte & 127) * factor
      if (byte < 128) return value <= maxOffset ? value : Number.NaN
    }
    return Number.NaN
  }
  const epoch = bytes[0] as number
  const partition = next()
  const index = next()
  const length = next()
  if (!(length >= 1 && length <= maxPartitions && partition < length && index < 65_536) || epoch === 0) return undefined
  const places: Place[] = []
  for (let at = 0; at < length; at++) {
    const offset = next()
    if (Number.isNaN(offset)) return undefined
    places.push({ offset, index: at === partition ? index : 0 })
  }
  return position === end ? { epoch, places } : undefined
}

function varint(bytes: Buffer, at: number, value: number): number {
  let rest = value
  let end = at
  while (rest > 127) {
    bytes[end++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  bytes[end++] = rest
  return end
}
