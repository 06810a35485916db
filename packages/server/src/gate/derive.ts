import type { EventColumns } from '@millrace/protocol'
import { drop, type GateBatch } from './gate-batch.ts'
import { expiresAt } from './retention.ts'
import { fillUrlParts } from './url-parts.ts'

/** Access class of an event that names none. */
const defaultVisibility = 'user'

/**
 * What follows from the event itself. `batch_id`, `ingested_at`, `schema_version` and `project` are the record's envelope
 * (append.ts); `day` and `hour` the table's own expressions.
 */
export function derive(batch: GateBatch, from = 0, to = batch.events.length): void {
  const { events, rejections, raw } = batch
  for (let i = from; i < to; i++) {
    if (rejections[i] !== undefined) continue
    const event = events[i] as EventColumns
    event.event_source ??= raw.source
    event.visibility ??= defaultVisibility
    fillUrlParts(event)
    event.expires_at = expiresAt(event)
    if (event.expires_at <= raw.receivedAt) drop(batch, i, 'expired')
    if (event.context?.['millrace'] !== undefined || batch.notes !== undefined) keepNotes(batch, i, event)
  }
}

/** `context.millrace` is ours: what a client puts there is replaced, or `why` would tell his tale. */
function keepNotes(batch: GateBatch, index: number, event: EventColumns): void {
  const notes = batch.notes?.get(index)
  if (notes !== undefined) event.context = { ...event.context, millrace: notes }
  else if (event.context !== undefined && 'millrace' in event.context) {
    const { millrace: _, ...rest } = event.context
    event.context = rest
  }
}
