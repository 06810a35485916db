import { z } from 'zod'
import { apiConfig } from '../api/config.ts'
import { byteSize } from '../core/units.ts'
import { authConfig, projectsConfig } from '../gate/authenticate.ts'
import { dedupConfig } from '../gate/dedup/config.ts'
import { collectorConfig } from '../http/config.ts'
import { embeddedCacheConfig, embeddedStateConfig } from '../kv/embedded/config.ts'
import { postgresStateConfig } from '../kv/postgres/config.ts'
import { redisCacheConfig } from '../kv/redis/config.ts'
import { embeddedLogConfig } from '../log/embedded/config.ts'
import { kafkaLogConfig } from '../log/kafka/config.ts'
import { embeddedStoreConfig, serverStoreConfig } from '../stores/clickhouse/config.ts'
import { workerConfig } from './worker-config.ts'

/** Limits of a user's query; ClickHouse keeps them. */
const queryConfig = z.strictObject({
  /** Long enough for a scan of some hundred million rows on two cores. */
  seconds: z.number().positive().max(3600).default(10),
  memory: byteSize.default(512e6),
  /** Of the answer; more belongs into an export. */
  rows: z.int().positive().default(100_000),
})

const storeDrivers = z.discriminatedUnion('driver', [embeddedStoreConfig, serverStoreConfig])

const logDrivers = z.discriminatedUnion('driver', [embeddedLogConfig, kafkaLogConfig])
const cacheDrivers = z.discriminatedUnion('driver', [embeddedCacheConfig, redisCacheConfig])
const stateDrivers = z.discriminatedUnion('driver', [embeddedStateConfig, postgresStateConfig])

/** The driver need not be written: our own unless a key says otherwise that only one driver has (`known`): a store with a URL is a server. */
function withDriver<S extends z.ZodType>(schema: S, known: Readonly<Record<string, string>>) {
  type Written = Partial<z.input<S>>
  return z
    .preprocess((written: Written): unknown => {
      if (typeof written !== 'object' || written === null || 'driver' in written) return written
      const telling = Object.keys(known).find((key) => key in written)
      return { driver: telling === undefined ? 'embedded' : known[telling], ...written }
    }, schema)
    .prefault({} as Exclude<Written, undefined>)
}

/** All that can be configured: docs/guide/operating.md. Each folder declares its own part. */
export const configSchema = z.strictObject({
  dataDir: z.string().min(1).default('./data'),
  /** Path under which a reverse proxy serves Millrace, e.g. `/events`. */
  basePath: z
    .string()
    .regex(/^(\/[\w.~-]+)*$/, 'expected a path such as /events, without a slash at its end')
    .default(''),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  auth: authConfig.optional(),
  projects: projectsConfig.default({}),
  collector: collectorConfig.prefault({}),
  api: apiConfig.prefault({}),
  worker: workerConfig.prefault({}),
  log: withDriver(logDrivers, { brokers: 'kafka' }),
  cache: withDriver(cacheDrivers, { url: 'redis' }),
  state: withDriver(stateDrivers, { url: 'postgres' }),
  store: withDriver(storeDrivers, { url: 'server' }),
  dedup: dedupConfig.prefault({}),
  query: queryConfig.prefault({}),
})
export type Config = Omit<z.output<typeof configSchema>, 'auth'> & { readonly auth: z.output<typeof authConfig> }
/** What users write: everything has a default. */
export type ConfigInput = z.input<typeof configSchema>
