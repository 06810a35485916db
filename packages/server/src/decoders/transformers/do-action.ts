import { type EventColumns, stringifyJson } from '@millrace/protocol'
import { describe, expected, type Issue, isObject } from '../issues.ts'
import { othersOf, readId, readNumber, readText, readTimeField } from '../read-fields.ts'
import { isAbsent, namespaceOf } from './do-event.ts'
import { strictly, type Transformer } from './transformer.ts'

type Json = Readonly<Record<string, unknown>>

/** What somebody did to an entity, once it is over. */
export interface DoAction {
  readonly id: string
  readonly verb: string
  /** completed or failed: one that is still under way is no event yet. */
  readonly status: string
  /** send, try or do. */
  readonly durability?: string
  /** Paths: `Human/nathan`, `Customer/cust_123`. */
  readonly actor?: string
  readonly target?: string
  readonly inputVersion?: number
  readonly outputVersion?: number
  readonly error?: string | Readonly<Record<string, unknown>>
  readonly requestId?: string
  readonly sessionId?: string
  readonly workflowId?: string
  readonly startedAt?: Date | string | number
  readonly completedAt?: Date | string | number
  readonly durationMs?: number
}

const outcomes: ReadonlyMap<unknown, string> = new Map([
  ['completed', 'success'],
  ['failed', 'error'],
])
const durabilities: readonly unknown[] = ['send', 'try', 'do']

/**
 * | field                          | columns                                                                        |
 * | ------------------------------ | ------------------------------------------------------------------------------ |
 * | id                             | id, span_id; trace_id unless `traceId` says another: its domain events have it |
 * | verb                           | event_name `action.<verb>`, action_verb                                        |
 * | status completed, failed       | outcome success, error; others are refused                                     |
 * | durability                     | action_durability                                                              |
 * | actor                          | actor_id                                                                       |
 * | target                         | action_target, resource_id; resource_type = its first part                     |
 * | inputVersion, outputVersion    | action_input_version; resource_version                                         |
 * | requestId, sessionId, workflowId, parentId | correlation_id, session_id, workflow_id, parent_id                 |
 * | startedAt, completedAt         | started_at and timestamp, ended_at (timestamp where startedAt is absent); duration_ms, else durationMs |
 * | error                          | error_message (an object as JSON), error_type, error_stack                     |
 * | all else                       | context                                                                        |
 */
export function mapDoAction(action: Json, beside: { readonly ns?: string | undefined }, issues: Issue[]): EventColumns {
  const columns: EventColumns = { event_type: 'trace', event_source: 'do_action' }
  const ns = namespaceOf(action, beside, issues)
  if (ns !== undefined) columns.ns = ns
  const id = readId(action, 'id', '', issues)
  if (id !== undefined) {
    columns.id = id
    columns.span_id = id
  } else if (isAbsent(action['id'])) issues.push('/id: required')
  const trace = readText(action, 'traceId', '', issues) ?? id
  if (trace !== undefined) columns.trace_id = trace
  const verb = readText(action, 'verb', '', issues)
  if (verb !== undefined) {
    columns.event_name = `action.${verb}`
    columns.action_verb = verb
  } else if (isAbsent(action['verb'])) issues.push('/verb: required')
  setOutcome(action, columns, issues)
  setTexts(action, columns, issues)
  const target = columns.action_target
  if (target !== undefined) {
    columns.resource_id = target
    columns.resource_type = target.split('/', 1)[0] || target
  }
  const version = readNumber(action, 'inputVersion', '', issues)
  if (version !== undefined) columns.action_input_version = version
  const said = setTimes(action, columns, issues)
  setError(action['error'], columns, issues)
  const others = othersOf(action, placed)
  const otherDuration = said === columns.duration_ms ? undefined : said
  if (others !== undefined) columns.context = others
  if (otherDuration !== undefined) columns.context = { ...others, durationMs: otherDuration }
  return columns
}

function setOutcome(action: Json, columns: EventColumns, issues: Issue[]): void {
  const { status, durability } = action
  const outcome = outcomes.get(status)
  if (outcome !== undefined) columns.outcome = outcome
  else if (isAbsent(status)) issues.push('/status: required')
  else issues.push(`/status: expected completed or failed, got ${describe(status)}; send the action when it is over`)
  if (durabilities.includes(durability)) columns.action_durability = durability as string
  else if (!isAbsent(durability)) issues.push(expected('/durability', 'send, try or do', durability))
}

/** Returns the duration that the action says of itself, which counts where its times say none. */
function setTimes(action: Json, columns: EventColumns, issues: Issue[]): number | undefined {
  const started = readTimeField(action, 'startedAt', '', issues)
  const ended = readTimeField(action, 'completedAt', '', issues)
  const said = readNumber(action, 'durationMs', '', issues)
  const duration = started !== undefined && ended !== undefined ? ended - started : said
  const time = started ?? ended
  if (started !== undefined) columns.started_at = started
  if (ended !== undefined) columns.ended_at = ended
  if (duration !== undefined) columns.duration_ms = duration
  if (time !== undefined) columns.timestamp = time
  return said
}

function setError(error: unknown, columns: EventColumns, issues: Issue[]): void {
  if (isAbsent(error)) return
  if (typeof error === 'string') columns.error_message = error
  else if (isObject(error)) {
    columns.error_message = stringifyJson(error)
    const type = error['name'] ?? error['type'] ?? error['code']
    if (typeof type === 'string' && type !== '') columns.error_type = type
    if (typeof error['stack'] === 'string' && error['stack'] !== '') columns.error_stack = error['stack']
  } else issues.push(expected('/error', 'string or object', error))
}

/** Field by field: a loop over a table of names takes twice as long. */
function setTexts(action: Json, columns: EventColumns, issues: Issue[]): void {
  let text: string | undefined
  if ((text = readId(action, 'actor', '', issues)) !== undefined) columns.actor_id = text
  if ((text = readId(action, 'actorType', '', issues)) !== undefined) columns.actor_type = text
  if ((text = readId(action, 'target', '', issues)) !== undefined) columns.action_target = text
  if ((text = readId(action, 'outputVersion', '', issues)) !== undefined) columns.resource_version = text
  if ((text = readId(action, 'requestId', '', issues)) !== undefined) columns.correlation_id = text
  if ((text = readId(action, 'sessionId', '', issues)) !== undefined) columns.session_id = text
  if ((text = readId(action, 'workflowId', '', issues)) !== undefined) columns.workflow_id = text
  if ((text = readId(action, 'parentId', '', issues)) !== undefined) columns.parent_id = text
}

const placed: ReadonlySet<string> = new Set([
  'id',
  'ns',
  'verb',
  'status',
  'durability',
  'traceId',
  'inputVersion',
  'startedAt',
  'completedAt',
  'durationMs',
  'error',
  'actor',
  'actorType',
  'target',
  'outputVersion',
  'requestId',
  'sessionId',
  'workflowId',
  'parentId',
])

/** Throws a TransformError when the action is not over, or is none. `ns` where the action names none. */
export function transformDoAction(action: DoAction | Json, ns?: string): EventColumns {
  return strictly(action, (issues) => mapDoAction(action as Json, { ns }, issues))
}

export const doAction: Transformer = {
  name: 'do-action',
  description: 'an action that completed or failed, as a span',
  source: 'do_action',
  eventType: 'trace',
  multipleOutputs: false,
  transform: transformDoAction,
}
