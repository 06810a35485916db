import type { EventColumns } from '@millrace/protocol'
import type { DecodedBatch, RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import { asId, describe, expected, type Issue, isObject, noteInfinite, pointerKey, setKey } from './issues.ts'
import { parseJsonBytes } from './json.ts'
import { maxEventsPerBody } from './limits.ts'
import { tooManyEvents } from './ndjson.ts'
import { type BatchFacts, readBrowserEvent } from './s0-event.ts'
import { envelopeFields, type Field, type FieldType, payloads } from './s0-fields.ts'
import { readTime } from './timestamp.ts'
import { WireReader } from './wire.ts'
import { WireWriter } from './wire-writer.ts'

/**
 * The JSON mapping: an EventBatch with the names of the .proto in snake_case or lowerCamelCase. Each event is checked,
 * written as protobuf and read by the one reader of BrowserEvents, so both forms of an event give the same columns.
 * A key that the .proto does not have is kept in `properties`; in an AIInteraction it makes the event bad, since it might be
 * the conversation's content.
 */
export function decodeS0Json(body: Uint8Array): DecodedBatch {
  const { value, mayHaveInfinite } = parseJsonBytes(body)
  if (!isObject(value)) throw new PipelineError('malformed', `the body is ${describe(value)}, expected {"events":[…]}`)
  const list = value['events']
  if (!Array.isArray(list))
    throw new PipelineError('malformed', `/events is ${describe(list)}, expected an array of events`)
  if (list.length > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody, list.length)
  const batchId = asId(either(value, 'batch_id', 'batchId'))
  const deviceId = asId(either(value, 'device_id', 'deviceId')) ?? ''
  const sdkVersion = asId(either(value, 'sdk_version', 'sdkVersion')) ?? ''
  const sentAt = readTime(integerOf(either(value, 'sent_at', 'sentAt')))
  const sequence = integerOf(either(value, 'seq_number', 'seqNumber'))
  const events = list.map((event) => decodeEvent(event, { deviceId, sdkVersion }, mayHaveInfinite))
  const device = deviceId === '' ? events[0]?.columns.context?.['device_id'] : deviceId
  return {
    events,
    ...(typeof sentAt === 'number' && { sentAt }),
    ...(typeof batchId === 'string' && { batchId }),
    ...(typeof sequence === 'number' &&
      Number.isSafeInteger(sequence) &&
      sequence > 0 &&
      typeof device === 'string' && { sequence: { device, number: sequence } }),
  }
}

function decodeEvent(event: unknown, batch: BatchFacts, mayHaveInfinite: boolean): RawEvent {
  const columns: EventColumns = {}
  if (!isObject(event)) return { columns, original: event, issues: [expected('', 'object', event)] }
  const issues: Issue[] = []
  const others: Record<string, unknown> = {}
  const writer = new WireWriter()
  let payload: string | undefined
  let isClosed = false
  for (const key of Object.keys(event)) {
    const value = event[key]
    if (value === null) continue
    const field = envelopeFields.get(key)
    const fields = payloads.get(key)
    if (field !== undefined) writeField(writer, field, value, `/${key}`, issues)
    else if (fields === undefined) setKey(others, key, value)
    else if (!isObject(value)) issues.push(expected(`/${key}`, 'object', value))
    else if (payload !== undefined) issues.push(`/${key}: a second payload beside ${payload}`)
    else {
      payload = key
      isClosed = fields.isClosed
      writer.bytes(
        fields.number,
        writePayload(fields.fields, value, `/${key}`, fields.isClosed ? undefined : others, issues),
      )
    }
  }
  const found = issues.length
  readBrowserEvent(new WireReader(writer.finish()), batch, columns, issues)
  // What was refused above is missing below: say it once.
  if (found > 0) issues.length = found
  if (isClosed) for (const key of Object.keys(others)) issues.push(unknownInClosed(`/${pointerKey(key)}`))
  else keepOthers(columns, others)
  if (mayHaveInfinite) noteInfinite(event, issues)
  return issues.length === 0 ? { columns, original: event } : { columns, original: event, issues }
}

function writePayload(
  fields: ReadonlyMap<string, Field>,
  payload: Record<string, unknown>,
  pointer: string,
  others: Record<string, unknown> | undefined,
  issues: Issue[],
): Uint8Array {
  const writer = new WireWriter()
  for (const key of Object.keys(payload)) {
    const value = payload[key]
    if (value === null) continue
    const field = fields.get(key)
    if (field !== undefined) writeField(writer, field, value, `${pointer}/${key}`, issues)
    else if (others !== undefined) setKey(others, key, value)
    else issues.push(unknownInClosed(`${pointer}/${pointerKey(key)}`))
  }
  return writer.finish()
}

function unknownInClosed(pointer: string): Issue {
  return `${pointer}: unknown field, which could hold content of the conversation; leave it out`
}

function writeField(writer: WireWriter, field: Field, value: unknown, pointer: string, issues: Issue[]): void {
  const { number, type, names } = field
  if (type === 'string' || type === 'id') {
    const text = type === 'id' ? asId(value) : value
    if (typeof text === 'string') writer.string(number, text)
    else if (text !== undefined) issues.push(expected(pointer, 'string', value))
  } else if (type === 'double') {
    // An integer of 16 and more digits is a bigint here, and a double was meant.
    if (typeof value === 'number' || typeof value === 'bigint') writer.double(number, Number(value))
    else issues.push(expected(pointer, 'number', value))
  } else if (type === 'bool') {
    if (typeof value === 'boolean') writer.varint(number, value ? 1n : 0n)
    else issues.push(expected(pointer, 'boolean', value))
  } else if (type === 'time') {
    const time = readTime(integerOf(value))
    if (typeof time === 'number') writer.varint(number, BigInt(time))
    else issues.push(`${pointer}: ${time}`)
  } else if (type === 'enum') {
    const index = typeof value === 'string' ? (names ?? []).indexOf(value.toLowerCase()) : integerOf(value)
    if (typeof index === 'number' && Number.isInteger(index) && index >= 0) writer.varint(number, BigInt(index))
    else issues.push(expected(pointer, (names ?? []).slice(1).join(', '), value))
  } else {
    const integer = integerOf(value)
    const isInteger = typeof integer === 'bigint' || (typeof integer === 'number' && Number.isSafeInteger(integer))
    const [least, most] = ranges[type]
    if (!isInteger) issues.push(expected(pointer, 'integer', value))
    else if (integer < least || integer > most) issues.push(`${pointer}: ${integer} is not within ${least} to ${most}`)
    else writer.varint(number, BigInt(integer))
  }
}

const ranges: Readonly<Record<Extract<FieldType, 'uint32' | 'uint64' | 'int64'>, readonly [bigint, bigint]>> = {
  uint32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
}

/** protobuf's JSON writes 64-bit integers as decimal strings; everything else stays as it is. */
function integerOf(value: unknown): unknown {
  if (typeof value !== 'string' || !/^-?[0-9]{1,20}$/.test(value)) return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : BigInt(value)
}

function either(value: Record<string, unknown>, first: string, second: string): unknown {
  return value[first] ?? value[second]
}

function keepOthers(columns: EventColumns, others: Record<string, unknown>): void {
  for (const key of Object.keys(others)) {
    columns.properties ??= {}
    if (!Object.hasOwn(columns.properties, key)) setKey(columns.properties, key, others[key])
    else {
      columns.data ??= {}
      setKey(columns.data, key, others[key])
    }
  }
}
