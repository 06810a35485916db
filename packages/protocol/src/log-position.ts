/*
 * log position (UInt64) = epoch:8 partition:8 offset:32 index:16        most significant first
 *
 * epoch      of the log, 1 … 255, made with it: a new log never repeats an old one's positions
 * offset     of the record in its partition
 * index      of the event in its record (a record holds at most 10,000)
 *
 * So positions of one partition rise with the log, and a range of records is a range of positions.
 */
export interface LogPosition {
  readonly epoch: number
  readonly partition: number
  readonly offset: number
  readonly index: number
}

const maxPartition = 255
const maxOffset = 2 ** 32 - 1
const maxIndex = 2 ** 16 - 1

export function packLogPosition(position: LogPosition): bigint {
  const { epoch, partition, offset, index } = position
  return (BigInt(high(epoch, partition, offset)) << 32n) | BigInt(low(offset, index))
}

export function unpackLogPosition(packed: bigint): LogPosition {
  if (BigInt.asUintN(64, packed) !== packed)
    throw new RangeError(`log position ${packed} is not an unsigned 64-bit number`)
  const position: LogPosition = {
    epoch: Number(packed >> 56n),
    partition: Number((packed >> 48n) & 0xffn),
    offset: Number((packed >> 16n) & 0xffffffffn),
    index: Number(packed & 0xffffn),
  }
  if (position.epoch === 0) throw new RangeError(`log position ${packed} has epoch 0, expected 1 to 255`)
  return position
}

/** `packLogPosition` without bigints: eight bytes, little-endian as ClickHouse's UInt64, at `at`. */
export function writeLogPosition(
  view: DataView,
  at: number,
  epoch: number,
  partition: number,
  offset: number,
  index: number,
): void {
  view.setUint32(at, low(offset, index), true)
  view.setUint32(at + 4, high(epoch, partition, offset), true)
}

function high(epoch: number, partition: number, offset: number): number {
  within('epoch', epoch, 1, 255)
  within('partition', partition, 0, maxPartition)
  within('offset', offset, 0, maxOffset)
  return ((epoch << 24) | (partition << 16) | (offset >>> 16)) >>> 0
}

function low(offset: number, index: number): number {
  within('index', index, 0, maxIndex)
  return (((offset & 0xffff) << 16) | index) >>> 0
}

function within(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} ${value} of a log position is not a whole number ${least} to ${most}`)
  }
}
