import type { Service } from '../core/service.ts'

export type Topic = 'events' | 'quarantine' | 'outcomes' | 'deadletters'
export const topics: readonly Topic[] = ['events', 'quarantine', 'outcomes', 'deadletters']

/** Where a record is. `offset` rises by one per record of a partition and starts at 0. */
export interface Position {
  readonly topic: Topic
  readonly partition: number
  readonly offset: number
}

export interface NewRecord {
  readonly topic: Topic
  readonly partition: number
  readonly value: Uint8Array
  /** Dedup fingerprints (16 bytes each) of the record's events, kept beside it in the same transaction. */
  readonly fingerprints?: Uint8Array
}

export interface LogRecord extends Position {
  readonly value: Uint8Array
  /** Present only when asked for: `read(..., { fingerprints: true })`. */
  readonly fingerprints?: Uint8Array
}

export interface Bounds {
  readonly partition: number
  /** First offset still held. */
  readonly first: number
  /** Offset that the next record will get. */
  readonly next: number
}

export interface Committed extends Position {
  /** The offset of a committed Position is the next one to process. */
  readonly offset: number
}

/** One member's part of a group. `generation` fences: a commit by an older generation is refused. */
export interface Membership {
  readonly group: string
  readonly generation: number
  owned(): readonly Committed[]
  /** The note kept with the last commit; `''` when none. */
  note(): string
  leave(): Promise<void>
}

/**
 * The durable log between collector and jobs. An embedded (LMDB) and a Kafka driver keep the same contract (`log.contract.ts`).
 *
 * Delivery: a resolved `append` survives kill -9 and power loss (synced before it resolves; Kafka: acks=all). All records of one call become
 * visible together, over all topics and partitions, or none does. A rejected append with code `unknown_result` may or may not
 * be there; with any other code it is not.
 * Readers see only committed records, in offset order, with no gap but trimmed ones.
 * Any number of processes may read; who appends to which topic is the deployment's business.
 */
export interface Log extends Service {
  /** Random, made with the log's first creation, 1..255: part of every log position, so that a new log never repeats an old one's. */
  epoch(): number
  partitions(topic: Topic): number
  /** One transaction. `commit`: positions and note of a job, in the same transaction (dead letters). */
  append(records: readonly NewRecord[], options: { readonly commit?: GroupCommit }, signal: AbortSignal): Promise<readonly Position[]>
  /**
   * Records from `from.offset` on, in order, until `limit.bytes` of values are gathered (always at least one record if there is one).
   * With none there yet: waits up to `limit.waitMs` for the first, then resolves empty. Throws `trimmed` when `from` is no longer held.
   */
  read(from: Position, limit: ReadLimit, signal: AbortSignal): Promise<readonly LogRecord[]>
  /**
   * Become a member of `group` over `topics`. Resolves when partitions are assigned; `onAssigned` is called then and at every later change.
   * A position that was never committed is the partition's first.
   */
  join(group: string, topics: readonly Topic[], onAssigned: (owned: readonly Committed[]) => Promise<void>, signal: AbortSignal): Promise<Membership>
  /** Durable when resolved. `note` replaces the old one. Throws `stale_membership` when the generation is not the current one. */
  commit(membership: Membership, positions: readonly Position[], note?: string): Promise<void>
  /** What a group has committed, without joining it. */
  committed(group: string): Promise<readonly Committed[]>
  bounds(topic: Topic): Promise<readonly Bounds[]>
  /** Forget records before `before.offset`. Never called with a position that `load` has not committed. */
  trim(before: Position): Promise<void>
  /** Bytes that the log occupies on disk, all topics. */
  bytes(): Promise<number>
}

export interface ReadLimit {
  readonly bytes: number
  readonly waitMs: number
  readonly fingerprints?: boolean
}

export interface GroupCommit {
  readonly membership: Membership
  readonly positions: readonly Position[]
  readonly note?: string
}
