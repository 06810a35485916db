/** So many a second, and a burst after a quiet while. */
export interface TokenBucket {
  /** Takes one, or answers false. Times are milliseconds that do not go back. */
  take(now: number): boolean
  has(now: number): boolean
}

export function createTokenBucket(perSecond: number, burst: number): TokenBucket {
  let tokens = burst
  let filledAt = Number.NEGATIVE_INFINITY
  const fill = (now: number) => {
    if (now <= filledAt) return
    tokens = Math.min(burst, tokens + ((now - filledAt) * perSecond) / 1000)
    filledAt = now
  }
  return {
    take(now) {
      fill(now)
      if (tokens < 1) return false
      tokens--
      return true
    },
    has(now) {
      fill(now)
      return tokens >= 1
    },
  }
}
