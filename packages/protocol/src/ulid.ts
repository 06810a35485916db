import { randomFillSync } from 'node:crypto'

/*
 * ulid = time:48 random:80, in Crockford's base 32: 10 + 16 characters. Sorts by time.
 */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const maxTime = 2 ** 48 - 1

export interface UlidOptions {
  /** Unix ms. */
  readonly now?: () => number
  /** Fills the bytes with randomness. */
  readonly random?: (bytes: Uint8Array) => void
}

/**
 * A maker of ULIDs, each greater than the one before: within one millisecond, or when the clock goes back, the random part counts
 * up; when that overflows the time does.
 */
export function createUlid(options: UlidOptions = {}): () => string {
  const now = options.now ?? Date.now
  const random = options.random ?? randomFromStock()
  const bytes = new Uint8Array(10)
  /** The 80 random bits as 16 digits of 5. */
  const digits = new Uint8Array(16)
  let lastTime = Number.NEGATIVE_INFINITY
  let timeText = ''

  function renew(time: number): void {
    if (!Number.isInteger(time) || time < 0 || time > maxTime)
      throw new RangeError(`time ${time} does not fit into a ULID`)
    lastTime = time
    timeText = ''
    let rest = time
    for (let i = 0; i < 10; i++) {
      timeText = alphabet.charAt(rest % 32) + timeText
      rest = Math.floor(rest / 32)
    }
    random(bytes)
    for (let i = 0; i < 16; i++) {
      const bit = i * 5
      const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0)
      digits[i] = (pair >> (11 - (bit & 7))) & 31
    }
  }

  function countUp(): void {
    for (let i = 15; i >= 0; i--) {
      const digit = (digits[i] as number) + 1
      digits[i] = digit & 31
      if (digit < 32) return
    }
    renew(lastTime + 1)
  }

  return () => {
    const time = Math.floor(now())
    // Also with NaN, which `renew` refuses.
    if (time <= lastTime) countUp()
    else renew(time)
    let text = timeText
    for (let i = 0; i < 16; i++) text += alphabet.charAt(digits[i] as number)
    return text
  }
}

/** Randomness for a hundred ids at a time: a call for ten bytes costs 4 µs, as much as one for a thousand. */
function randomFromStock(): (bytes: Uint8Array) => void {
  const stock = new Uint8Array(1000)
  let used = stock.length
  return (bytes) => {
    if (used + bytes.length > stock.length) {
      randomFillSync(stock)
      used = 0
    }
    bytes.set(stock.subarray(used, used + bytes.length))
    used += bytes.length
  }
}
