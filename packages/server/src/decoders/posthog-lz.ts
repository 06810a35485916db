/**
 * lz-string, as `compression=lz64` of old browser libraries. Written here because the library has no bound on what comes out, and a
 * few kilobytes of it may stand for gigabytes.
 *
 *   text    = base64 digits, 6 bits each, of a bit stream; a number's lowest bit comes first
 *   stream  = { code }, each as wide as the dictionary needs: 2 bits at first, one more whenever it is full
 *   code    = 0: 8 bits of a new character | 1: 16 bits of one | 2: the end | else an entry of the dictionary
 *   entry n = what was written before + the first character of what is written now
 */

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const endCode = 2

/** `too large`: more than `maxLength` characters come out. Undefined: it is no such text. */
export function inflateLz64(text: string, maxLength: number): string | 'too large' | undefined {
  const bits = readBits(text)
  const entries: string[] = ['', '', '']
  const first = readCharacter(bits, bits.take(2))
  if (typeof first !== 'string') return first === endCode ? '' : undefined
  entries.push(first)
  const parts = [first]
  let length = first.length
  let before = first
  let width = 3
  // Codes left before the dictionary is full at this width.
  let room = 4
  for (;;) {
    if (bits.isOver()) return undefined
    let code = bits.take(width)
    if (code === endCode) return parts.join('')
    if (code < endCode) {
      const character = readCharacter(bits, code)
      if (typeof character !== 'string') return undefined
      code = entries.push(character) - 1
      if (--room === 0) room = 2 ** width++
    }
    const known = entries[code]
    if (known === undefined && code !== entries.length) return undefined
    const entry = known ?? before + before.charAt(0)
    length += entry.length
    if (length > maxLength) return 'too large'
    parts.push(entry)
    entries.push(before + entry.charAt(0))
    before = entry
    if (--room === 0) room = 2 ** width++
  }
}

interface Bits {
  take(count: number): number
  /** More was taken than there is. */
  isOver(): boolean
}

/** Value of each base64 digit; 0 for all that is none: `=` fills up the text, and the rest ends in a wrong code. */
const values = Uint8Array.from({ length: 256 }, (_, code) => Math.max(0, digits.indexOf(String.fromCharCode(code))))

function readBits(text: string): Bits {
  let at = 0
  let value = 0
  let left = 0
  return {
    take(count) {
      let result = 0
      for (let bit = 0; bit < count; bit++) {
        if (left === 0) {
          value = values[text.charCodeAt(at++) & 0xff] as number
          left = 6
        }
        left--
        result |= ((value >> left) & 1) << bit
      }
      return result
    },
    isOver: () => at > text.length,
  }
}

/** The character that follows codes 0 and 1; every other code as it is. */
function readCharacter(bits: Bits, code: number): string | number {
  if (code > 1) return code
  return String.fromCharCode(bits.take(code === 0 ? 8 : 16))
}
