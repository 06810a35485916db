import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { beginRecord, finishRecord, headerBytes, readHeader } from './header.ts'
import { type Message, readMessage, writeMessage } from './message.ts'
import type { QuarantinedEvent } from './types.ts'

const quarantinedEvent: Message<QuarantinedEvent> = {
  name: 'QuarantinedEvent',
  comment: 'One event kept, not admitted. Nothing but `sealed` holds text of the event.',
  fields: [
    { number: 1, name: 'id', type: 'string' },
    { number: 2, name: 'project', type: 'string' },
    { number: 3, name: 'source', type: 'string', comment: 'dialect, as the ledger counts it' },
    { number: 4, name: 'receivedAt', type: 'sint64', comment: 'Unix ms' },
    { number: 5, name: 'batchId', type: 'string' },
    { number: 6, name: 'index', type: 'uint64', comment: "place in the request's body" },
    { number: 7, name: 'reason', type: 'string' },
    { number: 8, name: 'issues', type: 'strings', comment: '<JSON pointer>: <what is wrong>' },
    { number: 9, name: 'redacted', type: 'string', comment: 'JSON with every string replaced by its length' },
    { number: 10, name: 'eventType', type: 'string' },
    { number: 11, name: 'sealed', type: 'bytes', comment: 'the original, AES-256-GCM' },
    { number: 12, name: 'sealKey', type: 'string', comment: 'name of its key' },
  ],
}

export const quarantineMessage: Message<{ readonly events: readonly QuarantinedEvent[] }> = {
  name: 'QuarantineRecord',
  comment: 'Body of a record of topic `quarantine`.',
  fields: [{ number: 1, name: 'events', type: 'messages', message: quarantinedEvent }],
}

export function encodeQuarantineRecord(
  events: readonly QuarantinedEvent[],
  writer: ByteWriter = new ByteWriter(),
): Uint8Array {
  beginRecord(writer)
  writeMessage(writer, quarantineMessage, { events })
  return finishRecord(writer, events.length)
}

/** Throws RecordError. */
export function decodeQuarantineRecord(value: Uint8Array): readonly QuarantinedEvent[] {
  readHeader(value)
  return readMessage(new ByteReader(value, headerBytes), quarantineMessage, value.length).events
}
