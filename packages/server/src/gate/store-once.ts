import type { QuarantinedEvent } from '@millrace/protocol'
import type { Deps } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import type { Receipt } from '../core/outcome.ts'
import type { Appender } from './append.ts'
import type { BatchPart } from './batch-part.ts'
import { CLAIMED, type Dedup, DUPLICATE, FINGERPRINT_BYTES, PENDING } from './dedup/dedup-index.ts'
import type { GateBatch } from './gate-batch.ts'
import { resolvedWithin } from './resolved-within.ts'

export type StoreOnce = (
  batch: GateBatch,
  batchId: string,
  quarantined: readonly Omit<QuarantinedEvent, 'batchId'>[],
  signal: AbortSignal,
) => Promise<readonly Receipt[]>

/**
 * Rounds of: claim the ids → append what was claimed → confirm, or release. Ids that another open claim holds are waited for while
 * holding nothing ourselves, then claimed again: so two requests never wait for each other, and nothing is called a duplicate of what
 * was not stored.
 */
export function createStoreOnce(options: { dedup: Dedup; appender: Appender; deps: Deps }): StoreOnce {
  const { dedup, appender, deps } = options

  return async function storeOnce(batch, batchId, quarantined, signal) {
    const fates = new Uint8Array(batch.events.length)
    let open: readonly number[] = passing(batch)
    let withRejected = batch.rejected > 0
    for (let round = 1; ; round++) {
      let claimed: ReturnType<typeof divide>
      try {
        const asked = fingerprintsOf(batch, open)
        const answer = dedup.claim(asked, deps.clock.now())
        const claim = answer instanceof Promise ? await answer : answer
        claimed = divide({ batch, batchId, claim, withRejected, quarantined }, open, asked)
        const { part } = claimed
        if (part.stored.length > 0 || part.duplicates.length > 0 || withRejected) await appender.submit(part)
        else part.claim.release()
      } catch (error) {
        // The whole request is refused when nothing of it is durable; else only the rest is to be sent again.
        if (isNothingDurable(batch, fates, withRejected)) throw error
        return receipts(batch, fates)
      }
      const { part, pending, others } = claimed
      for (const index of part.stored) fates[index] = storedFate
      for (const index of part.duplicates) fates[index] = duplicateFate
      withRejected = false
      if (pending.length === 0) return receipts(batch, fates)
      open = pending
      const isSettled = round < maxRounds && others !== undefined && (await resolvedWithin(others, maxWaitMs, signal))
      if (isSettled) continue
      if (isNothingDurable(batch, fates, withRejected))
        throw new PipelineError('unavailable', 'other requests with the same ids are not settled yet; send it again', {
          retryAfterSeconds: 1,
        })
      return receipts(batch, fates)
    }
  }

  function fingerprintsOf(batch: GateBatch, open: readonly number[]): Uint8Array {
    // From node's pool: the bytes of a small array live in the heap until somebody asks for its buffer, as the index does, and then move.
    const asked = Buffer.allocUnsafe(open.length * FINGERPRINT_BYTES)
    const { project } = batch.raw
    for (let i = 0; i < open.length; i++)
      dedup.fingerprint(project, batch.ids[open[i] as number] as string, asked, i * FINGERPRINT_BYTES)
    return asked
  }
}

/** What the claim lets through now, and what has to wait for others. */
function divide(
  given: Pick<BatchPart, 'batch' | 'batchId' | 'claim' | 'withRejected' | 'quarantined'>,
  open: readonly number[],
  asked: Uint8Array,
): { readonly part: BatchPart; readonly pending: readonly number[]; readonly others: Promise<void> | undefined } {
  const { batch, claim } = given
  const { stored, duplicates, pending } = sort(batch, open, claim.states)
  const part: BatchPart = {
    ...given,
    stored,
    fingerprints: stored.length === open.length ? asked : claimed(asked, claim.states, stored.length),
    duplicates,
    records: undefined,
    bytes: batch.bytes,
  }
  return { part, pending, others: claim.others }
}

/** Rounds beyond it mean that others with the same ids fail again and again: the sender is to come back later. */
const maxRounds = 10
const maxWaitMs = 10_000

const openFate = 0
const storedFate = 1
const duplicateFate = 2

/** Rejected events are durable with the first commit: `withRejected` says that it is still to come. */
function isNothingDurable(batch: GateBatch, fates: Uint8Array, withRejected: boolean): boolean {
  return (withRejected || batch.rejected === 0) && fates.every((fate) => fate === openFate)
}

function passing({ events, rejections }: GateBatch): number[] {
  const open: number[] = []
  for (let i = 0; i < events.length; i++) if (rejections[i] === undefined) open.push(i)
  return open
}

function sort(batch: GateBatch, open: readonly number[], states: Uint8Array) {
  const stored: number[] = []
  const duplicates: number[] = []
  const pending: number[] = []
  const repeated: number[] = []
  for (let i = 0; i < open.length; i++) {
    const index = open[i] as number
    const state = states[i]
    if (state === CLAIMED) stored.push(index)
    else if (state === DUPLICATE) duplicates.push(index)
    else if (state === PENDING) pending.push(index)
    else repeated.push(index)
  }
  if (repeated.length > 0) {
    // A repeated id shares the fate of the first: waiting with it, or its duplicate.
    const waiting = new Set(pending.map((index) => batch.ids[index]))
    for (const index of repeated) (waiting.has(batch.ids[index]) ? pending : duplicates).push(index)
    // The first of one id wins in the next round too.
    pending.sort((a, b) => a - b)
  }
  return { stored, duplicates, pending }
}

function claimed(asked: Uint8Array, states: Uint8Array, count: number): Uint8Array {
  const chosen = new Uint8Array(count * FINGERPRINT_BYTES)
  let at = 0
  for (let i = 0; i < states.length; i++) {
    if (states[i] !== CLAIMED) continue
    chosen.set(asked.subarray(i * FINGERPRINT_BYTES, (i + 1) * FINGERPRINT_BYTES), at)
    at += FINGERPRINT_BYTES
  }
  return chosen
}

function receipts({ ids, rejections }: GateBatch, fates: Uint8Array): Receipt[] {
  const all: Receipt[] = []
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index] as string
    const rejection = rejections[index]
    if (rejection === undefined) {
      const fate = fates[index]
      const outcome = fate === storedFate ? 'stored' : fate === duplicateFate ? 'duplicate' : 'retry'
      all.push({ index, id, outcome })
    } else if (rejection.kind === 'drop') all.push({ index, id, outcome: 'dropped', reason: rejection.reason })
    else all.push({ index, id, outcome: 'quarantined', reason: rejection.reason, issues: rejection.issues })
  }
  return all
}
