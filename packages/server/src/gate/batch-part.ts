import type { QuarantinedEvent } from '@millrace/protocol'
import type { NewRecord } from '../log/log.ts'
import type { Claim } from './dedup/dedup-index.ts'
import type { GateBatch } from './gate-batch.ts'
import type { Waiting } from './group-commit.ts'

/** What one batch gives to one commit: all of it, or, after waiting for others with the same ids, the rest. */
export interface BatchPart extends Waiting {
  readonly batch: GateBatch
  /** Its own id, or '' when it takes that of the commit. */
  readonly batchId: string
  readonly claim: Claim
  /** Indices of the events to store. */
  readonly stored: readonly number[]
  /** 16 bytes for each of `stored`. */
  readonly fingerprints: Uint8Array
  /** Indices of the events whose id is stored already, or earlier in this batch. */
  readonly duplicates: readonly number[]
  /** Whether this commit tells of the batch's rejected events (its first one does). */
  readonly withRejected: boolean
  /** Sealed, for those of the rejected that are kept. */
  readonly quarantined: readonly Omit<QuarantinedEvent, 'batchId'>[]
  /** Encoded ahead. */
  records: readonly NewRecord[] | undefined
}
