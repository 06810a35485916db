/** Pseudo-random numbers of a seed (mulberry32): small, fast, the same everywhere. */
export interface Random {
  /** 0 up to but not including `limit`. */
  below(limit: number): number
  pick<T>(list: readonly T[]): T
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (limit: number) => (limit <= 1 ? 0 : next() % limit)
  return { below, pick: (list) => list[below(list.length)] as (typeof list)[number] }
}

/** One seed of several numbers, so that each input of a run can be made without those before it. */
export function mixSeeds(...seeds: readonly number[]): number {
  let mixed = 0x811c9dc5
  for (const seed of seeds) {
    mixed = Math.imul(mixed ^ (seed >>> 0), 0x01000193)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0x5bd1e995)
    mixed ^= mixed >>> 15
  }
  return mixed >>> 0
}
