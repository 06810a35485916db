import { z } from 'zod'
import { byteSize, duration } from '../core/units.ts'

/** A PEM text itself, or the path of a file that holds it. */
const pem = z.string().min(1)

/** Paths or PEM texts; with `clientCa` every client must show a certificate that this authority signed (mTLS). */
export const tlsConfig = z.strictObject({ cert: pem, key: pem, clientCa: pem.optional() })
export type TlsConfig = z.output<typeof tlsConfig>

const count = z.int().positive()

/** What one listener bears. Each bound exists so that no client, however odd, can take the process down. */
export const httpLimits = z.strictObject({
  /** Of a body as sent and inflated, bytes: room for the 100,000 events a body may hold; a bomb stops here. */
  maxBodyBytes: byteSize.default(20e6),
  /** For a whole body: 20 MB within it is 2.8 Mbit/s, and SDKs send half a megabyte at most. */
  bodyTimeoutMs: duration.default(60_000),
  /** Without a single byte of a body: long enough for a lost packet or two, short enough not to collect dead phones. */
  bodyStallMs: duration.default(10_000),
  /** For a request's head: it is one packet, so only an attacker needs longer. */
  headersTimeoutMs: duration.default(10_000),
  /** Longer than the 60 s of the usual load balancers, so that they close first and never race with us. */
  keepAliveMs: duration.default(75_000),
  /** Requests being read, decoded or waiting for their sync: one group commit holds them all, more only lengthens the wait. */
  maxRequestsInFlight: count.default(4096),
  /** Body bytes held at once; decoded events take several times as much, so this is what bounds the process's memory. */
  maxBytesInFlight: byteSize.default(128e6),
  /** Open connections: below the usual limit of 10,240 or more file descriptors that a service gets. */
  maxConnections: count.default(8192),
  /** How long `/health/ready` says no before new requests are refused: 0 on a laptop, a probe interval behind a load balancer. */
  drainMs: duration.default(0),
  /** For requests under way at a stop; well within the 10 s in which the process ends. */
  stopMs: duration.default(5000),
})
export type HttpLimits = z.output<typeof httpLimits>

const port = z.int().min(0).max(65_535)

export const collectorConfig = z.strictObject({
  /** Loopback: reachable from elsewhere only when asked for, since `auth: open` is the default there. */
  host: z.string().min(1).default('127.0.0.1'),
  port: port.default(8088),
  /** OpenTelemetry's own ports, so that its exporters need no setting; `false` turns one off. */
  otlpPort: z.union([port, z.literal(false)]).default(4318),
  grpcPort: z.union([port, z.literal(false)]).default(4317),
  tls: tlsConfig.optional(),
  /** `true`, a hop count, or addresses (CIDR, comma-separated) whose `X-Forwarded-*` headers are believed. None: a header proves nothing. */
  trustProxy: z.union([z.boolean(), z.int().nonnegative(), z.string()]).default(false),
  limits: httpLimits.prefault({}),
})
export type CollectorConfig = z.output<typeof collectorConfig>
