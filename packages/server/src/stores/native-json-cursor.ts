import { PipelineError } from '../core/errors.ts'

/** A block's JSON column cannot go in the flattened form: too wide, too deep, or a path named twice. Not an error of the event. */
export class TooWide extends Error {}

const quote = 0x22
const backslash = 0x5c

/** What a number token turned out to be; its value is in the cursor. */
export type NumberKind = 'Int64' | 'UInt64' | 'Float64'

const int64Max = 2n ** 63n - 1n
const int64Min = -(2n ** 63n)
const uint64Max = 2n ** 64n - 1n

const powers: readonly number[] = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))

/** Reads JSON text where it lies, byte by byte, without making strings or objects of it. */
export class JsonCursor {
  source: Uint8Array = new Uint8Array(0)
  at = 0
  end = 0
  /** Value of the last number, when it is a Float64 or an integer within 2^53. */
  number = 0
  /** Value of the last number, when it is a larger integer. */
  big: bigint | undefined
  /** The last string token holds escapes. */
  escaped = false

  open(source: Uint8Array, start: number, end: number): void {
    this.source = source
    this.at = start
    this.end = end
  }

  fail(): never {
    throw new PipelineError('corrupt', `JSON text of ${this.end} bytes in a record cannot be read at byte ${this.at}`)
  }

  /** The next byte that is not white space, without taking it. */
  peek(): number {
    const { source } = this
    let byte = source[this.at] as number
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = source[++this.at] as number
    if (this.at >= this.end) this.fail()
    return byte
  }

  take(expected: number): void {
    if (this.peek() !== expected) this.fail()
    this.at++
  }

  /** Take a string token, and return where its content ends; it starts behind the quote where the cursor stood. */
  skipString(): number {
    const { source, end } = this
    let at = this.at + 1
    this.escaped = false
    for (;;) {
      if (at >= end) this.fail()
      const byte = source[at] as number
      if (byte === quote) break
      if (byte === backslash) {
        this.escaped = true
        at++
      }
      at++
    }
    this.at = at + 1
    return at
  }

  /** A string token's text, escapes resolved. */
  unescape(start: number, end: number): string {
    const raw = Buffer.from(this.source.buffer, this.source.byteOffset + start, end - start).toString('utf8')
    if (!this.escaped) return raw
    try {
      return JSON.parse(`"${raw}"`) as string
    } catch {
      return this.fail()
    }
  }

  skipWord(length: number): void {
    this.at += length
    if (this.at > this.end) this.fail()
  }

  skipValue(): void {
    const first = this.peek()
    if (first === quote) {
      this.skipString()
      return
    }
    if (first === 0x7b || first === 0x5b) {
      let depth = 0
      do {
        const byte = this.peek()
        if (byte === quote) this.skipString()
        else {
          if (byte === 0x7b || byte === 0x5b) depth++
          else if (byte === 0x7d || byte === 0x5d) depth--
          this.at++
        }
      } while (depth > 0)
      return
    }
    while (this.at < this.end && !endsToken(this.source[this.at] as number)) this.at++
  }

  /**
   * Take a number. As ClickHouse reads them: no fraction and no exponent is an Int64, beyond it a UInt64; all else a Float64.
   * Integers beyond 64 bits are Float64 here (ClickHouse's parser refuses them).
   */
  takeNumber(): NumberKind {
    const { source, end } = this
    const start = this.at
    const negative = source[start] === 0x2d
    let at = negative ? start + 1 : start
    let mantissa = 0
    let digits = 0
    let scale = 0
    let byte = at < end ? (source[at] as number) : 0
    while (byte >= 0x30 && byte <= 0x39) {
      mantissa = mantissa * 10 + (byte - 0x30)
      digits++
      byte = ++at < end ? (source[at] as number) : 0
    }
    if (digits === 0) this.fail()
    if (byte !== 0x2e && byte !== 0x65 && byte !== 0x45) {
      this.at = at
      if (digits <= 15) {
        this.number = negative && mantissa > 0 ? -mantissa : mantissa
        this.big = undefined
        return 'Int64'
      }
      return this.#largeInteger(start, at)
    }
    if (byte === 0x2e) {
      byte = ++at < end ? (source[at] as number) : 0
      while (byte >= 0x30 && byte <= 0x39) {
        mantissa = mantissa * 10 + (byte - 0x30)
        digits++
        scale++
        byte = ++at < end ? (source[at] as number) : 0
      }
    }
    this.big = undefined
    // With at most 15 digits, both mantissa and power of ten are exact, so one division rounds correctly.
    if (byte !== 0x65 && byte !== 0x45 && digits <= 15 && scale <= 22) {
      const value = mantissa / (powers[scale] as number)
      this.number = negative ? -value : value
    } else {
      while (at < end && !endsToken(source[at] as number)) at++
      this.number = Number(this.#ascii(start, at))
      if (Number.isNaN(this.number)) this.fail()
    }
    this.at = at
    return 'Float64'
  }

  #largeInteger(start: number, end: number): NumberKind {
    const digits = this.#ascii(start, end)
    const value = BigInt(digits)
    this.number = Number(digits)
    this.big = value
    if (value >= int64Min && value <= int64Max) return 'Int64'
    if (value > 0n && value <= uint64Max) return 'UInt64'
    this.big = undefined
    return 'Float64'
  }

  #ascii(start: number, end: number): string {
    return Buffer.from(this.source.buffer, this.source.byteOffset + start, end - start).toString('latin1')
  }
}

function endsToken(byte: number): boolean {
  return (
    byte === 0x2c || byte === 0x7d || byte === 0x5d || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
  )
}
