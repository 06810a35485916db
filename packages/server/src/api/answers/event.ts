import { columns, eventJsonSchema } from '@millrace/protocol'
import { fromJsonSchema } from '../../http/describe.ts'

/** The one column that is unsigned. */
const logPosition = { type: 'string', pattern: '^[0-9]{1,20}$', description: 'where in the log it stands' }

/** Columns that hold JSON as text, which is how they are read. */
const jsonTexts = Object.fromEntries(
  columns.filter(({ kind }) => kind === 'jsonText').map(({ name }) => [name, { type: 'string' }]),
)

/** One row of `events` as the API writes it: populated columns only, so none of them is ever null. */
export const storedEvent = fromJsonSchema('StoredEvent', {
  type: 'object',
  description: 'One stored event: its populated columns, 64-bit integers as strings',
  required: ['id', 'event_type', 'event_name', 'timestamp', 'project', 'ingested_at', 'log_position'],
  properties: { ...(eventJsonSchema()['properties'] as object), ...jsonTexts, log_position: logPosition },
})

export const storedEventExample = {
  id: '01JD8Z3C9V',
  event_type: 'track',
  event_name: 'signed_up',
  ns: 'default',
  timestamp: '2026-11-21T09:00:00.000Z',
  actor_id: 'ada',
  properties: { plan: 'pro' },
  project: 'default',
  event_source: 'millrace',
  ingested_at: '2026-11-21T09:00:00.120Z',
  log_position: '432345564227567616',
}
