import type { EventColumns } from '@millrace/protocol'
import type { RawBatch } from '../core/batch.ts'
import type { DropReason, Verdict } from '../core/outcome.ts'

/** Why an event is not admitted. */
type Rejection = Exclude<Verdict<never>, { readonly kind: 'pass' }>

/**
 * A batch on its way through the steps. Each step looks at the events without a rejection, changes their columns in place and
 * rejects those that must not go on: an array of parallel facts instead of an object per event and step.
 */
export interface GateBatch {
  readonly raw: RawBatch
  readonly events: readonly EventColumns[]
  /** Set by `identify` for every event, rejected or not. */
  readonly ids: string[]
  /** Parallel to `events`; undefined: goes on. The first rejection stands. */
  readonly rejections: (Rejection | undefined)[]
  rejected: number
  /** Rough size of the columns, set by `checkLimits`. */
  bytes: number
  /** Milliseconds by which the client's clock is wrong, once `correctClock` has found it. */
  clockShift: number | undefined
  /** What a step changed, by event, for `why`; most batches have none. */
  notes: Map<number, Record<string, string | boolean>> | undefined
}

export function openBatch(raw: RawBatch): GateBatch {
  const events: EventColumns[] = []
  const rejections: (Rejection | undefined)[] = []
  const ids: string[] = []
  for (const { columns } of raw.events) {
    events.push(columns)
    rejections.push(undefined)
    ids.push('')
  }
  return { raw, events, ids, rejections, rejected: 0, bytes: 0, clockShift: undefined, notes: undefined }
}

/** Up to here a batch goes through each step at once, which takes a few milliseconds; a larger one in slices of so many events. */
export const sliceEvents = 512

/** Keep the event, sealed, but do not admit it. */
export function quarantine(batch: GateBatch, index: number, reason: string, issues: readonly string[]): void {
  reject(batch, index, { kind: 'quarantine', reason, issues })
}

export function drop(batch: GateBatch, index: number, reason: DropReason): void {
  reject(batch, index, { kind: 'drop', reason })
}

/** `why` shows it beside the step; the note is ours and holds no string of the event. */
export function note(batch: GateBatch, index: number, step: string, text: string | boolean): void {
  batch.notes ??= new Map()
  const notes = batch.notes.get(index)
  if (notes === undefined) batch.notes.set(index, { [step]: text })
  else notes[step] = text
}

function reject(batch: GateBatch, index: number, rejection: Rejection): void {
  if (batch.rejections[index] !== undefined) return
  batch.rejections[index] = rejection
  batch.rejected++
}
