import { z } from 'zod'

/** What a worker can do. Each name is that of the job's consumer group, so it never changes. */
export const jobNames = ['load'] as const
export type JobName = (typeof jobNames)[number]

/** Of `millrace worker`; under `millrace start` the worker has all jobs, and the API's listener speaks for it. */
export const workerConfig = z.strictObject({
  /** Where probes, metrics and the status of the jobs are; no events, no questions. */
  host: z.string().min(1).default('127.0.0.1'),
  port: z.union([z.int().min(0).max(65_535), z.literal(false)]).default(8090),
  /** `load` or several with commas. A worker without a job only keeps the tables' schema up to date. */
  jobs: z.preprocess(
    (written) => (typeof written === 'string' ? written.split(',').map((name) => name.trim()) : written),
    z.array(z.enum(jobNames)).default([...jobNames]),
  ),
})
