import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { beginRecord, finishRecord, headerBytes, readHeader } from './header.ts'
import { type Message, readMessage, writeMessage } from './message.ts'
import type { LedgerCount, OutcomeRow, OutcomesRecord } from './types.ts'

const outcomeRow: Message<OutcomeRow> = {
  name: 'OutcomeRow',
  comment: 'One event that is not in `events`.',
  fields: [
    { number: 1, name: 'id', type: 'string' },
    { number: 2, name: 'project', type: 'string' },
    { number: 3, name: 'source', type: 'string', comment: 'dialect, as the ledger counts it' },
    { number: 4, name: 'receivedAt', type: 'sint64', comment: 'Unix ms' },
    { number: 5, name: 'outcome', type: 'string', comment: 'duplicate, dropped or quarantined' },
    { number: 6, name: 'reason', type: 'string' },
    { number: 7, name: 'issues', type: 'strings', comment: '<JSON pointer>: <what is wrong>' },
    { number: 8, name: 'batchId', type: 'string' },
    { number: 9, name: 'count', type: 'uint64', comment: 'duplicates of one id within one commit are one row' },
  ],
}

const ledgerCount: Message<LedgerCount> = {
  name: 'LedgerCount',
  comment: "The collector's own count, in the same commit as what it counts.",
  fields: [
    { number: 1, name: 'project', type: 'string' },
    { number: 2, name: 'minute', type: 'sint64', comment: 'Unix ms of the UTC minute of ingested_at' },
    { number: 3, name: 'source', type: 'string' },
    { number: 4, name: 'outcome', type: 'string', comment: 'stored, duplicate, dropped or quarantined' },
    { number: 5, name: 'reason', type: 'string' },
    { number: 6, name: 'events', type: 'uint64' },
  ],
}

export const outcomesMessage: Message<OutcomesRecord> = {
  name: 'OutcomesRecord',
  comment: 'Body of a record of topic `outcomes`: one per group commit.',
  fields: [
    { number: 1, name: 'rows', type: 'messages', message: outcomeRow },
    { number: 2, name: 'counts', type: 'messages', message: ledgerCount },
  ],
}

export function encodeOutcomesRecord(record: OutcomesRecord, writer: ByteWriter = new ByteWriter()): Uint8Array {
  beginRecord(writer)
  writeMessage(writer, outcomesMessage, record)
  return finishRecord(writer, record.rows.length)
}

/** Throws RecordError. */
export function decodeOutcomesRecord(value: Uint8Array): OutcomesRecord {
  readHeader(value)
  return readMessage(new ByteReader(value, headerBytes), outcomesMessage, value.length)
}
