/** Buffer's own writers, without the argument checks of `write`. */
type FastBuffer = Buffer & {
  latin1Write(text: string, offset: number): number
  utf8Write(text: string, offset: number): number
}

const quote = 0x22
const backslash = 0x5c
const hex = '0123456789abcdef'
/** \b \t \n \f \r by their code; the other control characters are \u00xx. */
const short: Readonly<Record<number, number>> = { 8: 0x62, 9: 0x74, 10: 0x6e, 12: 0x66, 13: 0x72 }
/** Up to here bytes are copied one by one: a call into C++ costs as much. */
const fewBytes = 40

/**
 * JSON as bytes, written into one kept buffer. Text that is UTF-8 already (as in a record) is copied, never made a string: an event
 * of 20 columns costs a tenth of JSON.stringify and back.
 */
export class JsonBytes {
  #buffer = Buffer.allocUnsafeSlow(64 * 1024) as FastBuffer
  #end = 0

  /** Keys, numbers, times: characters below U+0100 that need no escape. */
  ascii(text: string): void {
    this.#ensure(text.length)
    this.#end += this.#buffer.latin1Write(text, this.#end)
  }

  /** JSON text as it is. */
  raw(bytes: Buffer, start: number, end: number): void {
    this.#ensure(end - start)
    if (end - start > fewBytes) bytes.copy(this.#buffer, this.#end, start, end)
    else for (let from = start, to = this.#end; from < end; ) this.#buffer[to++] = bytes[from++] as number
    this.#end += end - start
  }

  /** UTF-8 as a JSON string, with its quotes; escapes as JSON.stringify has them. */
  quoted(bytes: Buffer, start: number, end: number): void {
    this.#ensure((end - start) * 6 + 2)
    const buffer = this.#buffer
    let to = this.#end
    buffer[to++] = quote
    for (let from = start; from < end; from++) {
      const byte = bytes[from] as number
      if (byte >= 0x20 && byte !== quote && byte !== backslash) {
        buffer[to++] = byte
        continue
      }
      buffer[to++] = backslash
      if (byte === quote || byte === backslash) buffer[to++] = byte
      else if (short[byte] !== undefined) buffer[to++] = short[byte]
      else {
        buffer[to++] = 0x75
        buffer[to++] = 0x30
        buffer[to++] = 0x30
        buffer[to++] = hex.charCodeAt(byte >> 4)
        buffer[to++] = hex.charCodeAt(byte & 15)
      }
    }
    buffer[to++] = quote
    this.#end = to
  }

  /** Any text, as it is. */
  text(text: string): void {
    this.#ensure(text.length * 3)
    this.#end += this.#buffer.utf8Write(text, this.#end)
  }

  /** A copy of what was written; the next begins anew. */
  take(): Buffer {
    const copy = Buffer.allocUnsafe(this.#end)
    this.#buffer.copy(copy, 0, 0, this.#end)
    this.#end = 0
    return copy
  }

  /** Forgets what was written. */
  reset(): void {
    this.#end = 0
  }

  #ensure(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return
    const next = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#end + bytes)) as FastBuffer
    this.#buffer.copy(next, 0, 0, this.#end)
    this.#buffer = next
  }
}
