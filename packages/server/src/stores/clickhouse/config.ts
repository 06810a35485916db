import { z } from 'zod'
import { byteSize } from '../../core/units.ts'

/** Our own ClickHouse, a child process. */
export const embeddedStoreConfig = z.strictObject({
  driver: z.literal('embedded'),
  /** What our ClickHouse may take in all; beyond it a query is refused, not the machine. */
  memory: byteSize.default(1.5e9),
})

const login = z.strictObject({ user: z.string().min(1), password: z.string().default('') })

/** A name that may stand in SQL without quotes. */
const name = (what: string) =>
  z.string().regex(/^[A-Za-z_]\w{0,63}$/, `expected ${what}: up to 64 letters, digits and _`)

/** Somebody's ClickHouse server or cluster. */
export const serverStoreConfig = z.strictObject({
  driver: z.literal('server'),
  /** Of its HTTP interface. Without credentials: those have keys of their own, which are hidden wherever settings are shown. */
  url: z
    .url({ protocol: /^https?$/, error: 'expected http://host:8123 or https://host:8443' })
    .regex(/^[^@]*$/, 'expected a URL without user and password; they belong into store.user and store.password'),
  /** Owns the database: it makes the tables, writes and reads them. */
  user: z.string().min(1).default('default'),
  password: z.string().default(''),
  database: name('the name of a database').default('millrace'),
  /** PEM text, or the path of a PEM file: who may have signed the server's certificate, where it is nobody the system trusts. */
  caCertificate: z.string().min(1).optional(),
  /** Read-only user of each project that may ask SQL; `docs/guide/clickhouse.md` says what such a user must be. */
  asking: z.record(z.string(), login).default({}),
  /** Tables over several servers, as `system.clusters` names them there. */
  cluster: z
    .strictObject({
      name: z.string().regex(/^[\w.-]{1,64}$/, 'expected the name of a cluster in system.clusters'),
      /** Each table in Keeper too, by the macros {shard} and {replica}. False: shards of one server each. */
      replicated: z.boolean().default(true),
    })
    .optional(),
})
