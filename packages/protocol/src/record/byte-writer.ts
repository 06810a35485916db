/** Buffer's own UTF-8 writer, without the argument checks of `write`; lone surrogates become U+FFFD. */
type FastBuffer = Buffer & { utf8Write(text: string, offset: number): number }

/** Strings up to here are written in JavaScript as long as they are ASCII: 30 ns where a call into C++ takes 40, but 2 ns more per character. */
const shortString = 16

/**
 * A growing buffer with protobuf's primitives. Reuse one for many records: it keeps its memory, `take` copies out.
 * Varints are always minimal, so the bytes are the ones that any protobuf library would write.
 */
export class ByteWriter {
  buffer: FastBuffer
  view: DataView
  position = 0

  constructor(capacity = 16_384) {
    this.buffer = Buffer.allocUnsafeSlow(capacity) as FastBuffer
    this.view = new DataView(this.buffer.buffer, this.buffer.byteOffset, this.buffer.byteLength)
  }

  /** Make room for `bytes` more. */
  ensure(bytes: number): void {
    if (this.position + bytes > this.buffer.length) this.#grow(bytes)
  }

  #grow(bytes: number): void {
    const next = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.position + bytes)) as FastBuffer
    next.set(this.buffer.subarray(0, this.position))
    this.buffer = next
    this.view = new DataView(next.buffer, next.byteOffset, next.byteLength)
  }

  /** Unsigned 32-bit varint. */
  varint32(value: number): void {
    this.ensure(5)
    const { buffer } = this
    let rest = value
    while (rest > 127) {
      buffer[this.position++] = (rest & 127) | 128
      rest >>>= 7
    }
    buffer[this.position++] = rest
  }

  /** Varint of an integer 0 … 2^53 - 1. */
  varint53(value: number): void {
    this.ensure(10)
    const { buffer } = this
    let rest = value
    while (rest > 0x7fffffff) {
      buffer[this.position++] = (rest & 127) | 128
      rest = Math.floor(rest / 128)
    }
    this.varint32(rest)
  }

  /** Zigzag varint (sint64) of an integer within ±2^52. */
  zigzag(value: number): void {
    this.varint53(value < 0 ? -2 * value - 1 : 2 * value)
  }

  double(value: number): void {
    this.ensure(8)
    this.view.setFloat64(this.position, value, true)
    this.position += 8
  }

  fixed64(value: bigint): void {
    this.ensure(8)
    this.view.setBigInt64(this.position, value, true)
    this.position += 8
  }

  /** Length and UTF-8 bytes. */
  string(text: string): void {
    this.ensure(text.length * 3 + 10)
    this.#string(text, this.position)
  }

  /** A field's tag (below 2^14) and string: the commonest field by far, with one check for room. */
  taggedString(tag: number, text: string): void {
    this.ensure(text.length * 3 + 12)
    const { buffer } = this
    let at = this.position
    if (tag > 127) {
      buffer[at++] = (tag & 127) | 128
      buffer[at++] = tag >>> 7
    } else buffer[at++] = tag
    this.#string(text, at)
  }

  #string(text: string, start: number): void {
    const { buffer } = this
    const { length } = text
    if (length <= shortString) {
      let i = 0
      for (let at = start + 1; i < length; i++) {
        const code = text.charCodeAt(i)
        if (code > 127) break
        buffer[at++] = code
      }
      if (i === length) {
        buffer[start] = length
        this.position = start + 1 + length
        return
      }
    }
    // The length stands before the bytes: guess its size as if all were ASCII, and move the bytes when that was wrong.
    const guess = varintSize(length)
    const written = buffer.utf8Write(text, start + guess)
    this.#closeLength(start, guess, written)
  }

  bytes(bytes: Uint8Array): void {
    this.varint32(bytes.length)
    this.ensure(bytes.length)
    this.buffer.set(bytes, this.position)
    this.position += bytes.length
  }

  /** Begin a nested message; returns the place to hand to `close`. */
  open(): number {
    this.ensure(2)
    const start = this.position
    this.position += 2
    return start
  }

  /** End the nested message that began at `start`: put its length before it. */
  close(start: number): void {
    this.ensure(3)
    this.#closeLength(start, 2, this.position - start - 2)
  }

  #closeLength(start: number, reserved: number, length: number): void {
    const size = varintSize(length)
    if (size !== reserved) this.buffer.copyWithin(start + size, start + reserved, start + reserved + length)
    this.position = start
    this.varint32(length)
    this.position += length
  }

  reset(): void {
    this.position = 0
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    const copy = Buffer.allocUnsafeSlow(this.position)
    copy.set(this.buffer.subarray(0, this.position))
    return copy
  }
}

function varintSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x200000) return 3
  return value < 0x10000000 ? 4 : 5
}
