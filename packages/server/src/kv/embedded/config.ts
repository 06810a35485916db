import { z } from 'zod'

export const embeddedCacheConfig = z.strictObject({
  driver: z.literal('embedded'),
  /** 256 MB: some 2 M limits and claims of 100 bytes; beyond it the entries that end soonest go first. */
  maxBytes: z
    .int()
    .min(1024 * 1024)
    .default(256 * 1024 * 1024),
})
export type EmbeddedCacheConfig = z.output<typeof embeddedCacheConfig>

export const embeddedStateConfig = z.strictObject({ driver: z.literal('embedded') })
export type EmbeddedStateConfig = z.output<typeof embeddedStateConfig>
