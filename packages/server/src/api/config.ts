import { z } from 'zod'
import { httpLimits, tlsConfig } from '../http/config.ts'
import { liveConfig } from './live/config.ts'

export const apiConfig = z.strictObject({
  /** Loopback: with `auth: open`, whoever reaches this port may ask. */
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(8089),
  tls: tlsConfig.optional(),
  /** Where the collector is for `/broadcast`, the status and the docs: where it runs elsewhere, or its certificate names another host. */
  collectorUrl: z
    .url({ protocol: /^https?$/, error: 'expected an address such as https://events.example.com' })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  /** Room for every stream of `live` and for questions beside them. */
  limits: httpLimits.extend({ maxConnections: z.int().positive().default(12_000) }).prefault({}),
  live: liveConfig.prefault({}),
})
export type ApiConfig = z.output<typeof apiConfig>
