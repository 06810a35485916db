import { RecordError } from './record-error.ts'

/** A cursor over protobuf bytes. Every read is checked against the end: bytes that lie about a length are 'corrupt'. */
export class ByteReader {
  readonly buffer: Buffer
  readonly view: DataView
  position: number
  readonly end: number

  constructor(bytes: Uint8Array, position = 0) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = position
    this.end = bytes.length
  }

  /** Varint up to 2^53 - 1; a larger one cannot come from our writer. */
  varint(): number {
    const { buffer } = this
    let at = this.position
    let byte = buffer[at++]
    if (byte !== undefined && byte < 128) {
      this.position = at
      return byte
    }
    let result = 0
    let factor = 1
    for (let i = 0; i < 8; i++) {
      if (byte === undefined) throw truncated(this.end)
      result += (byte & 127) * factor
      if (byte < 128) {
        if (!Number.isSafeInteger(result)) break
        this.position = at
        return result
      }
      factor *= 128
      byte = buffer[at++]
    }
    throw new RecordError('corrupt', `varint at byte ${this.position} is beyond 2^53`)
  }

  zigzag(): number {
    const value = this.varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  double(): number {
    return this.view.getFloat64(this.skipFixed(8), true)
  }

  fixed64(): bigint {
    return this.view.getBigInt64(this.skipFixed(8), true)
  }

  /** Step over `size` bytes; returns where they start. */
  skipFixed(size: number): number {
    const start = this.position
    if (start + size > this.end) throw truncated(this.end)
    this.position = start + size
    return start
  }

  /** Step over a length-delimited field; returns where its bytes start, they end at `position`. */
  delimited(): number {
    const length = this.varint()
    return this.skipFixed(length)
  }

  string(): string {
    const start = this.delimited()
    return this.buffer.toString('utf8', start, this.position)
  }

  /** A copy, so that keeping a field does not keep the record. */
  bytes(): Uint8Array {
    const start = this.delimited()
    return new Uint8Array(this.buffer.subarray(start, this.position))
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint()
    else if (wireType === 1) this.skipFixed(8)
    else if (wireType === 2) this.delimited()
    else if (wireType === 5) this.skipFixed(4)
    else throw new RecordError('corrupt', `wire type ${wireType} before byte ${this.position} does not exist`)
  }
}

function truncated(end: number): RecordError {
  return new RecordError('corrupt', `field reaches beyond the end at byte ${end}`)
}
