import { z } from 'zod'
import { httpLimits, tlsConfig } from '../http/config.ts'

export const apiConfig = z.strictObject({
  /** Loopback: with `auth: open`, whoever reaches this port may ask. */
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(8089),
  tls: tlsConfig.optional(),
  limits: httpLimits.prefault({}),
})
export type ApiConfig = z.output<typeof apiConfig>
