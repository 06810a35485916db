/**
 * Integers of JSON text that a double cannot hold. JSON.parse's reviver would do it, at a microsecond for every value of
 * the body: one long number in 20 MB would stop the collector for ten seconds. So the text gets marks, is parsed plainly, and
 * the marks are found by a walk, at some ten nanoseconds per value:
 *
 *   9007199254740993  →  "\ud8009007199254740993"
 *
 * A string of a body never begins so: half a surrogate pair is neither in UTF-8 nor left over from escapes (json.ts). It is written as
 * an escape, with which ASCII text stays ASCII, and is parsed in half the time.
 */
const mark = 0xd800
const opening = '"\\ud800'

/**
 * Marks those of the numbers at `starts` (offsets of their first digits, ascending) that are long integers. What is not JSON before
 * is not JSON afterwards.
 */
export function markLongIntegers(text: string, starts: readonly number[]): string {
  let result = ''
  let copied = 0
  for (const firstDigit of starts) {
    const start = text.charCodeAt(firstDigit - 1) === 0x2d ? firstDigit - 1 : firstDigit
    const end = skipDigits(text, firstDigit)
    if (!isLongInteger(text, start, end)) continue
    result += text.slice(copied, start) + opening + text.slice(start, end) + '"'
    copied = end
  }
  return result + text.slice(copied)
}

/** Offsets within UTF-8 bytes, ascending, as offsets within the text that they decode to. */
export function toTextOffsets(bytes: Uint8Array, offsets: readonly number[]): number[] {
  const found: number[] = []
  let text = 0
  let at = 0
  for (const offset of offsets) {
    for (; at < offset; at++) {
      const byte = bytes[at] as number
      // A character is one unit, whose other bytes count nothing; one of four bytes is a surrogate pair.
      if ((byte & 0xc0) !== 0x80) text += byte >= 0xf0 ? 2 : 1
    }
    found.push(text)
  }
  return found
}

/** Marks become bigint, in place; JSON's depth limit bounds the recursion. */
export function takeMarks(value: unknown): unknown {
  if (typeof value === 'string') return isMarked(value) ? BigInt(value.slice(1)) : value
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index]
      if (typeof item === 'string' ? isMarked(item) : typeof item === 'object') value[index] = takeMarks(item)
    }
  } else if (typeof value === 'object' && value !== null) {
    const object = value as Record<string, unknown>
    for (const key in object) {
      const item = object[key]
      if (typeof item === 'string' ? isMarked(item) : typeof item === 'object') object[key] = takeMarks(item)
    }
  }
  return value
}

/** A whole pair may begin with the same half (U+10000): what follows the mark is a digit or a minus. */
function isMarked(text: string): boolean {
  return text.charCodeAt(0) === mark && text.charCodeAt(1) < 0x80
}

function skipDigits(text: string, start: number): number {
  let at = start
  while (isDigit(text.charCodeAt(at))) at++
  return at
}

/** Beyond 64 bits they fit no column, but what was refused must be told apart from its neighbours. Longer ones are doubles. */
const maxLength = 100

/** Keys (a number before a colon) are no JSON and stay so; parts of a fraction or of an exponent are no integers. */
function isLongInteger(text: string, start: number, end: number): boolean {
  const length = end - start
  if (length < 16 || length > maxLength) return false
  const first = text.charCodeAt(start) === 0x2d ? start + 1 : start
  const leading = text.charCodeAt(first)
  if (leading === 0x30) return false
  if (isOfNumber(text.charCodeAt(start - 1)) || isOfNumber(text.charCodeAt(end))) return false
  if (end - first === 16 && (leading < 0x39 || Number.isSafeInteger(Number(text.slice(first, end))))) return false
  let next = end
  while (text.charCodeAt(next) <= 0x20) next++
  return text.charCodeAt(next) !== 0x3a
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isOfNumber(code: number): boolean {
  return isDigit(code) || code === 0x2e || code === 0x2b || code === 0x2d || (code | 0x20) === 0x65
}
