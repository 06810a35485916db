const firstMs = 50
const mostMs = 5_000

/** How long to wait after the n-th failure in a row (from 1): doubling up to 5 s, with jitter so that many do not come at once. */
export function backOffMs(failures: number): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 20))
  return full * (0.5 + Math.random() / 2)
}
