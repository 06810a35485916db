import { type EventColumns, encodeEventsRecord, findColumn, stringifyJson } from '@millrace/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbitraryEvent } from '../../../../protocol/test/event-arbitrary.ts'
import { JsonBytes } from './json-bytes.ts'
import { RecordView } from './record-view.ts'

const envelope = {
  project: 'shop',
  batchId: 'batch "1"',
  source: 'segment',
  ingestedAt: 1_760_000_000_999,
  schemaVersion: 1,
  planVersion: 0,
}
const viewOf = (events: readonly EventColumns[]) => new RecordView(encodeEventsRecord(envelope, events), 7, 2, 99)

const out = new JsonBytes()
function jsonOf(view: RecordView, index: number): string {
  view.write(index, out)
  return out.take().toString('utf8')
}

/** As the table shows it. */
function shown(event: EventColumns, index: number): string {
  const fields = Object.entries(event).flatMap(([name, value]) => {
    const kind = findColumn(name)?.kind
    const text =
      kind === 'json'
        ? stringifyJson(value)
        : kind === 'jsonText'
          ? JSON.stringify(stringifyJson(value))
          : kind === 'bytes'
            ? JSON.stringify(Buffer.from(value as Uint8Array).toString('utf8'))
            : kind === 'timestamp'
              ? JSON.stringify(new Date(value as number).toISOString())
              : kind === 'bigint'
                ? `"${value as bigint}"`
                : stringifyJson(value)
    return value === '' || text === '{}' ? [] : [`${JSON.stringify(name)}:${text}`]
  })
  const position = (7n << 56n) | (2n << 48n) | (99n << 16n) | BigInt(index)
  return `{${[...fields, '"project":"shop"', '"batch_id":"batch \\"1\\""', '"ingested_at":"2025-10-09T08:53:20.999Z"', '"schema_version":1', '"plan_version":0', `"log_position":"${position}"`].join()}}`
}

describe('an event of a record', () => {
  it('is the JSON of its columns, whatever they hold, and of its envelope', () => {
    fc.assert(
      fc.property(fc.array(arbitraryEvent, { minLength: 1, maxLength: 4 }), (events) => {
        const view = viewOf(events)
        expect(view.count).toBe(events.length)
        for (const [index, event] of events.entries()) {
          expect(jsonOf(view, index)).toBe(shown(event, index))
          JSON.parse(jsonOf(view, index))
          expect(jsonOf(view, index)).not.toContain('\n')
        }
      }),
      { numRuns: 200 },
    )
  })

  it('has its topic, and a broadcast the one it was sent to', () => {
    const view = viewOf([
      { event_type: 'track', event_name: 'Order Completed' },
      { event_type: 'track', event_name: 'x', event_source: 'broadcast', context: { topic: 'orders.created' } },
      { event_type: 'track', event_name: 'x', event_source: 'broadcast' },
      { event_type: 'track', event_name: 'x', context: { topic: 'orders.created' } },
    ])
    expect([0, 1, 2, 3].map((index) => view.topic(index))).toEqual([
      'track.Order_Completed',
      'orders.created',
      'track.x',
      'track.x',
    ])
  })

  it('is no news when an import brought it, and a person cannot make it look so', () => {
    const view = viewOf([
      { id: 'a', context: { millrace: { historical: true } } },
      { id: 'b', context: { historical: true, page: { historical: true } } },
      { id: 'c', properties: { historical: true } },
      { id: 'd' },
    ])
    expect([0, 1, 2, 3].map((index) => view.isNews(index))).toEqual([false, true, true, true])
  })
})
