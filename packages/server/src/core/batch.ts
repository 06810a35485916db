import type { EventColumns } from '@millrace/protocol'
import type { Receipt } from './outcome.ts'

/**
 * One event as a decoder understood it. `columns` is sparse: only what the dialect said, under the unified schema's
 * names, in memory types (times: Unix ms as number; bigint columns: bigint; JSON columns: plain objects; bytes: Uint8Array).
 * The gate owns and changes `columns`; a decoder hands out a fresh object per event.
 */
export interface RawEvent {
  readonly columns: EventColumns
  /** The event as it came (parsed JSON, or its bytes): sealed if the event is quarantined. Never logged. */
  readonly original: unknown
  /** What the decoder could not map, as `<JSON pointer>: <what is wrong>`. Non-empty: the event will be quarantined. */
  readonly issues?: readonly string[]
}

/** What a decoder makes of one body. */
export interface DecodedBatch {
  readonly events: readonly RawEvent[]
  /** When the client sent it, by the client's clock (Unix ms). */
  readonly sentAt?: number
  /** The client's own batch id. */
  readonly batchId?: string
  /** A write key that the dialect carries in its body. The field that it stands in MUST be kept in no column. */
  readonly writeKey?: string
  /** The sender says that these events are old ones (PostHog's `historical_migration`). Counts with an admin key only. */
  readonly saysHistorical?: boolean
  /** Counter by which lost batches of one device are noticed. */
  readonly sequence?: { readonly device: string; readonly number: number }
}

/** A batch on its way through the gate. */
export interface RawBatch extends DecodedBatch {
  readonly project: string
  /** Dialect: `segment`, `millrace`, `s0` …: `event_source` unless the event names its own, and the ledger's `source`. */
  readonly source: string
  /** Our clock, Unix ms, when the request's body was complete. */
  readonly receivedAt: number
  /** Imports, demo data and snapshots, by an admin key: no age limit, marked, not in live. */
  readonly historical?: boolean
}

/**
 * The gate and the log behind it. Resolves when every event of the batch has a durable outcome, with one receipt per event
 * in order; a receipt `retry` says that this event is not stored. Rejects with a PipelineError when nothing of it is stored.
 */
export type Accept = (batch: RawBatch, signal: AbortSignal) => Promise<readonly Receipt[]>
