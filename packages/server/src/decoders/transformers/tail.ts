import type { EventColumns } from '@millrace/protocol'
import { asId, expected, type Issue, isObject } from '../issues.ts'
import { withinKeys } from '../key-budget.ts'
import { othersOf, readNumber, readObject, readText, readTimeField } from '../read-fields.ts'
import { mapTailRequest } from '../tail-request.ts'
import { strictly, type Transformer } from './transformer.ts'

type Json = Readonly<Record<string, unknown>>

/** One invocation of a Worker, as `tail()` gets it (`TraceItem` of @cloudflare/workers-types). */
export interface TailEvent {
  readonly scriptName: string | null
  readonly scriptVersion?: string | { readonly id?: string; readonly tag?: string; readonly message?: string }
  readonly outcome: string
  readonly eventTimestamp: number | null
  readonly event?: object | null
  readonly logs?: readonly object[]
  readonly exceptions?: readonly object[]
  readonly diagnosticsChannelEvents?: readonly object[]
  readonly cpuTime?: number
  readonly wallTime?: number
}

/**
 * | field                                      | columns                                                             |
 * | ------------------------------------------ | ------------------------------------------------------------------- |
 * | scriptName, scriptVersion                  | service_name, ns `workers://<script>`; service_version              |
 * | dispatchNamespace, entrypoint, durableObjectId | service_namespace; do_class and do_id of an object              |
 * | event.type, else by the event's fields     | event_name `workers.<type>`, `workers.invocation` when there is none |
 * | outcome                                    | outcome: ok success, exception error, others in snake_case          |
 * | eventTimestamp                             | timestamp                                                           |
 * | cpuTime, wallTime                          | cpu_time_ms, duration_ms                                            |
 * | first exception {name, message, stack}     | error_type, error_message, error_stack                              |
 * | event.request, its headers and cf          | http_*, geo_*, trace_id (tail-request.ts)                           |
 * | event.response.status                      | http_status, status_code                                            |
 * | event.queue, batchSize                     | msg_system, msg_destination, msg_operation consume, msg_batch_size  |
 * | event.rpcMethod                            | rpc_system, rpc_service = entrypoint, rpc_method                    |
 * | logs, exceptions, diagnosticsChannelEvents, cron, scheduledTime, other fields of the event | data                |
 * | tailAttributes                             | attributes                                                          |
 * | all else                                   | context                                                             |
 */
export function mapTail(tail: Json, issues: Issue[]): EventColumns {
  const columns: EventColumns = { event_type: 'tail', event_source: 'workers_tail', cloud_provider: 'cloudflare' }
  const script = readText(tail, 'scriptName', '', issues)
  if (script !== undefined) columns.service_name = script
  // A preview has no name, and says so: null.
  else if (tail['scriptName'] === undefined) issues.push('/scriptName: required')
  columns.ns = `workers://${script ?? ''}`
  const version = tail['scriptVersion']
  const versionId = isObject(version) ? (asId(version['id']) ?? asId(version['tag'])) : asId(version)
  if (versionId) columns.service_version = versionId
  const namespace = readText(tail, 'dispatchNamespace', '', issues)
  if (namespace !== undefined) columns.service_namespace = namespace
  const outcome = readText(tail, 'outcome', '', issues)
  if (outcome !== undefined) columns.outcome = outcomeOf(outcome)
  const time = readTimeField(tail, 'eventTimestamp', '', issues)
  if (time !== undefined) columns.timestamp = time
  const cpu = readNumber(tail, 'cpuTime', '', issues)
  if (cpu !== undefined) columns.cpu_time_ms = cpu
  const wall = readNumber(tail, 'wallTime', '', issues)
  if (wall !== undefined) columns.duration_ms = wall
  const entrypoint = readText(tail, 'entrypoint', '', issues)
  const object = readText(tail, 'durableObjectId', '', issues)
  if (object !== undefined) {
    columns.do_id = object
    if (entrypoint !== undefined) columns.do_class = entrypoint
  }
  const data: Record<string, unknown> = {}
  const context = othersOf(tail, placed) ?? {}
  if (isObject(version)) context['scriptVersion'] = version
  if (entrypoint !== undefined && object === undefined) context['entrypoint'] = entrypoint
  setLists(tail, data, columns, issues)
  const event = readObject(tail, 'event', '', issues)
  columns.event_name = `workers.${event === undefined ? 'invocation' : typeOf(event)}`
  if (event !== undefined) mapEvent(event, entrypoint, data, context, columns, issues)
  const attributes = readObject(tail, 'tailAttributes', '', issues)
  if (attributes !== undefined) columns.attributes = { ...attributes }
  if (Object.keys(data).length > 0) columns.data = data
  if (Object.keys(context).length > 0) columns.context = context
  return columns
}

function outcomeOf(outcome: string): string {
  if (outcome === 'ok') return 'success'
  if (outcome === 'exception') return 'error'
  return outcome.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Real items have no type: each kind of event has fields of its own. */
function typeOf(event: Json): string {
  const { type } = event
  if (typeof type === 'string' && type !== '') return type
  const found = kinds.find(([field]) => event[field] !== undefined && event[field] !== null)
  return found?.[1] ?? 'invocation'
}

const kinds = [
  ['request', 'fetch'],
  ['cron', 'scheduled'],
  ['queue', 'queue'],
  ['rpcMethod', 'rpc'],
  ['rawSize', 'email'],
  ['consumedEvents', 'tail'],
  ['getWebSocketEvent', 'websocket'],
  ['scheduledTime', 'alarm'],
  ['reason', 'hibernate'],
] as const

/** Of the 1000 keys of an event; headers, cf and the rest need a few hundred. */
const listBudget = 250

function setLists(tail: Json, data: Record<string, unknown>, columns: EventColumns, issues: Issue[]): void {
  for (const name of ['logs', 'exceptions', 'diagnosticsChannelEvents']) {
    const list = tail[name]
    if (list === undefined || list === null) continue
    if (!Array.isArray(list)) {
      issues.push(expected(`/${name}`, 'array', list))
      continue
    }
    if (list.length === 0) continue
    const { kept, more } = withinKeys(list, listBudget)
    data[name] = kept
    if (more !== undefined) data[`${name}_more`] = more
    if (name === 'exceptions' && isObject(list[0])) setError(list[0], columns)
  }
}

function setError({ name, message, stack }: Json, columns: EventColumns): void {
  if (typeof name === 'string' && name !== '') columns.error_type = name
  if (typeof message === 'string' && message !== '') columns.error_message = message
  if (typeof stack === 'string' && stack !== '') columns.error_stack = stack
}

function mapEvent(
  event: Json,
  entrypoint: string | undefined,
  data: Record<string, unknown>,
  context: Record<string, unknown>,
  columns: EventColumns,
  issues: Issue[],
): void {
  const request = readObject(event, 'request', 'event/', issues)
  if (request !== undefined) mapTailRequest(request, context, columns, issues)
  const response = readObject(event, 'response', 'event/', issues)
  if (response !== undefined) {
    const status = readNumber(response, 'status', 'event/response/', issues)
    if (status !== undefined) {
      columns.http_status = status
      columns.status_code = status
    }
    const others = othersOf(response, new Set(['status']))
    if (others !== undefined) context['response'] = others
  }
  mapQueue(event, columns, issues)
  const method = readText(event, 'rpcMethod', 'event/', issues)
  if (method !== undefined) {
    columns.rpc_system = 'workers_rpc'
    columns.rpc_method = method
    if (entrypoint !== undefined) columns.rpc_service = entrypoint
  }
  const ray = readText(event, 'rayId', 'event/', issues)
  if (ray !== undefined) columns.correlation_id = ray
  Object.assign(data, othersOf(event, placedOfEvent))
}

/** The queue's name, as the runtime says it, or `{queueName, batchSize}`. */
function mapQueue(event: Json, columns: EventColumns, issues: Issue[]): void {
  const { queue } = event
  if (queue === undefined || queue === null) return
  const name = isObject(queue)
    ? readText(queue, 'queueName', 'event/queue/', issues)
    : readText(event, 'queue', 'event/', issues)
  const size = isObject(queue)
    ? readNumber(queue, 'batchSize', 'event/queue/', issues)
    : readNumber(event, 'batchSize', 'event/', issues)
  columns.msg_system = 'cloudflare_queues'
  columns.msg_operation = 'consume'
  if (name !== undefined) columns.msg_destination = name
  if (size !== undefined) columns.msg_batch_size = size
}

const placed: ReadonlySet<string> = new Set([
  'scriptName',
  'scriptVersion',
  'dispatchNamespace',
  'outcome',
  'eventTimestamp',
  'cpuTime',
  'wallTime',
  'entrypoint',
  'durableObjectId',
  'event',
  'logs',
  'exceptions',
  'diagnosticsChannelEvents',
  'tailAttributes',
])
const placedOfEvent: ReadonlySet<string> = new Set([
  'type',
  'request',
  'response',
  'queue',
  'batchSize',
  'rpcMethod',
  'rayId',
])

/** Throws a TransformError when it is no invocation of a Worker. */
export function transformTailEvent(tail: TailEvent | Json): EventColumns {
  return strictly(tail, (issues) => mapTail(tail as Json, issues))
}

export const tail: Transformer = {
  name: 'tail',
  description: 'an invocation of a Cloudflare Worker, with its logs and exceptions',
  source: 'workers_tail',
  eventType: 'tail',
  multipleOutputs: false,
  transform: transformTailEvent,
}
