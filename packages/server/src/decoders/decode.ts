import type { DecodedBatch } from '../core/batch.ts'

/** What a decoder may know beside the body; it does no I/O and reads no clock. */
export interface DecodeContext {
  /** Lower-cased names. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The route's own word, e.g. Segment's `track` for `/v1/track`. */
  readonly kind: string
  /** What the request's URL asks, and the `:name` parts of its path. Beacons, which set no headers, put things there. */
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly contentType: string
}

/**
 * One dialect: inflated bytes → raw events. Pure and synchronous.
 * MUST return one RawEvent per event of the body, also for those it cannot map (with `issues`): events in = outcomes out.
 * MUST throw PipelineError('malformed' | 'too_large') when the body as a whole cannot be read; nothing of it is stored then.
 * MUST NOT invent ids or times: the gate does (ids.ts, clock.ts).
 * MUST leave the body as it is. JSON columns are fresh at their top level; deeper levels MAY be shared with `original` and with
 * other events of the body, so whoever changes them later replaces them.
 */
export type Decode = (body: Uint8Array, cx: DecodeContext) => DecodedBatch

/**
 * The same in steps, for dialects whose bodies hold thousands of dear events: whoever drives it lets others go on at each `yield`.
 * MUST yield at least every 5 ms or so of work (a few hundred events), and MUST return what `Decode` returns.
 */
export type DecodeInSteps = (body: Uint8Array, cx: DecodeContext) => Generator<undefined, DecodedBatch>
