import type { Service } from '../../core/service.ts'
import type { Position } from '../../log/log.ts'

/** Bytes of one fingerprint. A buffer of n fingerprints is n × 16 bytes, one after the other. */
export const FINGERPRINT_BYTES = 16

/** This call claimed the id: append its event, then confirm or release. */
export const CLAIMED = 0
/** An event with this id is stored (or appended and confirmed). */
export const DUPLICATE = 1
/** Another claim that is still open holds it, or it has to be looked up on disk first: wait for `others`, then claim again. */
export const PENDING = 2
/** Repeats an earlier fingerprint of this very call; its fate is that one's. */
export const REPEATED = 3

/**
 * The ids that one call took. It is open until `confirm` or `release`, of which exactly one MUST be called, once
 * (also when nothing was claimed: then either does nothing).
 */
export interface Claim {
  /** One of the four above per fingerprint of the call, in its order. */
  readonly states: Uint8Array
  /**
   * Resolves when every other open claim met here (PENDING) is settled, and what had to be looked up is; never rejects.
   * Undefined when nothing is PENDING.
   */
  readonly others: Promise<void> | undefined
  /**
   * The claimed ids are durably stored in these records of topic `events` (one Position per record that holds some of them).
   * Confirms of one partition come in the order of their offsets, per partition and over all claims; positions MAY repeat when claims share a record.
   */
  confirm(records: readonly Position[]): void
  /** Nothing of it was stored: forget the claimed ids. */
  release(): void
  /**
   * False: the claim outlived its time, and another collector may hold its ids by now: it MUST NOT be appended any more.
   * Left out where nobody else could take them.
   */
  isHeld?(): boolean
}

/**
 * Which (project, id) are stored within the window. Exact: no false duplicate, none forgotten within the window.
 * An id whose event was never stored is never a DUPLICATE: a crash between claim and append leaves nothing behind, or, where
 * collectors share their claims, a claim that ends by itself.
 */
export interface Dedup extends Service {
  /** Writes the keyed fingerprint of (project, id) into `out` from byte `at` on. */
  fingerprint(project: string, id: string, out: Uint8Array, at: number): void
  /** `now`: Unix ms of our clock. A promise only where other collectors have to be asked; `fingerprints` MUST stay as it is until then. */
  claim(fingerprints: Uint8Array, now: number): Claim | Promise<Claim>
  /**
   * Per partition of topic `events`: the first position that a restart would still have to read back. Retention MUST NOT trim
   * beyond it. A partition that is missing here has nothing that is sealed: nothing of it may go.
   */
  sealedBefore(): readonly Position[]
}

/**
 * One collector's own: in memory and synchronous, but for `start` (reads back from the log what was not sealed) and `stop`.
 * Fingerprints that meet nothing are claimed before the call returns.
 */
export interface DedupIndex extends Dedup {
  claim(fingerprints: Uint8Array, now: number): Claim
}
