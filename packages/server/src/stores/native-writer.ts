const firstCapacity = 512
/** Up to this length a byte loop beats the call into a native copy. */
const loopCopyMax = 40

/**
 * A growing run of bytes in ClickHouse's binary forms: little-endian numbers, `varint` lengths, `String` = varint length + bytes.
 * Unchecked on purpose: it is the innermost loop of `load`. Callers `reserve` before they touch `bytes` themselves.
 */
export class NativeWriter {
  bytes: Buffer
  view: DataView
  length = 0

  constructor(capacity: number = firstCapacity) {
    this.bytes = Buffer.allocUnsafeSlow(capacity)
    this.view = new DataView(this.bytes.buffer)
  }

  reserve(extra: number): void {
    const needed = this.length + extra
    if (needed <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
    this.view = new DataView(grown.buffer)
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1)
    this.bytes[this.length++] = value
  }

  zeros(count: number): void {
    this.reserve(count)
    this.bytes.fill(0, this.length, this.length + count)
    this.length += count
  }

  fill(value: number, count: number): void {
    this.reserve(count)
    this.bytes.fill(value, this.length, this.length + count)
    this.length += count
  }

  varint(value: number): void {
    this.reserve(10)
    while (value >= 0x80) {
      this.bytes[this.length++] = (value % 0x80) | 0x80
      value = Math.floor(value / 0x80)
    }
    this.bytes[this.length++] = value
  }

  u32(value: number): void {
    this.reserve(4)
    this.view.setUint32(this.length, value, true)
    this.length += 4
  }

  u64(value: bigint): void {
    this.reserve(8)
    this.view.setBigUint64(this.length, value, true)
    this.length += 8
  }

  /** A safe integer of either sign as Int64 (of no sign: as UInt64). */
  i64(value: number): void {
    this.reserve(8)
    const high = Math.floor(value / 0x1_0000_0000)
    this.view.setUint32(this.length, value - high * 0x1_0000_0000, true)
    this.view.setInt32(this.length + 4, high, true)
    this.length += 8
  }

  f64(value: number): void {
    this.reserve(8)
    this.view.setFloat64(this.length, value, true)
    this.length += 8
  }

  copy(source: Uint8Array, start: number, end: number): void {
    const count = end - start
    this.reserve(count)
    const { bytes } = this
    let at = this.length
    if (count <= loopCopyMax) for (let i = start; i < end; i++) bytes[at++] = source[i] as number
    else bytes.set(source.subarray(start, end), at)
    this.length += count
  }

  /** `String` from raw UTF-8. */
  string(source: Uint8Array, start: number, end: number): void {
    const count = end - start
    if (count < 0x80) this.byte(count)
    else this.varint(count)
    this.copy(source, start, end)
  }

  /** `String` from a JavaScript string; a lone surrogate becomes U+FFFD. */
  text(value: string): void {
    const count = Buffer.byteLength(value)
    this.varint(count)
    this.reserve(count)
    this.length += this.bytes.write(value, this.length, 'utf8')
  }

  /** What was written; a view, valid until the next write. */
  done(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}
