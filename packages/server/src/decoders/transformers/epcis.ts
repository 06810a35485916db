import type { EventColumns } from '@millrace/protocol'
import { expected, type Issue, isObject } from '../issues.ts'
import { othersOf, readId, readText, readTimeField, spelling } from '../read-fields.ts'
import { strictly, type Transformer } from './transformer.ts'

type Json = Readonly<Record<string, unknown>>

const eventTypes = ['ObjectEvent', 'AggregationEvent', 'TransactionEvent', 'TransformationEvent', 'AssociationEvent']
const verbs: Readonly<Record<string, string>> = { ADD: 'add', DELETE: 'remove', OBSERVE: 'observe' }

/** An event of GS1's EPCIS 2.0, as its JSON has it. Extensions and all other fields are kept. */
export interface EpcisEvent {
  readonly type?: string
  /** Another spelling of `type`. */
  readonly eventType?: string
  readonly eventTime: Date | string | number
  readonly eventID?: string
  /** ADD, DELETE or OBSERVE. */
  readonly action?: string
  readonly bizStep?: string
  readonly disposition?: string
  readonly readPoint?: { readonly id: string }
  readonly bizLocation?: { readonly id: string }
  readonly bizTransactionList?: readonly { readonly type?: string; readonly bizTransaction: string }[]
  readonly parentID?: string
  readonly epcList?: readonly string[]
  readonly childEPCs?: readonly string[]
  readonly inputEPCList?: readonly string[]
  readonly outputEPCList?: readonly string[]
  readonly [more: string]: unknown
}

/** What stands beside the event. */
export interface EpcisBeside {
  /** Default: epcis. */
  readonly ns?: string
  readonly actorId?: string
  readonly correlationId?: string
}

/**
 * | event                                        | columns                                                              |
 * | -------------------------------------------- | -------------------------------------------------------------------- |
 * | eventID                                      | id = `epcis-<eventID>`                                               |
 * | type                                         | event_name                                                           |
 * | eventTime                                    | timestamp                                                            |
 * | action                                       | action_verb: add, remove, observe; observe when there is none        |
 * | bizStep, disposition                         | biz_step, biz_disposition, the vocabulary's own by their short names |
 * | bizTransactionList, the first                | biz_transaction                                                      |
 * | bizLocation.id, readPoint.id                 | biz_location, biz_read_point                                         |
 * | parentID                                     | resource_id, with resource_type container                            |
 * | else the first EPC or EPC class of the lists | resource_id, with resource_type product                              |
 *
 * `data` has all other fields, and the lists whole.
 */
function mapEpcis(event: Json, beside: EpcisBeside, issues: Issue[]): EventColumns {
  const columns: EventColumns = { event_type: 'track', event_source: 'epcis' }
  columns.ns = readText({ ns: beside.ns }, 'ns', '', issues) ?? 'epcis'
  const actor = readId({ actorId: beside.actorId }, 'actorId', '', issues)
  if (actor !== undefined) columns.actor_id = actor
  const correlation = readId({ correlationId: beside.correlationId }, 'correlationId', '', issues)
  if (correlation !== undefined) columns.correlation_id = correlation

  const id = readText(event, 'eventID', '', issues)
  if (id !== undefined) columns.id = `epcis-${id}`
  const typeKey = spelling(event, 'type', 'eventType')
  const type = event[typeKey]
  if (typeof type === 'string' && eventTypes.includes(type)) columns.event_name = type
  else issues.push(type === undefined ? '/type: required' : expected(`/${typeKey}`, eventTypes.join(', '), type))
  const time = readTimeField(event, 'eventTime', '', issues)
  if (time !== undefined) columns.timestamp = time
  else if (event['eventTime'] === undefined || event['eventTime'] === null) issues.push('/eventTime: required')
  setVerb(event['action'], columns, issues)
  const step = readText(event, 'bizStep', '', issues)
  if (step !== undefined) columns.biz_step = shortCbvName(step)
  const disposition = readText(event, 'disposition', '', issues)
  if (disposition !== undefined) columns.biz_disposition = shortCbvName(disposition)

  const placed = new Set([typeKey, 'eventID', 'eventTime', 'action', 'bizStep', 'disposition'])
  const location = readPlace(event, 'bizLocation', placed, issues)
  if (location !== undefined) columns.biz_location = location
  const readPoint = readPlace(event, 'readPoint', placed, issues)
  if (readPoint !== undefined) columns.biz_read_point = readPoint
  const transaction = firstOf(event, 'bizTransactionList', 'bizTransaction', issues)
  if (transaction !== undefined) columns.biz_transaction = transaction
  setResource(event, columns, issues)
  const data = othersOf(event, placed)
  if (data !== undefined) columns.data = data
  return columns
}

function setVerb(action: unknown, columns: EventColumns, issues: Issue[]): void {
  const verb = action === undefined || action === null ? 'observe' : verbOf(action)
  if (verb !== undefined) columns.action_verb = verb
  else issues.push(expected('/action', Object.keys(verbs).join(', '), action))
}

function verbOf(action: unknown): string | undefined {
  return typeof action === 'string' && Object.hasOwn(verbs, action) ? verbs[action] : undefined
}

/** `{id}`; whatever else it holds keeps the whole place in `data`. */
function readPlace(event: Json, key: string, placed: Set<string>, issues: Issue[]): string | undefined {
  const place = event[key]
  if (place === undefined || place === null) return undefined
  if (!isObject(place)) {
    issues.push(expected(`/${key}`, 'object', place))
    return undefined
  }
  if (Object.keys(place).every((name) => name === 'id')) placed.add(key)
  return readText(place, 'id', `${key}/`, issues)
}

/** The first of a list: a string, or that field of an object. */
function firstOf(event: Json, key: string, field: string | undefined, issues: Issue[]): string | undefined {
  const list = event[key]
  if (list === undefined || list === null) return undefined
  if (!Array.isArray(list)) {
    issues.push(expected(`/${key}`, 'array', list))
    return undefined
  }
  if (list.length === 0) return undefined
  const first: unknown = list[0]
  if (field === undefined) return readText({ 0: first }, '0', `${key}/`, issues)
  if (isObject(first)) return readText(first, field, `${key}/0/`, issues)
  issues.push(expected(`/${key}/0`, 'object', first))
  return undefined
}

/** What an event without a parent is about: the first that is there. Class-level lists name a kind of product. */
const products: readonly (readonly [list: string, field?: string])[] = [
  ['epcList'],
  ['outputEPCList'],
  ['inputEPCList'],
  ['childEPCs'],
  ['quantityList', 'epcClass'],
  ['outputQuantityList', 'epcClass'],
  ['inputQuantityList', 'epcClass'],
  ['childQuantityList', 'epcClass'],
]

function setResource(event: Json, columns: EventColumns, issues: Issue[]): void {
  const parent = readText(event, 'parentID', '', issues)
  let product: string | undefined
  // All lists are read, so that a wrong one is an issue even where another one is used.
  for (const [list, field] of products) {
    const first = firstOf(event, list, field, issues)
    product ??= first
  }
  const resource = parent ?? product
  if (resource === undefined) return
  columns.resource_type = parent === undefined ? 'product' : 'container'
  columns.resource_id = resource
}

/**
 * A value of GS1's Core Business Vocabulary in any of its spellings:
 *   urn:epcglobal:cbv:bizstep:<name> | urn:epcglobal:cbv:disp:<name>
 *   https://ref.gs1.org/cbv/BizStep-<name> | https://ns.gs1.org/cbv/Disp-<name> | cbv:BizStep-<name> | cbv:Disp-<name>
 */
const cbvName =
  /^(?:urn:epcglobal:cbv:(?:bizstep|disp):|(?:https:\/\/(?:ref|ns)\.gs1\.org\/cbv\/|cbv:)(?:BizStep|Disp)-)([A-Za-z0-9_]+)$/

/** `shipping` for any spelling of the vocabulary's shipping. A company's own value stays whole: its short form may mean something else. */
export function shortCbvName(value: string): string {
  return cbvName.exec(value)?.[1] ?? value
}

/** Throws a TransformError when the event is no EPCIS event. */
export function transformEPCISEvent(event: EpcisEvent, beside: EpcisBeside | string = {}): EventColumns {
  const known = typeof beside === 'string' ? { ns: beside } : isObject(beside) ? beside : {}
  return strictly(event, (issues) => mapEpcis(event, known, issues))
}

export const epcis: Transformer = {
  name: 'epcis',
  description: 'a supply chain event of GS1 EPCIS 2.0',
  source: 'epcis',
  eventType: 'track',
  multipleOutputs: false,
  transform: transformEPCISEvent,
}
