import type { JsonCursor } from './native-json-cursor.ts'
import { TooWide } from './native-json-cursor.ts'

/**
 * The type that a JSON array is stored as, told by its elements, such that each of them reads back as what it was:
 *
 *   nothing, or only null                      Array(Nullable(String))
 *   bool; string                               Array(Nullable(Bool)); Array(Nullable(String))
 *   integers                                   Array(Nullable(Int64)), or UInt64 with one beyond Int64 and none below 0
 *   numbers, a fraction among them             Array(Nullable(Float64)), if no integer of them is beyond 2^53
 *   objects                                    Array(JSON(…)), with null among them Array(Nullable(JSON(…)))
 *   arrays that agree                          Array(<their type>)
 *   anything else                              Array(Dynamic): each element of its own type
 *
 * Arrays within an array agree when their elements do, taken together. Those that do not make the array around them Dynamic.
 * ClickHouse's own parser finds one type for more of them, and changes values for it: `[true,1]` to `[1,1]`, `[9007199254740993,0.5]`
 * to `[9007199254740992,0.5]`, `[null,[1]]` to `[[],[1]]`.
 */
export interface ArrayShape {
  /** Which kinds occur, as bits. */
  seen: number
  /** The agreed shape of the elements that are arrays. */
  inner: ArrayShape | undefined
}

export const sawNull = 1
const sawBool = 2
const sawInt = 4
const sawNegative = 8
const sawUInt64 = 16
const sawFloat = 32
const sawString = 64
const sawObject = 128
const sawArray = 256
/** Elements that do not agree. */
const sawMixed = 512
/** An integer that a double cannot hold. */
const sawLong = 1024

const integers = sawInt | sawNegative | sawUInt64 | sawLong
const depthMax = 64

export type ElementKind = 'Bool' | 'Int64' | 'UInt64' | 'Float64' | 'String' | 'JSON' | 'Array' | 'Dynamic'

export function elementKind(shape: ArrayShape): ElementKind {
  const seen = shape.seen & ~sawNull
  if (seen === 0 || seen === sawString) return 'String'
  if (seen === sawBool) return 'Bool'
  if (seen === sawObject) return 'JSON'
  // An array that is null could only be an empty one.
  if (seen === sawArray) return shape.seen & sawNull ? 'Dynamic' : 'Array'
  if ((seen & ~(integers | sawFloat)) !== 0) return 'Dynamic'
  if (seen & sawFloat) return seen & sawLong ? 'Dynamic' : 'Float64'
  if ((seen & sawUInt64) === 0) return 'Int64'
  return seen & sawNegative ? 'Dynamic' : 'UInt64'
}

/** Take an array and say what it is made of. */
export function takeArrayShape(cursor: JsonCursor, depth = 0): ArrayShape {
  if (depth > depthMax) throw new TooWide()
  const shape: ArrayShape = { seen: 0, inner: undefined }
  cursor.take(0x5b)
  if (cursor.peek() === 0x5d) {
    cursor.at++
    return shape
  }
  for (;;) {
    const byte = cursor.peek()
    if (byte === 0x22) {
      cursor.skipString()
      shape.seen |= sawString
    } else if (byte === 0x7b) {
      cursor.skipValue()
      shape.seen |= sawObject
    } else if (byte === 0x5b) {
      addArray(shape, takeArrayShape(cursor, depth + 1))
    } else if (byte === 0x74) {
      cursor.skipWord(4)
      shape.seen |= sawBool
    } else if (byte === 0x66) {
      cursor.skipWord(5)
      shape.seen |= sawBool
    } else if (byte === 0x6e) {
      cursor.skipWord(4)
      shape.seen |= sawNull
    } else {
      const kind = cursor.takeNumber()
      if (kind === 'Float64') shape.seen |= sawFloat
      else if (kind === 'UInt64') shape.seen |= sawUInt64 | sawLong
      else shape.seen |= byte === 0x2d ? sawInt | sawNegative : sawInt
      if (kind === 'Int64' && !Number.isSafeInteger(cursor.number)) shape.seen |= sawLong
    }
    const next = cursor.peek()
    cursor.at++
    if (next === 0x5d) return shape
    if (next !== 0x2c) cursor.fail()
  }
}

function addArray(shape: ArrayShape, element: ArrayShape): void {
  shape.seen |= sawArray
  if (shape.inner === undefined) {
    shape.inner = element
    return
  }
  const merged = merge(shape.inner, element)
  if (merged) shape.inner = merged
  else shape.seen |= sawMixed
}

/** Two arrays taken together; undefined when their elements do not agree. */
function merge(a: ArrayShape, b: ArrayShape): ArrayShape | undefined {
  const merged: ArrayShape = { seen: a.seen | b.seen, inner: a.inner ?? b.inner }
  if (a.inner && b.inner) {
    const inner = merge(a.inner, b.inner)
    if (inner) merged.inner = inner
    else merged.seen |= sawMixed
    return merged
  }
  const disagree = elementKind(merged) === 'Dynamic' && elementKind(a) !== 'Dynamic' && elementKind(b) !== 'Dynamic'
  return disagree ? undefined : merged
}
