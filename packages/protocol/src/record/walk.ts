import { columns } from '../columns/columns.ts'
import { removedColumns } from '../columns/registry.ts'
import { ByteReader } from './byte-reader.ts'
import { eventFields, type FieldCode, wireTypeOf } from './event-fields.ts'
import { headerBytes, maxRecordEvents, readHeader } from './header.ts'
import { RecordError } from './record-error.ts'

/** Receives the columns of a record, event by event, in the order they were written. `field` is the column's number. */
export interface EventVisitor {
  /** string, enum, json, jsonText and bytes columns: `buffer[start … end)`, UTF-8 but for bytes. The buffer is the record's own: copy what you keep. */
  bytes(row: number, field: number, buffer: Buffer, start: number, end: number): void
  /** number columns as they are, boolean as 0 | 1, timestamp as Unix ms */
  number(row: number, field: number, value: number): void
  /** bigint columns */
  bigint(row: number, field: number, value: bigint): void
}

const eventsTag = (15 << 3) | 2

const ways: readonly (FieldCode | 'removed' | undefined)[] = (() => {
  const table: (FieldCode | 'removed' | undefined)[] = Array.from({ length: 1024 })
  for (const { number, name } of columns) table[number] = eventFields[name]?.code
  for (const number of removedColumns) table[number] = 'removed'
  return table
})()

/**
 * Walk all events of a record without making an object or a string; returns how many there were. The checksum is verified first.
 * A column that this build does not know was written by a newer one: 'newer_version', since leaving it out would lose it.
 */
export function walkEventsRecord(value: Uint8Array, visitor: EventVisitor): number {
  const { count } = readHeader(value)
  if (count > maxRecordEvents)
    throw new RecordError('corrupt', `record of ${count} events, at most ${maxRecordEvents} are possible`)
  const reader = new ByteReader(value, headerBytes)
  let row = 0
  while (reader.position < reader.end) {
    const tag = reader.varint()
    if (tag !== eventsTag) {
      reader.skip(tag & 7)
      continue
    }
    if (row === count) throw new RecordError('corrupt', `record holds more events than the ${count} of its header`)
    const start = reader.delimited()
    const end = reader.position
    reader.position = start
    walkEvent(reader, end, row, visitor)
    row++
  }
  if (row !== count) throw new RecordError('corrupt', `record holds ${row} events, its header says ${count}`)
  return count
}

function walkEvent(reader: ByteReader, end: number, row: number, visitor: EventVisitor): void {
  while (reader.position < end) {
    const tag = reader.varint()
    const field = Math.floor(tag / 8)
    const way = ways[field]
    if (way === undefined) {
      throw new RecordError('newer_version', `record has column number ${field}, unknown here: update this Millrace`)
    }
    if (way === 'removed') {
      reader.skip(tag & 7)
      continue
    }
    if ((tag & 7) !== wireTypeOf(way))
      throw new RecordError('corrupt', `column number ${field} of a record has wire type ${tag & 7}`)
    switch (way) {
      case 'double':
        visitor.number(row, field, reader.double())
        break
      case 'boolean':
        visitor.number(row, field, reader.varint())
        break
      case 'time':
        visitor.number(row, field, reader.zigzag())
        break
      case 'fixed64':
        visitor.bigint(row, field, reader.fixed64())
        break
      case 'text':
      case 'json':
      case 'anyJson':
      case 'bytes': {
        const start = reader.delimited()
        visitor.bytes(row, field, reader.buffer, start, reader.position)
      }
    }
  }
  if (reader.position !== end) throw new RecordError('corrupt', `event ${row} of a record ends inside a column`)
}
