import { readdirSync, readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from './byte-writer.ts'
import { decodeDeadLetter, encodeDeadLetter } from './dead-letter.ts'
import { decodeEventsRecord, encodeEventsRecord } from './events.ts'
import { beginRecord, finishRecord, headerBytes, peekHeader, readHeader } from './header.ts'
import { decodeOutcomesRecord, encodeOutcomesRecord } from './outcomes.ts'
import { decodeQuarantineRecord, encodeQuarantineRecord } from './quarantine.ts'
import { RecordError } from './record-error.ts'
import type { DeadLetter, EventsRecord, OutcomesRecord, QuarantinedEvent } from './types.ts'
import { walkEventsRecord } from './walk.ts'

const folder = new URL('./testdata/', import.meta.url)

/** Golden files are never written again: each released version's stay, and every later version must read them. */
function golden(version: string, topic: string): { bytes: Uint8Array; expected: unknown } {
  const text = readFileSync(new URL(`${version}/${topic}.json`, folder), 'utf8')
  const expected: unknown = JSON.parse(text, (_key, value: { $bigint?: string; $base64?: string } | null) => {
    if (typeof value?.$bigint === 'string') return BigInt(value.$bigint)
    return typeof value?.$base64 === 'string' ? new Uint8Array(Buffer.from(value.$base64, 'base64')) : value
  })
  return { bytes: readFileSync(new URL(`${version}/${topic}.record`, folder)), expected }
}

describe.each(readdirSync(folder))('records of version %s', (version) => {
  it.each([
    ['events', decodeEventsRecord],
    ['quarantine', decodeQuarantineRecord],
    ['outcomes', decodeOutcomesRecord],
    ['deadletters', decodeDeadLetter],
  ] as const)('of topic %s are read', (topic, decode) => {
    const { bytes, expected } = golden(version, topic)
    expect(decode(bytes)).toEqual(expected)
  })
})

it('writes version 1 as it was written first', () => {
  const events = golden('v1', 'events')
  const record = events.expected as EventsRecord
  expect(Buffer.compare(encodeEventsRecord(record.envelope, record.events), events.bytes)).toBe(0)
  const quarantine = golden('v1', 'quarantine')
  expect(Buffer.compare(encodeQuarantineRecord(quarantine.expected as QuarantinedEvent[]), quarantine.bytes)).toBe(0)
  const outcomes = golden('v1', 'outcomes')
  expect(Buffer.compare(encodeOutcomesRecord(outcomes.expected as OutcomesRecord), outcomes.bytes)).toBe(0)
  const letter = golden('v1', 'deadletters')
  expect(Buffer.compare(encodeDeadLetter(letter.expected as DeadLetter), letter.bytes)).toBe(0)
})

const { bytes: sound } = golden('v1', 'events')

/** A changed body under a checksum that fits: what a wrong writer would make, not a flipped bit. */
function resealed(body: Uint8Array, count = 3): Uint8Array {
  const record = Buffer.concat([sound.subarray(0, headerBytes), body])
  record.writeUInt32LE(count, 4)
  record.writeUInt32LE(crc32(body), 8)
  return record
}

function errorOf(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    return error instanceof RecordError ? error.code : String(error)
  }
  return 'none'
}

describe('a damaged record', () => {
  it('is corrupt when any byte of it is flipped or it is cut anywhere', () => {
    fc.assert(
      fc.property(fc.nat({ max: sound.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const flipped = Buffer.from(sound)
        flipped[at] = (flipped[at] ?? 0) ^ mask
        // Version, flags and key id may look like those of a newer Millrace: stopped as well.
        expect(errorOf(() => decodeEventsRecord(flipped))).toMatch(at < 4 ? /^(newer_version|corrupt)$/ : /^corrupt$/)
        expect(errorOf(() => decodeEventsRecord(sound.subarray(0, at)))).toBe('corrupt')
      }),
    )
  })

  it('is refused with a RecordError, never another error, whatever a wrong writer put under a right checksum', () => {
    const visitor = { bytes() {}, number() {}, bigint() {} }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 5 }), (tail, count) => {
        const body = Buffer.concat([sound.subarray(headerBytes, headerBytes + 60 - tail.length), tail])
        expect(errorOf(() => walkEventsRecord(resealed(body, count), visitor))).toMatch(
          /^(none|corrupt|newer_version)$/,
        )
        for (const decode of [decodeQuarantineRecord, decodeOutcomesRecord, decodeDeadLetter]) {
          expect(errorOf(() => decode(resealed(tail, count)))).toMatch(/^(none|corrupt)$/)
        }
      }),
    )
  })

  it('is corrupt when the count of its header is not the count of its events', () => {
    expect(errorOf(() => decodeEventsRecord(resealed(sound.subarray(headerBytes), 2)))).toBe('corrupt')
    expect(errorOf(() => decodeEventsRecord(resealed(sound.subarray(headerBytes), 4)))).toBe('corrupt')
    expect(errorOf(() => decodeEventsRecord(resealed(sound.subarray(headerBytes), 4_000_000_000)))).toBe('corrupt')
  })
})

describe('a record of a newer Millrace', () => {
  it.each([
    ['version', 0, 2],
    ['flags', 1, 1],
    ['key id', 2, 1],
  ])('is newer_version by its %s', (_, at, value) => {
    const newer = Buffer.from(sound)
    newer[at] = value
    expect(errorOf(() => peekHeader(newer))).toBe('newer_version')
  })

  it('is newer_version when it holds a column that this build does not know', () => {
    const writer = new ByteWriter()
    beginRecord(writer)
    writer.varint32((15 << 3) | 2)
    const start = writer.open()
    writer.varint32((1000 << 3) | 2)
    writer.string('of tomorrow')
    writer.close(start)
    expect(errorOf(() => decodeEventsRecord(finishRecord(writer, 1)))).toBe('newer_version')
  })
})

it('tells version, count and checksum in its header', () => {
  expect(readHeader(sound)).toEqual({ version: 1, count: 3, crc: crc32(sound.subarray(headerBytes)) })
})
