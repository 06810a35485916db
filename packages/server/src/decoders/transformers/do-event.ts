import type { EventColumns } from '@millrace/protocol'
import type { Issue } from '../issues.ts'
import { othersOf, readId, readNumber, readObject, readText, readTimeField } from '../read-fields.ts'
import { TransformError, strictly, type Transformer } from './transformer.ts'

type Json = Readonly<Record<string, unknown>>

/** A domain event: what happened to an entity, in the past tense of its verb. */
export interface DoEvent {
  readonly id: string
  readonly verb: string
  /** The entity: `Customer/cust-1`. */
  readonly source: string
  readonly sourceType?: string
  readonly data?: Readonly<Record<string, unknown>> | null
  /** The action that caused it. */
  readonly actionId?: string
  readonly actor?: string
  /** user, agent, system or webhook. */
  readonly actorType?: string
  readonly timestamp?: Date | string | number
  readonly createdAt?: Date | string | number
  readonly bizStep?: string
  readonly disposition?: string
  readonly bizTransaction?: string
  readonly bizLocation?: string
  readonly readPoint?: string
}

/**
 * | field                                                             | columns                                      |
 * | ----------------------------------------------------------------- | -------------------------------------------- |
 * | id                                                                | id with the prefix `do_event_`; span_id      |
 * | verb                                                              | event_name, action_verb                      |
 * | source, sourceType                                                | resource_id `ns/source`, resource_type       |
 * | actionId                                                          | trace_id: that of the action, too            |
 * | actor, actorType                                                  | actor_id, actor_type                         |
 * | timestamp, else createdAt                                         | timestamp                                    |
 * | bizStep, disposition, bizTransaction, bizLocation, readPoint      | biz_step, biz_disposition, biz_…             |
 * | data                                                              | data                                         |
 * | all else                                                          | context                                      |
 */
export function mapDoEvent(event: Json, beside: { readonly ns?: string | undefined }, issues: Issue[]): EventColumns {
  const columns: EventColumns = { event_type: 'track', event_source: 'do_event' }
  const ns = namespaceOf(event, beside, issues)
  if (ns !== undefined) columns.ns = ns
  const id = readId(event, 'id', '', issues)
  if (id !== undefined) {
    columns.id = `do_event_${id}`
    columns.span_id = id
  }
  const verb = readText(event, 'verb', '', issues)
  if (verb !== undefined) {
    columns.event_name = verb
    columns.action_verb = verb
  } else if (isAbsent(event['verb'])) issues.push('/verb: required')
  const source = readId(event, 'source', '', issues)
  if (source !== undefined) columns.resource_id = ns === undefined ? source : `${ns}/${source}`
  const timestamp = readTimeField(event, 'timestamp', '', issues)
  const createdAt = readTimeField(event, 'createdAt', '', issues)
  const time = timestamp ?? createdAt
  if (time !== undefined) columns.timestamp = time
  const sequence = readNumber(event, 'sequence', '', issues)
  setTexts(event, columns, issues)
  const data = readObject(event, 'data', '', issues)
  if (data !== undefined) columns.data = { ...data }
  const others = othersOf(event, placed)
  if (others !== undefined || sequence !== undefined || (timestamp !== undefined && createdAt !== undefined)) {
    columns.context = {
      ...others,
      ...(sequence !== undefined && { sequence }),
      ...(timestamp !== undefined && createdAt !== undefined && { createdAt: event['createdAt'] }),
    }
  }
  return columns
}

/** A namespace as URLs are compared: without a slash at its end. */
export function namespaceOf(
  event: Json,
  beside: { readonly ns?: string | undefined },
  issues: Issue[],
): string | undefined {
  const ns = readText(event, 'ns', '', issues) ?? beside.ns
  return ns?.endsWith('/') ? ns.slice(0, -1) || undefined : ns
}

export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

/** Field by field: a loop over a table of names takes twice as long. */
function setTexts(event: Json, columns: EventColumns, issues: Issue[]): void {
  let text: string | undefined
  if ((text = readId(event, 'sourceType', '', issues)) !== undefined) columns.resource_type = text
  if ((text = readId(event, 'actionId', '', issues)) !== undefined) columns.trace_id = text
  if ((text = readId(event, 'actor', '', issues)) !== undefined) columns.actor_id = text
  if ((text = readId(event, 'actorType', '', issues)) !== undefined) columns.actor_type = text
  if ((text = readId(event, 'sessionId', '', issues)) !== undefined) columns.session_id = text
  if ((text = readId(event, 'workflowId', '', issues)) !== undefined) columns.workflow_id = text
  if ((text = readId(event, 'requestId', '', issues)) !== undefined) columns.correlation_id = text
  if ((text = readId(event, 'bizStep', '', issues)) !== undefined) columns.biz_step = text
  if ((text = readId(event, 'disposition', '', issues)) !== undefined) columns.biz_disposition = text
  if ((text = readId(event, 'bizTransaction', '', issues)) !== undefined) columns.biz_transaction = text
  if ((text = readId(event, 'bizLocation', '', issues)) !== undefined) columns.biz_location = text
  if ((text = readId(event, 'readPoint', '', issues)) !== undefined) columns.biz_read_point = text
}

const placed: ReadonlySet<string> = new Set([
  'id',
  'ns',
  'verb',
  'source',
  'timestamp',
  'createdAt',
  'sequence',
  'data',
  'sourceType',
  'actionId',
  'actor',
  'actorType',
  'sessionId',
  'workflowId',
  'requestId',
  'bizStep',
  'disposition',
  'bizTransaction',
  'bizLocation',
  'readPoint',
])

/** Throws a TransformError when the event is no domain event. `ns` where the event names none. */
export function transformDoEvent(event: DoEvent | Json, ns?: string): EventColumns {
  return strictly(event, (issues) => mapDoEvent(event as Json, { ns }, issues))
}

export function transformDoEvents(events: readonly (DoEvent | Json)[], ns?: string): EventColumns[] {
  if (!Array.isArray(events)) throw new TransformError(['/: expected an array of events'])
  return events.map((event) => transformDoEvent(event, ns))
}

export const doEvent: Transformer = {
  name: 'do-event',
  description: 'a domain event of an entity',
  source: 'do_event',
  eventType: 'track',
  multipleOutputs: false,
  transform: transformDoEvent,
}
