import { isUtf8 } from 'node:buffer'
import { PipelineError } from '../core/errors.ts'

/** Protobuf's wire types; groups (3, 4) were removed from the language and are malformed here. */
export const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/**
 * Reads protobuf's wire format from `at` up to `end`:
 *
 *   message = *( tag value )          tag = varint, field number << 3 | wire type
 *   varint  = 1 to 10 bytes of 7 bits, lowest first, all but the last with the high bit
 *   bytes   = varint length, then so many bytes
 *
 * Straight from the bytes to the values that are wanted, without a message object between: this is the way of most events.
 * Throws `signal` for anything that cannot be, after saying in `failure` what and where: one error object for all failures, since a
 * body may have 100,000 of them and each new one would cost more than six good events.
 */
export class WireReader {
  readonly bytes: Buffer
  at: number
  end: number
  /** What the last failure was, e.g. `not a protobuf message: cut within a string at byte 17`. */
  failure = ''
  /** What was thrown, if anything; compare with it by identity. */
  signal: PipelineError | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = 0
    this.end = bytes.length
  }

  /** A varint that a 32-bit number holds: tags, lengths, enums, small counters. Larger ones lose their upper bits. */
  uint32(): number {
    const bytes = this.bytes
    let byte = bytes[this.at++] as number
    if (byte < 0x80 && this.at <= this.end) return byte
    let value = byte & 0x7f
    for (let shift = 7; shift < 70; shift += 7) {
      if (this.at >= this.end) throw this.malformed('cut within a number', this.end)
      byte = bytes[this.at++] as number
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw this.malformed('number of more than 10 bytes', this.at)
  }

  /** An unsigned varint of 64 bits; bigint only where a number is not exact. */
  uint64(): number | bigint {
    const bytes = this.bytes
    const start = this.at
    let value = 0
    let scale = 1
    for (let count = 0; count < 7; count++) {
      if (this.at >= this.end) throw this.malformed('cut within a number', this.end)
      const byte = bytes[this.at++] as number
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    this.at = start
    return this.large()
  }

  /** The same, signed in two's complement. */
  int64(): number | bigint {
    const value = this.uint64()
    return typeof value === 'number' ? value : shrink(BigInt.asIntN(64, value))
  }

  double(): number {
    if (this.at + 8 > this.end) throw this.malformed('cut within a double', this.end)
    const value = this.bytes.readDoubleLE(this.at)
    this.at += 8
    return value
  }

  /** A fixed64 without sign. */
  fixed64(): bigint {
    if (this.at + 8 > this.end) throw this.malformed('cut within a fixed64', this.end)
    const value = this.bytes.readBigUInt64LE(this.at)
    this.at += 8
    return value
  }

  fixed32(): number {
    if (this.at + 4 > this.end) throw this.malformed('cut within a fixed32', this.end)
    const value = this.bytes.readUInt32LE(this.at)
    this.at += 4
    return value
  }

  /** A signed varint in zigzag: 0, -1, 1, -2 … */
  sint32(): number {
    const value = this.uint32()
    return (value >>> 1) ^ -(value & 1)
  }

  bool(): boolean {
    return this.uint64() !== 0
  }

  string(): string {
    const length = this.uint32()
    const start = this.at
    const stop = start + length
    if (stop > this.end) throw this.malformed('cut within a string', this.end)
    this.at = stop
    if (length === 0) return ''
    const bytes = this.bytes
    let at = start
    while (at < stop && (bytes[at] as number) < 0x80) at++
    if (at === stop) return bytes.toString('latin1', start, stop)
    if (!isUtf8(bytes.subarray(start, stop))) throw this.malformed('string that is not UTF-8', start)
    return bytes.toString('utf8', start, stop)
  }

  /** End of the length-delimited field that begins here; `at` is its first byte then. */
  enter(): number {
    const length = this.uint32()
    const stop = this.at + length
    if (stop > this.end) throw this.malformed('cut within a message', this.end)
    return stop
  }

  /** Past a field of no interest. */
  skip(wireType: number): void {
    if (wireType === wire.varint) this.uint32()
    else if (wireType === wire.fixed64) this.at += 8
    else if (wireType === wire.bytes) this.at = this.enter()
    else if (wireType === wire.fixed32) this.at += 4
    else throw this.malformed(`wire type ${wireType}`, this.at)
    if (this.at > this.end) throw this.malformed('cut within a field', this.end)
  }

  malformed(what: string, offset: number): PipelineError {
    this.failure = `not a protobuf message: ${what} at byte ${offset}`
    this.signal ??= new PipelineError('malformed', 'not a protobuf message')
    return this.signal
  }

  private large(): number | bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.at >= this.end) throw this.malformed('cut within a number', this.end)
      const byte = this.bytes[this.at++] as number
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return shrink(BigInt.asUintN(64, value))
    }
    throw this.malformed('number of more than 10 bytes', this.at)
  }
}

function shrink(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
