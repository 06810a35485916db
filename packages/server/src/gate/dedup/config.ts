import { z } from 'zod'
import { byteSize, duration } from '../../core/units.ts'

const hour = 3_600_000

/** What users write under `dedup`. */
export const dedupConfig = z
  .strictObject({
    /** 31 days: the greatest age of an event that is let in, and its stay in quarantine. */
    window: duration.default(31 * 24 * hour),
    /** 4 GB of disk: some 220 M ids, which take 350 MB of memory. Beyond it the window becomes shorter, never below 24 h. */
    maxBytes: byteSize.default(4e9),
  })
  .refine(({ window }) => window >= 60_000, { path: ['window'], message: 'expected 1m or more' })
  .refine(({ maxBytes }) => maxBytes >= 1e6, { path: ['maxBytes'], message: 'expected 1 MB or more' })
