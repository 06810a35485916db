/**
 * Integers of JSON text that a double cannot hold. JSON.parse's reviver would do it, at a microsecond for every value of
 * the body: one long number in 20 MB would stop the collector for ten seconds. So the text gets marks, is parsed plainly, and
 * the marks are found by a walk, at some ten nanoseconds per value:
 *
 *   9007199254740993  →  "\ud800" "9007199254740993" as one string  →  9007199254740993n
 *
 * A string of a body never begins so: half a surrogate pair is neither in UTF-8 nor left over from escapes (json.ts).
 */
const mark = 0xd800

/** Replaces each long integer by its mark. What is not JSON before is not JSON afterwards. */
export function markLongIntegers(text: string): string {
  let result = ''
  let copied = 0
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === 0x22) at = skipString(text, at)
    else if (code === 0x2d || isDigit(code)) {
      const end = skipNumber(text, at)
      if (isLongInteger(text, at, end)) {
        result += `${text.slice(copied, at)}"${String.fromCharCode(mark)}${text.slice(at, end)}"`
        copied = end
      }
      at = end
    } else at++
  }
  return result + text.slice(copied)
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

function skipString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    at += code === 0x5c ? 2 : 1
  }
  return at
}

function skipNumber(text: string, start: number): number {
  let at = start + 1
  while (at < text.length) {
    const code = text.charCodeAt(at)
    // Whatever may belong to a number, so that no part of a fraction or an exponent is taken for an integer.
    if (!isDigit(code) && code !== 0x2e && code !== 0x2b && code !== 0x2d && (code | 0x20) !== 0x65) break
    at++
  }
  return at
}

/** Beyond 64 bits they fit no column, but what was refused must be told apart from its neighbours. Longer ones are doubles. */
const maxLength = 100

/** Keys (a number before a colon) are no JSON and stay so. */
function isLongInteger(text: string, start: number, end: number): boolean {
  const length = end - start
  if (length < 16 || length > maxLength) return false
  const first = text.charCodeAt(start) === 0x2d ? start + 1 : start
  if (text.charCodeAt(first) === 0x30) return false
  for (let at = first; at < end; at++) if (!isDigit(text.charCodeAt(at))) return false
  if (Number.isSafeInteger(Number(text.slice(start, end)))) return false
  let next = end
  while (text.charCodeAt(next) <= 0x20) next++
  return text.charCodeAt(next) !== 0x3a
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}
