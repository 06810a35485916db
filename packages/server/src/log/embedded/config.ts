import { z } from 'zod'
import { byteSize } from '../../core/units.ts'
import { maxPartitions } from './keys.ts'

export const embeddedLogConfig = z.strictObject({
  driver: z.literal('embedded'),
  /** Of the topic `events`; one per worker process at most makes sense. Fixed when the log is made. */
  partitions: z.int().min(1).max(maxPartitions).default(1),
  retention: z
    .strictObject({
      /** A week: time to notice and mend a store that stands still, and to load anew what a mistake deleted there. */
      hours: z.number().positive().default(168),
      /** Beyond it the oldest go early, and what is not loaded makes the collector refuse. */
      bytes: byteSize.default(10e9),
    })
    .prefault({}),
  /** Of the disk; below it the collector refuses, for a full disk stops more than the log. */
  minFreeBytes: byteSize.default(1e9),
})
export type EmbeddedLogConfig = z.output<typeof embeddedLogConfig>
