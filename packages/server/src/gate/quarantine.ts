import type { QuarantinedEvent } from '@millrace/protocol'
import type { RawBatch } from '../core/batch.ts'
import { createPace } from '../core/in-steps.ts'
import type { GateBatch } from './gate-batch.ts'
import { redact } from './redact.ts'
import type { Sealer } from './seal.ts'

/** The rejected events that are kept: shown by their shape, whole only under seal. */
export async function sealRejected(
  batch: GateBatch,
  sealer: Sealer,
): Promise<readonly Omit<QuarantinedEvent, 'batchId'>[]> {
  const kept: Omit<QuarantinedEvent, 'batchId'>[] = []
  const { project, source, receivedAt, events } = batch.raw
  const isKept = batch.rejections.some((rejection) => rejection?.kind === 'quarantine')
  if (!isKept) return kept
  const key = await sealer.ready(project, receivedAt)
  const pace = createPace()
  for (let index = 0; index < events.length; index++) {
    const rejection = batch.rejections[index]
    if (rejection?.kind !== 'quarantine') continue
    const rest = pace()
    if (rest !== undefined) await rest
    const { original, columns } = events[index] as RawBatch['events'][number]
    const id = batch.ids[index] as string
    kept.push({
      id,
      project,
      source,
      receivedAt,
      index,
      reason: rejection.reason,
      issues: rejection.issues,
      redacted: redact(original instanceof Uint8Array ? columns : original),
      eventType: eventTypeOf(columns.event_type),
      ...key.seal(id, original),
    })
  }
  return kept
}

/** Only what looks like a name of a type: anything else may be a person's text in the wrong place. */
function eventTypeOf(value: unknown): string {
  return typeof value === 'string' && /^[a-z_]{1,32}$/.test(value) ? value : ''
}
