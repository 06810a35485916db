import type { EventColumns } from '../columns/types.ts'

/** What all events of one record share; written once per record. */
export interface EventsEnvelope {
  readonly project: string
  readonly batchId: string
  /** The ledger's source: the dialect's route. */
  readonly source: string
  /** Unix ms. */
  readonly ingestedAt: number
  readonly schemaVersion: number
  readonly planVersion: number
}

export interface EventsRecord {
  readonly envelope: EventsEnvelope
  readonly events: readonly EventColumns[]
}

/** One event kept, not admitted. The original is sealed: `sealed` is AES-256-GCM under a key named by `sealKey`. */
export interface QuarantinedEvent {
  readonly id: string
  readonly project: string
  readonly source: string
  /** Unix ms. */
  readonly receivedAt: number
  readonly batchId: string
  /** Place of the event in its request's body. */
  readonly index: number
  readonly reason: string
  /** `<JSON pointer>: <what is wrong>`. */
  readonly issues: readonly string[]
  /** JSON of the event with every string replaced by its length, e.g. `{"event":"<string 7>","revenue":12}`. */
  readonly redacted: string
  readonly eventType: string
  readonly sealed: Uint8Array
  readonly sealKey: string
}

/** One event that is not in `events`, for the table `outcomes`; quarantined ones are listed here too. */
export interface OutcomeRow {
  readonly id: string
  readonly project: string
  readonly source: string
  readonly receivedAt: number
  readonly outcome: 'duplicate' | 'dropped' | 'quarantined'
  readonly reason: string
  readonly issues: readonly string[]
  readonly batchId: string
  /** Duplicates of one id within one commit are one row. */
  readonly count: number
}

/** The collector's own count, in the same commit as what it counts. `minute`: Unix ms of the UTC minute of `ingested_at`. */
export interface LedgerCount {
  readonly project: string
  readonly minute: number
  readonly source: string
  readonly outcome: 'stored' | 'duplicate' | 'dropped' | 'quarantined'
  readonly reason: string
  readonly events: number
}

/** Value of a record of topic `outcomes`: one per group commit. */
export interface OutcomesRecord {
  readonly rows: readonly OutcomeRow[]
  readonly counts: readonly LedgerCount[]
}

/** Value of a record of topic `deadletters`: a record of another topic that `load` could not take. */
export interface DeadLetter {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly job: string
  readonly failedAt: number
  readonly attempts: number
  /** Error code and message class; no strings of the event. */
  readonly error: string
  /** The whole value, header included. */
  readonly value: Uint8Array
}
