import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { beginRecord, finishRecord, headerBytes, readHeader } from './header.ts'
import { type Message, readMessage, writeMessage } from './message.ts'
import type { DeadLetter } from './types.ts'

export const deadLetterMessage: Message<DeadLetter> = {
  name: 'DeadLetter',
  comment: 'Body of a record of topic `deadletters`: a record of another topic that a job could not take.',
  fields: [
    { number: 1, name: 'topic', type: 'string' },
    { number: 2, name: 'partition', type: 'uint64' },
    { number: 3, name: 'offset', type: 'uint64' },
    { number: 4, name: 'job', type: 'string' },
    { number: 5, name: 'failedAt', type: 'sint64', comment: 'Unix ms' },
    { number: 6, name: 'attempts', type: 'uint64' },
    { number: 7, name: 'error', type: 'string', comment: 'error code and class; no text of an event' },
    { number: 8, name: 'value', type: 'bytes', comment: 'the whole record, header included' },
  ],
}

export function encodeDeadLetter(letter: DeadLetter, writer: ByteWriter = new ByteWriter()): Uint8Array {
  beginRecord(writer)
  writeMessage(writer, deadLetterMessage, letter)
  return finishRecord(writer, 1)
}

/** Throws RecordError. */
export function decodeDeadLetter(value: Uint8Array): DeadLetter {
  readHeader(value)
  return readMessage(new ByteReader(value, headerBytes), deadLetterMessage, value.length)
}
