import { z } from 'zod'
import { byteSize } from '../../core/units.ts'

const maxPartitions = 255

/** Paths of PEM files. */
const tlsFiles = z.strictObject({
  /** Who may have signed the brokers' certificates, where it is none that the system trusts. */
  ca: z.string().min(1).optional(),
  /** Certificate and key of our own, where the brokers ask for one. */
  cert: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
  /** The name in the brokers' certificates, where it is not that of the address. */
  serverName: z.string().min(1).optional(),
})

export const kafkaLogConfig = z.strictObject({
  driver: z.literal('kafka'),
  /** `host:port`, any of the cluster's; the others are learned from them. */
  brokers: z.preprocess(
    (written) => (typeof written === 'string' ? written.split(',').map((broker) => broker.trim()) : written),
    z.array(z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:[\],]+)(:\d{1,5})?$/, 'expected host:port')).min(1),
  ),
  /** Before the names of topics, groups and transactional ids: one log per prefix. */
  topicPrefix: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/, 'expected 1 to 100 of A-Z a-z 0-9 . _ -')
    .default('millrace.'),
  /** Of the topic `events`: as many worker processes can share the load. Fixed when the topics are made. */
  partitions: z.int().min(1).max(maxPartitions).default(8),
  /** Of topics that Millrace makes; by default 3, or the number of brokers where there are fewer. */
  replicationFactor: z.int().min(1).max(32_767).optional(),
  sasl: z
    .strictObject({
      mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).default('SCRAM-SHA-512'),
      username: z.string().min(1),
      password: z.string(),
    })
    .optional(),
  /** `true`: TLS with what the system trusts. */
  tls: z.union([z.boolean(), tlsFiles]).default(false),
  retention: z
    .strictObject({
      /** A week: time to notice and mend a store that stands still, and to load anew what a mistake deleted there. */
      hours: z.number().positive().default(168),
      /** Of one replica. Beyond it the oldest go early, and what is not loaded makes the collector refuse. */
      bytes: byteSize.default(100e9),
    })
    .prefault({}),
  /** Of the collector's own disk, where its dedup files are. */
  minFreeBytes: byteSize.default(1e9),
})
export type KafkaLogConfig = z.output<typeof kafkaLogConfig>
