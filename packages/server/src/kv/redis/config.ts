import { z } from 'zod'

export const redisCacheConfig = z.strictObject({
  driver: z.literal('redis'),
  /** `redis://[user:password@]host:port[/database]`, `rediss://` with TLS. */
  url: z
    .string()
    .regex(/^rediss?:\/\/[^/\s]+(\/\d*)?$/, 'expected redis://host:port or rediss://user:password@host:port'),
  /** Before every key: several Millraces may share one Redis. */
  prefix: z.string().max(100).default('millrace:'),
})
export type RedisCacheConfig = z.output<typeof redisCacheConfig>
