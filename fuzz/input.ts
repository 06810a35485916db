import { mutate } from './mutate.ts'
import { createRandom, mixSeeds, type Random } from './random.ts'

/** Input number `index` of a seed, and the random numbers that its run goes on with. */
export function inputOf(corpus: readonly Buffer[], seed: number, index: number): { body: Buffer; random: Random } {
  const random = createRandom(mixSeeds(seed, index))
  return { body: mutate(corpus, random), random }
}
