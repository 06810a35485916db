import type { Service } from '../core/service.ts'

export type Topic = 'events' | 'quarantine' | 'outcomes' | 'deadletters'
export const topics: readonly Topic[] = ['events', 'quarantine', 'outcomes', 'deadletters']

/**
 * Where a record is. Offsets start at 0 and rise strictly within a partition; readers MUST NOT rely on more: a driver MAY leave
 * numbers out (Kafka's transaction markers take offsets). The embedded driver leaves none out.
 */
export interface Position {
  readonly topic: Topic
  readonly partition: number
  readonly offset: number
}

export interface NewRecord {
  readonly topic: Topic
  readonly partition: number
  /** MUST NOT be changed until `append` has settled: a driver may write it from where it is. */
  readonly value: Uint8Array
  /** Dedup fingerprints (16 bytes each) of the record's events, kept beside it in the same transaction. As `value`. */
  readonly fingerprints?: Uint8Array
}

export interface LogRecord extends Position {
  /** The reader's own copy; several records of one read MAY share one ArrayBuffer. */
  readonly value: Uint8Array
  /** Present only when asked for (`ReadLimit.fingerprints`) and given at the append. Begins at a multiple of 8 of its buffer: read as numbers. */
  readonly fingerprints?: Uint8Array
  /** Names the append that it came with, or the several that became visible together; only where `Moment.includes` asks for it. */
  readonly append?: string
}

export interface Bounds {
  readonly partition: number
  /** First offset still held, or `next` when nothing is. */
  readonly first: number
  /** Above every offset that the partition has given out so far; the next record gets this or a higher one. */
  readonly next: number
}

/** The log as it was at one moment, over all topics and partitions. */
export interface Moment {
  readonly ends: readonly (Bounds & { readonly topic: Topic })[]
  /**
   * Whether a record below the ends belongs to the moment. What one append wrote belongs to it as a whole or not at all: where a part of
   * it lies beyond the ends, the part below them does not belong either.
   */
  includes(record: LogRecord): boolean
}

export interface Committed extends Position {
  /** The offset of a committed Position is the next one to process. */
  readonly offset: number
  /** The note of the last commit that had one; `''` when none. */
  readonly note?: string
}

/** Longest note in bytes of UTF-8: what a Kafka broker keeps beside an offset without being reconfigured (4096), less our own. */
export const maxNoteBytes = 3500

/** One member's part of a group. */
export interface Membership {
  readonly group: string
  /** Of the group, as this member last knew it: rises with every change of who owns what. */
  readonly generation: number
  /** Right now, with what is committed; a position that was never committed is the partition's first. Each carries its note. */
  owned(): readonly Committed[]
  /**
   * The notes of the partitions owned, each distinct one once, without `''`. There MAY be several: partitions come from members that
   * died, each with its own note.
   */
  notes(): readonly string[]
  /** The first of `notes()`, or `''`. */
  note(): string
  /** Gives all partitions up at once. Commits after it are refused. MAY be called twice. */
  leave(): Promise<void>
}

/**
 * Called with all that the member owns from now on, once at the join and at every later change, never twice at a time. When it
 * loses partitions it is told first: it MUST have ended all work on them when the promise resolves, and MAY still commit that work
 * until then. Only then can another member get them. Until the driver has given them up `owned()` still names them: a member begins nothing
 * before it names what it was told, for a note committed in between would replace the one that the next owner goes by. A member that was taken for dead (crash, or no sign of life for the lease)
 * loses all without being asked; it learns so from `stale_membership`, then here. A rejection ends the membership.
 */
export type OnAssigned = (owned: readonly Committed[]) => Promise<void>

/**
 * The durable log between collector and jobs. An embedded (LMDB) and a Kafka driver keep the same contract (`log.contract.ts`).
 *
 * Delivery: a resolved `append` survives kill -9 and power loss (synced before it resolves; Kafka: acks=all). All records of one call become
 * visible together, over all topics and partitions, or none does. A rejected append with code `unknown_result` may or may not
 * be there; with any other code it is not.
 * Readers see only what can no longer be lost, in offset order, and all of it but what was trimmed.
 * Any number of processes may read and append.
 */
export interface Log extends Service {
  /** Random, made with the log's first creation, 1..255: part of every log position, so that a new log never repeats an old one's. */
  epoch(): number
  partitions(topic: Topic): number
  /**
   * One transaction. `commit`: positions and note of a job, in the same transaction (dead letters); refused as `commit` is.
   * Calls of one moment share a sync. An abort before the write began stores nothing; later it has no effect.
   * `unavailable`: full, or stopping; nothing is stored, try later.
   */
  append(
    records: readonly NewRecord[],
    options: { readonly commit?: GroupCommit },
    signal: AbortSignal,
  ): Promise<readonly Position[]>
  /**
   * Records at or after `from.offset`, in order, until `limit.bytes` of values are gathered (always at least one record if there is one).
   * With none there yet: waits up to `limit.waitMs` for the first, then resolves empty. Wakes early for records of any process.
   * `waitMs: 0` does not wait for records to come, but is no licence to miss some: everything whose append had resolved before the call
   * MUST be given. A driver whose records become visible a moment later than they are acknowledged therefore waits for those that are
   * on their way, and throws `unavailable` rather than resolve empty where their fate stays open for some seconds.
   * Throws `trimmed` when `from` is no longer held, the signal's reason when it aborts.
   */
  read(from: Position, limit: ReadLimit, signal: AbortSignal): Promise<readonly LogRecord[]>
  /** Become a member of `group` over `topics`. Resolves after the first `onAssigned`; what others still hold comes by later ones. */
  join(group: string, topics: readonly Topic[], onAssigned: OnAssigned, signal: AbortSignal): Promise<Membership>
  /**
   * Durable when resolved. `note` replaces the notes of all partitions that the member owns; left out, they stay. Those of partitions
   * that it has just gained stay in any case until their `onAssigned` has resolved: whoever commits before has not read them.
   * Throws `stale_membership`, and changes nothing, when the member does not own all of `positions` (or none at all, for a note).
   */
  commit(membership: Membership, positions: readonly Position[], note?: string): Promise<void>
  /** What a group has committed, without joining it. Only partitions with a commit. */
  committed(group: string): Promise<readonly Committed[]>
  bounds(topic: Topic): Promise<readonly Bounds[]>
  /**
   * Everything that could be read before the call belongs to it; everything below its ends can be read at once. `unavailable` when an
   * append stays under way for some seconds.
   */
  moment(signal: AbortSignal): Promise<Moment>
  /** Forget records before `before.offset`; nothing when they are gone already. Never called with a position that `load` has not committed. */
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
