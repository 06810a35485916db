import { crc32 } from 'node:zlib'
import { ByteWriter } from './byte-writer.ts'
import { RecordError } from './record-error.ts'

/*
 * record  = header body
 * header  = version:u8 flags:u8 key-id:u16le count:u32le crc:u32le          12 bytes
 * body    = a protobuf message (record.proto), its type given by the topic:
 *             events → EventsRecord   quarantine → QuarantineRecord   outcomes → OutcomesRecord   deadletters → DeadLetter
 *
 * version   1. A reader that meets a higher one MUST stop ('newer_version'), never skip.
 * flags     0, reserved. key-id 0 = not encrypted, reserved for encryption at rest. A reader that meets others MUST stop as well.
 * count     events of the body (outcomes: rows; deadletters: 1)
 * crc       CRC-32 (zlib's) of the body
 */
export const recordVersion = 1
export const headerBytes = 12

/** Most events that a record may hold; its events are told apart by 16 bits of a log position. */
export const maxRecordEvents = 10_000

export interface RecordHeader {
  readonly version: number
  readonly count: number
  readonly crc: number
}

/** Reserve the header's bytes at the start of a record. */
export function beginRecord(writer: ByteWriter): void {
  writer.reset()
  writer.ensure(headerBytes)
  writer.position = headerBytes
}

/** Fill in the header over the body written since `beginRecord`, and hand out a copy of the whole. */
export function finishRecord(writer: ByteWriter, count: number): Uint8Array {
  const { view } = writer
  view.setUint8(0, recordVersion)
  view.setUint8(1, 0)
  view.setUint16(2, 0, true)
  view.setUint32(4, count, true)
  view.setUint32(8, crc32(writer.buffer.subarray(headerBytes, writer.position)), true)
  return writer.take()
}

/** Read the header without the checksum's cost; for readers that look at a few fields only. */
export function peekHeader(value: Uint8Array): RecordHeader {
  if (value.length < headerBytes)
    throw new RecordError('corrupt', `record of ${value.length} bytes is shorter than its header`)
  const view = new DataView(value.buffer, value.byteOffset, headerBytes)
  const version = view.getUint8(0)
  if (version > recordVersion) {
    throw new RecordError(
      'newer_version',
      `record version ${version} is newer than ${recordVersion}: update this Millrace`,
    )
  }
  if (version === 0) throw new RecordError('corrupt', 'record version 0 does not exist')
  const flags = view.getUint8(1)
  const keyId = view.getUint16(2, true)
  if (flags !== 0 || keyId !== 0) {
    throw new RecordError(
      'newer_version',
      `record flags ${flags} and key id ${keyId} are of a newer Millrace: update this one`,
    )
  }
  return { version, count: view.getUint32(4, true), crc: view.getUint32(8, true) }
}

/** Read the header and check the body against its checksum. */
export function readHeader(value: Uint8Array): RecordHeader {
  const header = peekHeader(value)
  const crc = crc32(value.subarray(headerBytes))
  if (crc !== header.crc) {
    throw new RecordError(
      'corrupt',
      `record of ${value.length} bytes has checksum ${crc}, its header says ${header.crc}`,
    )
  }
  return header
}
