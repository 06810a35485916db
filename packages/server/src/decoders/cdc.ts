import type { EventColumns } from '@millrace/protocol'
import type { RawEvent } from '../core/batch.ts'
import { runAtOnce } from '../core/in-steps.ts'
import { changeId, nameChange, rowIdOf } from './cdc-change.ts'
import type { ChangeRecord } from './debezium.ts'
import { keyNames, semanticTypes } from './debezium-schema.ts'
import type { Decode, DecodeInSteps } from './decode.ts'
import { decodeEvents } from './event-list.ts'
import { asId, expected, type Issue, isObject, noteInfinite } from './issues.ts'
import { readJson } from './json.ts'
import { othersOf } from './read-fields.ts'
import { readTime } from './timestamp.ts'
import { mapCdc } from './transformers/cdc.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Change events over HTTP, as sinks of Kafka Connect and of Debezium Server post them, or plain:
 *
 *   body     = event / [ event, … ] / {"events":[ … ]} / {"records":[ … ]} / lines of event
 *   event    = envelope / plain / record / null
 *   record   = {"key":…, "value": envelope, "topic":…, "partition":…, "offset":…, "timestamp":…, "headers":…}
 *   envelope = {"schema":…, "payload": change} / change
 *   change   = {"op":…, "source":{…}, "before":…, "after":…} / null            (debezium.ts)
 *   plain    = {"op":…, "table":…, "key":…, "before":…, "after":…}             (transformers/cdc.ts)
 *
 * Keys and values may be JSON text themselves (string converters). A record whose value is null is a tombstone: an event of its own,
 * TOMBSTONE. A null without a key says nothing that could be stored, and is quarantined.
 */
export const decodeCdc: Decode = (body, cx) => runAtOnce(decodeCdcInSteps(body, cx))

export const decodeCdcInSteps: DecodeInSteps = function* decodeCdcSteps(body, cx) {
  if (isNull(body)) return { events: [decodeEvent(null, false)] }
  return yield* decodeEvents(body, cx, decodeEvent, ['events', 'records'])
}

/** A sink that posts one value at a time posts a tombstone so; refused, it would stop the sink. */
function isNull(body: Uint8Array): boolean {
  return body.length < 100 && Buffer.from(body).toString('latin1').trim() === 'null'
}

function decodeEvent(event: unknown, mayHaveInfinite: boolean): RawEvent {
  const issues: Issue[] = []
  const columns = mapEvent(event, issues)
  if (mayHaveInfinite) noteInfinite(event, issues)
  return issues.length === 0 ? { columns, original: event } : { columns, original: event, issues }
}

const nothingToStore =
  ': a tombstone without its key; send records with keys, or set tombstones.on.delete=false, since its delete event came before it'

function mapEvent(event: unknown, issues: Issue[]): EventColumns {
  if (isObject(event) && isRecord(event)) return mapRecord(event, issues)
  const value = openText(event)
  if (value === null) {
    issues.push(nothingToStore)
    return {}
  }
  if (!isObject(value)) {
    issues.push(expected('', 'object', event))
    return {}
  }
  return mapValue(value, {}, issues)
}

/** Has a value and what only records have beside it. */
function isRecord(event: Json): boolean {
  if (!('value' in event) || 'op' in event || 'operation' in event || 'payload' in event) return false
  return 'key' in event || 'topic' in event || 'offset' in event || 'partition' in event
}

function mapRecord(event: Json, issues: Issue[]): EventColumns {
  const kafka = othersOf(event, recordParts)
  const key = openText(event['key'])
  const value = openText(event['value'])
  const plainKey = isObject(key) && isEnvelope(key) ? key['payload'] : key
  const record: ChangeRecord = { key: plainKey, ...(kafka && { kafka }) }
  if (value === null || value === undefined || isEmptyEnvelope(value)) {
    return mapTombstone(plainKey, isObject(key) ? keyNames(key['schema']) : undefined, kafka, issues)
  }
  if (!isObject(value)) {
    issues.push(expected('/value', 'object', event['value']))
    return {}
  }
  const found: Issue[] = []
  const columns = mapValue(value, record, found)
  for (const issue of found) issues.push(`/value${issue}`)
  columns.id ??= kafkaId(kafka)
  return columns
}

const recordParts: ReadonlySet<string> = new Set(['key', 'value'])

/** A change, in its envelope or without; a key alone is a tombstone. */
function mapValue(value: Json, record: ChangeRecord, issues: Issue[]): EventColumns {
  if (!isEnvelope(value)) return mapCdc(value, { record }, issues)
  const { schema, payload } = value
  const names = keyNames(schema)
  if (names !== undefined) return mapTombstone(payload, names, record.kafka, issues)
  if (payload === null) {
    issues.push(nothingToStore)
    return {}
  }
  if (!isObject(payload)) {
    issues.push(expected('/payload', 'object', payload))
    return {}
  }
  const types = semanticTypes(schema)
  const found: Issue[] = []
  const columns = mapCdc(payload, { record: { ...record, ...(types && { types }) } }, found)
  for (const issue of found) issues.push(`/payload${issue}`)
  return columns
}

function isEnvelope(value: Json): boolean {
  return 'payload' in value && !('op' in value) && !('operation' in value)
}

function isEmptyEnvelope(value: unknown): boolean {
  return isObject(value) && isEnvelope(value) && value['payload'] === null
}

/** What a delete leaves in a compacted topic: the key, and no value. */
function mapTombstone(
  key: unknown,
  keyParts: readonly string[] | undefined,
  kafka: Json | undefined,
  issues: Issue[],
): EventColumns {
  const rowId = rowIdOf(key)
  if (rowId === undefined) {
    issues.push(nothingToStore)
    return {}
  }
  const topic = kafka?.['topic']
  const parts = keyParts ?? (typeof topic === 'string' ? topic.split('.') : [])
  const table = parts.at(-1) || undefined
  const columns: EventColumns = { event_source: 'cdc', db_system: 'unknown', db_row_id: rowId }
  if (parts.length > 1 && parts[0] !== '' && parts[0] !== undefined) columns.ns = parts[0]
  nameChange(columns, 'TOMBSTONE', table)
  if (isObject(key)) columns.data = { ...key }
  if (kafka !== undefined) columns.context = { kafka }
  const time = kafka?.['timestamp']
  const at = time === undefined || time === null ? undefined : readTime(time)
  if (typeof at === 'number') columns.timestamp = at
  const id = kafkaId(kafka)
  if (id !== undefined) columns.id = id
  return columns
}

/** Where the database's own position is not known: that of the Kafka record. */
function kafkaId(kafka: Json | undefined): string | undefined {
  const topic = kafka?.['topic']
  const partition = asId(kafka?.['partition'])
  const offset = asId(kafka?.['offset'])
  return typeof topic === 'string' && partition && offset ? changeId([topic], 'kafka', partition, offset) : undefined
}

/** JSON text of an object as that object; all else as it is. */
function openText(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[{n]/.test(value)) return value
  const body = readJson(Buffer.from(value), false)
  if ('problem' in body || body.mayHaveInfinite) return value
  return isObject(body.value) || body.value === null ? body.value : value
}
