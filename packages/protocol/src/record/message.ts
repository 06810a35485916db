import { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'

/** Field types that our small messages need, with their protobuf names. `strings` and `messages` are repeated. */
export type FieldType = 'string' | 'strings' | 'bytes' | 'uint64' | 'sint64' | 'messages'

export interface Field<T> {
  readonly number: number
  readonly name: keyof T & string
  readonly type: FieldType
  /** For `messages`. */
  readonly message?: Message<never>
  readonly comment?: string
}

/** One protobuf message, declared once: the codec below and record.proto both follow it. */
export interface Message<T> {
  readonly name: string
  readonly comment: string
  readonly fields: readonly Field<T>[]
}

const wireTypes: Readonly<Record<FieldType, number>> = {
  string: 2,
  strings: 2,
  bytes: 2,
  messages: 2,
  uint64: 0,
  sint64: 0,
}

/** Write the fields of a message, without its own length. As in proto3, '' and 0 are not written. */
export function writeMessage<T extends object>(writer: ByteWriter, message: Message<T>, value: T): void {
  for (const field of message.fields) {
    const fieldValue = value[field.name] as unknown
    const tag = (field.number << 3) | wireTypes[field.type]
    switch (field.type) {
      case 'string':
        if (fieldValue === '') break
        writer.varint32(tag)
        writer.string(fieldValue as string)
        break
      case 'bytes':
        if ((fieldValue as Uint8Array).length === 0) break
        writer.varint32(tag)
        writer.bytes(fieldValue as Uint8Array)
        break
      case 'uint64':
        if (fieldValue === 0) break
        writer.varint32(tag)
        writer.varint53(assertWhole(field.name, fieldValue, 0, Number.MAX_SAFE_INTEGER))
        break
      case 'sint64':
        if (fieldValue === 0) break
        writer.varint32(tag)
        writer.zigzag(assertWhole(field.name, fieldValue, -(2 ** 52), 2 ** 52 - 1))
        break
      case 'strings':
        for (const text of fieldValue as readonly string[]) {
          writer.varint32(tag)
          writer.string(text)
        }
        break
      case 'messages':
        for (const nested of fieldValue as readonly object[]) {
          writer.varint32(tag)
          const start = writer.open()
          writeMessage(writer, field.message as unknown as Message<object>, nested)
          writer.close(start)
        }
        break
    }
  }
}

/** Read a message up to `end`; fields that it does not declare are skipped, absent ones get proto3's defaults. */
export function readMessage<T extends object>(reader: ByteReader, message: Message<T>, end: number): T {
  const value: Record<string, unknown> = {}
  for (const field of message.fields) value[field.name] = defaultOf(field.type)
  while (reader.position < end) {
    const tag = reader.varint()
    const field = message.fields.find((each) => each.number === Math.floor(tag / 8))
    if (field === undefined || wireTypes[field.type] !== (tag & 7)) {
      reader.skip(tag & 7)
      continue
    }
    switch (field.type) {
      case 'string':
        value[field.name] = reader.string()
        break
      case 'bytes':
        value[field.name] = reader.bytes()
        break
      case 'uint64':
        value[field.name] = reader.varint()
        break
      case 'sint64':
        value[field.name] = reader.zigzag()
        break
      case 'strings':
        ;(value[field.name] as string[]).push(reader.string())
        break
      case 'messages': {
        const start = reader.delimited()
        const nestedEnd = reader.position
        reader.position = start
        ;(value[field.name] as object[]).push(
          readMessage(reader, field.message as unknown as Message<object>, nestedEnd),
        )
        break
      }
    }
  }
  return value as T
}

function defaultOf(type: FieldType): unknown {
  if (type === 'string') return ''
  if (type === 'bytes') return new Uint8Array(0)
  return type === 'strings' || type === 'messages' ? [] : 0
}

function assertWhole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw new TypeError(
      `record field ${name}: expected a whole number ${least} to ${most}, got ${typeof value === 'number' ? value : typeof value}`,
    )
  }
  return value
}
