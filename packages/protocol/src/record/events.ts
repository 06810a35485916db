import { columns } from '../columns/columns.ts'
import type { EventColumns } from '../columns/types.ts'
import { parseJson, stringifyJson } from '../json.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { type EventField, eventFields } from './event-fields.ts'
import { beginRecord, finishRecord, headerBytes, maxRecordEvents, peekHeader } from './header.ts'
import { type Message, writeMessage } from './message.ts'
import { RecordError } from './record-error.ts'
import type { EventsEnvelope, EventsRecord } from './types.ts'
import { walkEventsRecord } from './walk.ts'

/*
 * body  = EventsRecord: the envelope's fields (1 … 6), then one field 15 per event
 * Event = one field per present column, numbered as the column, in any order; a column is absent when it is undefined, null or ''
 *
 *   string, enum   length-delimited, UTF-8; lone surrogates become U+FFFD
 *   json, jsonText length-delimited, JSON text with exact integers (json.ts)
 *   bytes          length-delimited
 *   number         double, 8 bytes little-endian
 *   bigint         sfixed64
 *   boolean        varint 0 | 1
 *   timestamp      sint64: zigzag varint of Unix ms, the millisecond it falls into
 *
 * Columns that the envelope carries and those that the store computes are never written per event.
 */
export const envelopeMessage: Message<EventsEnvelope> = {
  name: 'EventsEnvelope',
  comment: 'What all events of one record share.',
  fields: [
    { number: 1, name: 'project', type: 'string', comment: 'project of the write key' },
    { number: 2, name: 'batchId', type: 'string', comment: 'batch the events came in' },
    { number: 3, name: 'source', type: 'string', comment: 'dialect, as the ledger counts it' },
    { number: 4, name: 'ingestedAt', type: 'sint64', comment: 'Unix ms' },
    { number: 5, name: 'schemaVersion', type: 'uint64', comment: 'version of the unified schema' },
    { number: 6, name: 'planVersion', type: 'uint64', comment: 'tracking plan that judged the events; 0 = none' },
  ],
}

export const eventsField = 15
const eventTag = (eventsField << 3) | 2

/**
 * Write `events[from … to)` as one record. `writer` may be kept and handed in again: the hot path then allocates nothing but
 * the result. Throws TypeError on a value that its column cannot hold: the gate has let through what it must not.
 */
export function encodeEventsRecord(
  envelope: EventsEnvelope,
  events: readonly EventColumns[],
  from = 0,
  to = events.length,
  writer: ByteWriter = new ByteWriter(),
): Uint8Array {
  const count = to - from
  if (count < 1 || count > maxRecordEvents)
    throw new RangeError(`a record holds 1 to ${maxRecordEvents} events, got ${count}`)
  beginRecord(writer)
  writeMessage(writer, envelopeMessage, envelope)
  for (let i = from; i < to; i++) {
    writer.varint32(eventTag)
    const start = writer.open()
    writeEvent(writer, events[i] as EventColumns)
    writer.close(start)
  }
  return finishRecord(writer, count)
}

function writeEvent(writer: ByteWriter, event: EventColumns): void {
  for (const name in event) {
    const value = (event as Record<string, unknown>)[name]
    if (value === undefined || value === null || value === '') continue
    const field = eventFields[name]
    if (field === undefined) throw new TypeError(`event has no column ${JSON.stringify(name.slice(0, 64))}`)
    if (!field.carried) continue
    switch (field.code) {
      case 'text':
        if (typeof value !== 'string') throw wrongType(field, value)
        writer.taggedString(field.tag, value)
        break
      case 'double':
        if (typeof value !== 'number') throw wrongType(field, value)
        writer.varint32(field.tag)
        writer.double(value)
        break
      case 'time':
        if (typeof value !== 'number' || !(Math.abs(value) <= maxTime)) throw wrongType(field, value)
        writer.varint32(field.tag)
        writer.zigzag(Math.floor(value))
        break
      case 'json':
        if (typeof value !== 'object') throw wrongType(field, value)
        writer.taggedString(field.tag, stringifyJson(value))
        break
      case 'anyJson':
        writer.taggedString(field.tag, stringifyJson(value))
        break
      case 'boolean':
        if (typeof value !== 'boolean') throw wrongType(field, value)
        writer.varint32(field.tag)
        writer.varint32(value ? 1 : 0)
        break
      case 'fixed64':
        if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) throw wrongType(field, value)
        writer.varint32(field.tag)
        writer.fixed64(value)
        break
      case 'bytes':
        if (!(value instanceof Uint8Array)) throw wrongType(field, value)
        writer.varint32(field.tag)
        writer.bytes(value)
        break
    }
  }
}

/** Range of JavaScript's Date, in ms. Zigzag of it stays within 2^53 only to half of that: the years ±142,000. */
const maxTime = 2 ** 52 - 1

function wrongType(field: EventField, value: unknown): TypeError {
  return new TypeError(
    `column ${field.name} holds ${field.kind}, got ${typeof value}${typeof value === 'number' ? ` ${value}` : ''}`,
  )
}

/** Read a whole record into memory. Throws RecordError. */
export function decodeEventsRecord(value: Uint8Array): EventsRecord {
  const envelope = readEnvelope(value)
  const { count } = peekHeader(value)
  const events: EventColumns[] = Array.from({ length: Math.min(count, maxRecordEvents) }, () => ({}))
  walkEventsRecord(value, {
    bytes(row, number, buffer, start, end) {
      const field = fieldOf(number)
      ;(events[row] as Record<string, unknown>)[field.name] = readBytes(field, buffer, start, end)
    },
    number(row, number, numeric) {
      const field = fieldOf(number)
      ;(events[row] as Record<string, unknown>)[field.name] = field.code === 'boolean' ? numeric !== 0 : numeric
    },
    bigint(row, number, integer) {
      ;(events[row] as Record<string, unknown>)[fieldOf(number).name] = integer
    },
  })
  return { envelope, events }
}

const fieldByNumber: ReadonlyMap<number, EventField> = new Map(
  columns.map((column) => [column.number, eventFields[column.name] as EventField]),
)

function fieldOf(number: number): EventField {
  return fieldByNumber.get(number) as EventField // walk has refused unknown numbers
}

function readBytes(field: EventField, buffer: Buffer, start: number, end: number): unknown {
  if (field.code === 'bytes') return new Uint8Array(buffer.subarray(start, end))
  const text = buffer.toString('utf8', start, end)
  if (field.code === 'text') return text
  try {
    return parseJson(text)
  } catch {
    throw new RecordError('corrupt', `column ${field.name} of a record holds no JSON`)
  }
}

/** The envelope alone: neither the events nor the checksum are looked at. */
export function readEnvelope(value: Uint8Array): EventsEnvelope {
  peekHeader(value)
  const reader = new ByteReader(value, headerBytes)
  const envelope = { project: '', batchId: '', source: '', ingestedAt: 0, schemaVersion: 0, planVersion: 0 }
  // The writer puts the envelope first, so the first event ends it.
  while (reader.position < reader.end) {
    const tag = reader.varint()
    if (tag === eventTag) break
    if (tag === 10) envelope.project = reader.string()
    else if (tag === 18) envelope.batchId = reader.string()
    else if (tag === 26) envelope.source = reader.string()
    else if (tag === 32) envelope.ingestedAt = reader.zigzag()
    else if (tag === 40) envelope.schemaVersion = reader.varint()
    else if (tag === 48) envelope.planVersion = reader.varint()
    else reader.skip(tag & 7)
  }
  return envelope
}

/** The event with the columns that its record's envelope carries, as it will stand in the table. */
export function withEnvelope(envelope: EventsEnvelope, event: EventColumns): EventColumns {
  return {
    ...event,
    project: envelope.project,
    batch_id: envelope.batchId,
    ingested_at: envelope.ingestedAt,
    schema_version: envelope.schemaVersion,
    plan_version: envelope.planVersion,
  }
}
