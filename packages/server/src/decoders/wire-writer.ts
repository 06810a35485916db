import { wire } from './wire.ts'

/** Writes the few forms of protobuf that the JSON mapping needs (grammar: wire.ts). Not for hot ways. */
export class WireWriter {
  readonly #chunks: Uint8Array[] = []

  /** Signed integers in two's complement of 64 bits. */
  varint(field: number, value: bigint): void {
    this.#chunks.push(varintBytes(BigInt((field << 3) | wire.varint)), varintBytes(BigInt.asUintN(64, value)))
  }

  double(field: number, value: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleLE(value)
    this.#chunks.push(varintBytes(BigInt((field << 3) | wire.fixed64)), bytes)
  }

  string(field: number, value: string): void {
    this.bytes(field, Buffer.from(value, 'utf8'))
  }

  bytes(field: number, value: Uint8Array): void {
    this.#chunks.push(varintBytes(BigInt((field << 3) | wire.bytes)), varintBytes(BigInt(value.length)), value)
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#chunks)
  }
}

function varintBytes(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}
