import { z } from 'zod'
import { byteSize, duration } from '../../core/units.ts'

const count = z.int().positive()

/** What live streams bear. Each bound exists so that no subscriber, however slow, costs the others anything. */
export const liveConfig = z.strictObject({
  /** Subscribers at once, WebSocket and SSE together; the next one gets 503. */
  maxConnections: count.default(10_000),
  /** Messages that wait for one subscriber; beyond, it is told `backpressure`, events are skipped and the gap is told. */
  maxPendingMessages: count.default(100),
  /** The same in bytes: an event may be 1 MB, a hundred of them are too much for one slow reader. */
  maxPendingBytes: byteSize.default(1e6),
  /** Bytes that wait for all subscribers together: what bounds the process's memory whatever they do. */
  maxPendingBytesInAll: byteSize.default(128e6),
  /** Messages a second to one subscriber (a batch is one), and how many at once after a quiet while. */
  messagesPerSecond: count.default(1000),
  messageBurst: count.default(1000),
  /** Several events of one moment leave as one `batch`: a busy stream costs a tenth, and a single event still leaves at once. */
  coalescing: z
    .strictObject({
      enabled: z.boolean().default(true),
      /** At most so long after the message before; 20 ms is nothing to an eye, and 50 messages a second is nothing to a client. */
      maxDelayMs: duration.default(20),
      maxBatchSize: count.max(10_000).default(100),
    })
    .prefault({}),
  /** A WebSocket that does not answer a ping until the next one is cut; SSE gets a comment line, which keeps proxies from closing it. */
  heartbeatMs: duration.default(30_000),
  /** How long a stop waits for what is still on its way to subscribers. */
  drainMs: duration.default(5000),
  /** Of one message from a client: subscriptions and tokens are short, more closes the connection with 1009. */
  maxMessageBytes: byteSize.default(64 * 1024),
  /** Newest part of the log kept decoded, so that a thousand clients that reconnect at once do not read it a thousand times. */
  recentBytes: byteSize.default(16e6),
})
export type LiveConfig = z.output<typeof liveConfig>
