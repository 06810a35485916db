/** Two's complement in two halves; what protobufjs reads 64-bit integers as (a Long has these, and more). */
export interface LongBits {
  readonly low: number
  readonly high: number
  readonly unsigned: boolean
}

/** A 64-bit integer of the generated codec: read as LongBits, written as either. */
export type Int64 = number | LongBits

/** A number as long as it is exact, else a bigint. */
export function exactInteger(value: Int64): number | bigint {
  if (typeof value === 'number') return value
  const low = value.low >>> 0
  const high = value.unsigned ? value.high >>> 0 : value.high
  const number = high * 0x100000000 + low
  return Number.isSafeInteger(number) ? number : (BigInt(high) << 32n) | BigInt(low)
}

/** The other way: what a field of 64 bits takes. Throws RangeError beyond 64 bits. */
export function toInt64(value: bigint, unsigned: boolean): Int64 {
  if ((unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)) !== value) {
    throw new RangeError(`${value} does not fit into 64 bits ${unsigned ? 'without' : 'with'} sign`)
  }
  return { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)), unsigned }
}
