import { writableColumns } from '@millrace/protocol'
import { describe, expect, it } from 'vitest'
import { decodeMillrace } from './millrace.ts'

const cx = { headers: {}, kind: 'events', contentType: 'application/json' }
const decodeOne = (event: unknown) => decodeMillrace(Buffer.from(JSON.stringify(event)), cx).events[0]

/** A value of each kind as JSON, and one that no kind but its own takes. */
const samples = {
  string: ['text', { a: 1 }],
  enum: ['text', ['a']],
  number: [0, '0'],
  boolean: [false, 'false'],
  bigint: ['-9223372036854775808', 0.5],
  timestamp: ['2026-01-01T00:00:00Z', 'now'],
  json: [{ a: 1 }, [1]],
  jsonText: [[1], undefined],
  bytes: ['AAEC', 5],
} as const

describe('Millrace JSON', () => {
  for (const column of writableColumns) {
    it(`takes ${column.name} as ${column.kind} and refuses another type with its pointer`, () => {
      const [good, bad] = samples[column.kind]
      const required = { trace_id: 't', event_name: 'x' }
      const taken = decodeOne({ ...required, [column.name]: column.name === 'event_type' ? 'track' : good })
      expect(taken?.issues).toBeUndefined()
      expect(taken?.columns[column.name]).toBeDefined()
      if (bad === undefined) return
      const refused = decodeOne({ ...required, [column.name]: bad })
      expect(refused?.issues).toEqual([expect.stringMatching(new RegExp(`^/${column.name}(/a)?: `))])
      expect(refused?.columns[column.name]).toBeUndefined()
    })
  }

  it('bounds the keys of one event that it copies', () => {
    const keys = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`k${index}`, 1]))
    expect(decodeOne({ event_name: 'x', ...keys })?.issues).toEqual([expect.stringContaining('more than 10000 keys')])
  })

  it.each(['application/x-ndjson', 'application/ndjson; charset=utf-8', 'Application/JSONL'])(
    'reads lines of %s',
    (contentType) => {
      const body = Buffer.from('{"event_name":"a"}\n[]\n{"event_name":"b"}')
      const { events } = decodeMillrace(body, { ...cx, contentType })
      expect(events.map(({ columns, issues }) => columns.event_name ?? issues?.length)).toEqual(['a', 1, 'b'])
      expect(events[1]?.original).toEqual([])
    },
  )

  it('keeps the bytes of a line that it cannot read', () => {
    const { events } = decodeMillrace(Buffer.from('{"event_name":"a"}\n{"cut'), {
      ...cx,
      contentType: 'application/jsonl',
    })
    expect(Buffer.from(events[1]?.original as Uint8Array).toString()).toBe('{"cut')
  })
})
