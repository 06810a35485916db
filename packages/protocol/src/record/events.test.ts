import { deepStrictEqual } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { arbitraryEvent } from '../../test/event-arbitrary.ts'
import { columnByNumber, findColumn } from '../columns/columns.ts'
import type { EventColumns } from '../columns/types.ts'
import { stringifyJson } from '../json.ts'
import { ByteWriter } from './byte-writer.ts'
import { decodeEventsRecord, encodeEventsRecord, readEnvelope, withEnvelope } from './events.ts'
import { headerBytes } from './header.ts'
import type { EventsEnvelope } from './types.ts'
import { walkEventsRecord } from './walk.ts'

const envelope: EventsEnvelope = {
  project: 'default',
  batchId: 'batch-1',
  source: 'segment',
  ingestedAt: 1_760_000_000_999,
  schemaVersion: 1,
  planVersion: 0,
}

const proto = readFileSync(new URL('../../proto/millrace/v1/record.proto', import.meta.url), 'utf8')
const recordType = protobuf.parse(proto, { keepCase: true }).root.lookupType('millrace.v1.EventsRecord')

describe('an events record', () => {
  it('gives back any event: bigint, big integers in JSON, NUL bytes, __proto__ keys', () => {
    fc.assert(
      fc.property(fc.array(arbitraryEvent, { minLength: 1, maxLength: 4 }), (events) => {
        // vitest's equality trips over keys named constructor and toJSON.
        deepStrictEqual(decodeEventsRecord(encodeEventsRecord(envelope, events)), { envelope, events })
      }),
      { numRuns: 200 },
    )
  })

  it('is read by protobufjs with the generated record.proto, byte for byte', () => {
    fc.assert(
      fc.property(arbitraryEvent, (event) => {
        const record = encodeEventsRecord(envelope, [event])
        const message = recordType.toObject(recordType.decode(record.subarray(headerBytes)), { longs: BigInt }) as {
          project: string
          ingested_at: bigint
          events: Record<string, unknown>[]
        }
        expect(message.project).toBe('default')
        expect(message.ingested_at).toBe(1_760_000_000_999n)
        const expected = Object.entries(event).map(([name, value]): [string, unknown] => {
          const kind = findColumn(name)?.kind
          if (kind === 'json' || kind === 'jsonText') return [name, stringifyJson(value)]
          if (kind === 'timestamp') return [name, BigInt(value as number)]
          return [name, kind === 'bytes' ? Buffer.from(value as Uint8Array) : value]
        })
        // proto3 does not tell an empty `bytes` from an absent one.
        expect({ replay_data: Buffer.alloc(0), ...message.events[0] }).toEqual({
          replay_data: Buffer.alloc(0),
          ...Object.fromEntries(expected),
        })
      }),
      { numRuns: 100 },
    )
  })

  it('reads with a kept writer what it wrote, whatever was written before', () => {
    const writer = new ByteWriter(16)
    const first = encodeEventsRecord(envelope, [{ id: 'a'.repeat(5000), event_name: 'é'.repeat(40) }], 0, 1, writer)
    const second = encodeEventsRecord(envelope, [{ id: 'b' }], 0, 1, writer)
    expect(decodeEventsRecord(first).events).toEqual([{ id: 'a'.repeat(5000), event_name: 'é'.repeat(40) }])
    expect(decodeEventsRecord(second).events).toEqual([{ id: 'b' }])
  })

  it('writes a part of a batch', () => {
    const events = Array.from({ length: 5 }, (_, index) => ({ id: `e${index}` }))
    expect(decodeEventsRecord(encodeEventsRecord(envelope, events, 1, 3)).events).toEqual([{ id: 'e1' }, { id: 'e2' }])
  })

  it('keeps 0 and false, and leaves out what is absent: undefined, null and the empty string', () => {
    const event = {
      id: 'e',
      duration_ms: 0,
      bot_verified: false,
      timestamp: 0,
      ns: '',
      http_url: undefined,
      depth: null,
    } as object
    expect(decodeEventsRecord(encodeEventsRecord(envelope, [event])).events).toEqual([
      { id: 'e', duration_ms: 0, bot_verified: false, timestamp: 0 },
    ])
  })

  it('turns lone surrogates into U+FFFD, in strings, JSON values and JSON keys', () => {
    const event = {
      id: 'a\ud800b',
      event_name: '\udc00'.repeat(50),
      properties: { 'k\ud800': ['v\udfff', '\ud83d\ude00'] },
    }
    expect(decodeEventsRecord(encodeEventsRecord(envelope, [event])).events).toEqual([
      { id: 'a\ufffdb', event_name: '\ufffd'.repeat(50), properties: { 'k\ufffd': ['v\ufffd', '\ud83d\ude00'] } },
    ])
  })

  it('cuts a time to the millisecond it falls into', () => {
    const { events } = decodeEventsRecord(
      encodeEventsRecord(envelope, [{ id: 'e', timestamp: 12.9, started_at: -0.5 }]),
    )
    expect(events).toEqual([{ id: 'e', timestamp: 12, started_at: -1 }])
  })

  it('never repeats per event what the envelope carries or the store computes', () => {
    const event: EventColumns = {
      id: 'e',
      project: 'other',
      batch_id: 'x',
      ingested_at: 1,
      schema_version: 9,
      plan_version: 9,
      day: 'd',
      hour: 1,
    }
    expect(decodeEventsRecord(encodeEventsRecord(envelope, [event])).events).toEqual([{ id: 'e' }])
    expect(withEnvelope(envelope, { id: 'e' })).toEqual({
      id: 'e',
      project: 'default',
      batch_id: 'batch-1',
      ingested_at: 1_760_000_000_999,
      schema_version: 1,
      plan_version: 0,
    })
  })

  it('keeps a __proto__ key as data and sets no prototype', () => {
    const properties = JSON.parse('{"__proto__":{"polluted":true},"big":1}') as Record<string, unknown>
    const read = decodeEventsRecord(encodeEventsRecord(envelope, [{ id: 'e', properties }])).events[0]?.properties ?? {}
    expect(Object.keys(read)).toEqual(['__proto__', 'big'])
    expect(read['polluted']).toBeUndefined()
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  })

  it('reads the envelope without the events', () => {
    expect(readEnvelope(encodeEventsRecord(envelope, [{ id: 'e' }]))).toEqual(envelope)
    const bare = { project: '', batchId: '', source: '', ingestedAt: 0, schemaVersion: 0, planVersion: 0 }
    expect(readEnvelope(encodeEventsRecord(bare, [{ id: 'e' }]))).toEqual(bare)
  })

  it('refuses to write a value that its column cannot hold, and never shows it', () => {
    const write = (event: object) => () => encodeEventsRecord(envelope, [event])
    expect(write({ duration_ms: 'secret' })).toThrow(new TypeError('column duration_ms holds number, got string'))
    expect(write({ id: 5 })).toThrow('column id holds string, got number 5')
    expect(write({ timestamp: Number.NaN })).toThrow('column timestamp holds timestamp, got number NaN')
    expect(write({ timestamp_ns: 2n ** 63n })).toThrow('column timestamp_ns holds bigint')
    expect(write({ properties: 'text' })).toThrow('column properties holds json, got string')
    expect(write({ nonsense: 1 })).toThrow('event has no column "nonsense"')
    expect(write(JSON.parse('{"__proto__":1}') as object)).toThrow('event has no column "__proto__"')
  })

  it('refuses a record of no event, or of more than 10,000', () => {
    expect(() => encodeEventsRecord(envelope, [])).toThrow('a record holds 1 to 10000 events, got 0')
    expect(() =>
      encodeEventsRecord(
        envelope,
        Array.from({ length: 10_001 }, () => ({ id: 'e' })),
      ),
    ).toThrow('got 10001')
  })
})

describe('walking a record', () => {
  it('shows every column with row, number and bytes or number', () => {
    const seen: unknown[] = []
    const record = encodeEventsRecord(envelope, [
      { id: 'é', timestamp: 5, properties: { a: 1 } },
      { bot_verified: true, timestamp_ns: -7n, duration_ms: 1.5, replay_data: Uint8Array.of(0, 255) },
    ])
    const count = walkEventsRecord(record, {
      bytes: (row, field, buffer, start, end) =>
        seen.push([row, columnByNumber(field)?.name, buffer.toString('latin1', start, end)]),
      number: (row, field, value) => seen.push([row, columnByNumber(field)?.name, value]),
      bigint: (row, field, value) => seen.push([row, columnByNumber(field)?.name, value]),
    })
    expect(count).toBe(2)
    expect(seen).toEqual([
      [0, 'id', 'Ã©'],
      [0, 'timestamp', 5],
      [0, 'properties', '{"a":1}'],
      [1, 'bot_verified', 1],
      [1, 'timestamp_ns', -7n],
      [1, 'duration_ms', 1.5],
      [1, 'replay_data', '\0ÿ'],
    ])
  })

  it('reads a record that lies in the middle of a larger buffer', () => {
    const record = encodeEventsRecord(envelope, [{ id: 'e', duration_ms: 2 }])
    const larger = Buffer.alloc(record.length + 20, 7)
    larger.set(record, 9)
    expect(decodeEventsRecord(larger.subarray(9, 9 + record.length)).events).toEqual([{ id: 'e', duration_ms: 2 }])
  })
})
