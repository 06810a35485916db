/**
 * Deepest nesting of arrays and objects that a body may have, its own wrapping included: what recursion bears with ease. An event may have
 * far less (gate/limits.ts), and one that has more is quarantined alone, without its neighbours.
 */
export const maxJsonDepth = 1000

/** What `scanJson` found; several may be set. */
export const jsonFlags = {
  /** A number with an exponent, or one of 300 digits: maybe beyond the largest double. */
  hugeNumber: 1,
  /** An escape `\ud8xx` … `\udfxx`: maybe a lone half of a surrogate pair. */
  surrogateEscape: 2,
} as const

const quote = 0x22
const backslash = 0x5c
/** The count behind a decimal point: however many digits follow, they make no integer. Times of browsers have 14 to 17. */
const inFraction = -(2 ** 30)

/**
 * One pass over the bytes before `JSON.parse` sees them, which finds all that needs the slow path afterwards. It checks depth
 * and nothing else of the syntax, keeps one counter instead of a stack, and so cannot be exhausted by any input.
 * Returns `jsonFlags`, or `~offset` (below 0) of the first bracket that is nested too deep. `longNumbers` gets the
 * offset of each run of 16 or more digits outside strings and before a decimal point: maybe an integer that a double cannot hold.
 */
export function scanJson(bytes: Uint8Array, longNumbers: number[]): number {
  const length = bytes.length
  let flags = 0
  let depth = 0
  let digits = 0
  let at = 0
  while (at < length) {
    const byte = bytes[at] as number
    at++
    if (byte === quote) {
      digits = 0
      while (at < length) {
        const inside = bytes[at] as number
        at++
        // Most letters are beyond both: one comparison for them.
        if (inside > backslash) continue
        if (inside === quote) break
        if (inside === backslash) {
          if (bytes[at] === 0x75 && isSurrogateEscape(bytes, at + 1)) flags |= jsonFlags.surrogateEscape
          at++
        }
      }
    } else if (byte >= 0x30 && byte <= 0x39) {
      digits++
      if (digits === 16) {
        longNumbers.push(at - 16)
      } else if (digits === 300) flags |= jsonFlags.hugeNumber
    } else {
      if (byte === 0x7b || byte === 0x5b) {
        depth++
        if (depth > maxJsonDepth) return ~(at - 1)
      } else if (byte === 0x7d || byte === 0x5d) {
        depth--
      } else if (digits !== 0 && (byte | 0x20) === 0x65) {
        flags |= jsonFlags.hugeNumber
      }
      digits = byte === 0x2e && digits > 0 ? inFraction : 0
    }
  }
  return flags
}

/** Four hex digits from `at` on that begin with d8 … df. */
function isSurrogateEscape(bytes: Uint8Array, at: number): boolean {
  if (((bytes[at] ?? 0) | 0x20) !== 0x64) return false
  const second = bytes[at + 1] ?? 0
  return second === 0x38 || second === 0x39 || ((second | 0x20) >= 0x61 && (second | 0x20) <= 0x66)
}
