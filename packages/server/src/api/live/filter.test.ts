import { type EventColumns, encodeEventsRecord } from '@millrace/protocol'
import { describe, expect, it } from 'vitest'
import { parseFilter } from './filter.ts'
import { LiveError } from './live-error.ts'
import { RecordView } from './record-view.ts'

const event: EventColumns = {
  id: 'e1',
  event_name: 'Order Completed',
  timestamp: Date.UTC(2026, 10, 21, 12),
  duration_ms: 0,
  http_status: 404,
  bot_verified: false,
  timestamp_ns: 9_007_199_254_740_993n,
  db_before: { a: 1 },
  properties: {
    plan: 'pro',
    price: 12.5,
    big: 9_007_199_254_740_993n,
    nested: { deep: [1, 'x'] },
    ok: true,
    none: null,
  },
}
const row = new RecordView(
  encodeEventsRecord(
    { project: 'shop', batchId: 'b1', source: 'millrace', ingestedAt: 1000, schemaVersion: 1, planVersion: 0 },
    [event],
  ),
  7,
  0,
  5,
).row(0)

describe('a filter', () => {
  it.each([
    ['event_name=Order Completed', true],
    ['event_name!=Order Completed', false],
    ['event_name=order completed', false],
    ['event_name~^Order', true],
    ['event_name~(?i)^order', true],
    ['event_name~x', false],
    ['event_name>Order', true],
    ['event_name<Order', false],
    ['  event_name=Order Completed', true],
    ['actor_id=', true],
    ['actor_id!=', false],
    ['actor_id!=ada', true],
    ['actor_id~.', false],
    ['actor_id<z', false],
    ['id!=', true],
    ['duration_ms=0', true],
    ['duration_ms<=0', true],
    ['duration_ms=', false],
    ['http_status>=400', true],
    ['http_status>404', false],
    ['http_status=4.04e2', true],
    ['http_status!=404', false],
    ['metric_max>0', false],
    ['metric_max=', true],
    ['bot_verified=false', true],
    ['bot_verified=true', false],
    ['timestamp>=2026-11-21T12:00:00Z', true],
    ['timestamp>2026-11-21T12:00:00.000Z', false],
    [`timestamp=${Date.UTC(2026, 10, 21, 12)}`, true],
    ['timestamp_ns=9007199254740993', true],
    ['timestamp_ns=9007199254740992', false],
    ['db_before={"a":1}', true],
    ['properties.plan=pro', true],
    ['properties.plan~^p', true],
    ['properties.price>12', true],
    ['properties.price=12.50', true],
    ['properties.big>9007199254740992', true],
    ['properties.nested.deep=[1,"x"]', true],
    ['properties.nested.deep.0=1', true],
    ['properties.ok=true', true],
    ['properties.none=', true],
    ['properties.never=', true],
    ['properties.never!=x', true],
    ['properties.__proto__.x=1', false],
    ['project=shop', true],
    ['batch_id=b1', true],
    ['ingested_at=1000', true],
    ['log_position>0', true],
  ])('%s: %s', (text, expected) => {
    expect(parseFilter(text).passes(row)).toBe(expected)
  })

  it.each([
    ['', 'INVALID_FILTER'],
    ['event_name', 'INVALID_FILTER'],
    ['=x', 'INVALID_FILTER'],
    ['event_name LIKE x', 'INVALID_FILTER'],
    ['nope=1', 'UNKNOWN_COLUMN'],
    ['__proto__=1', 'UNKNOWN_COLUMN'],
    ['constructor=1', 'UNKNOWN_COLUMN'],
    ['day=2026-11-21', 'UNKNOWN_COLUMN'],
    ['http_status=abc', 'INVALID_FILTER'],
    ['http_status~4', 'INVALID_FILTER'],
    ['http_status>', 'INVALID_FILTER'],
    ['bot_verified=maybe', 'INVALID_FILTER'],
    ['timestamp>yesterday', 'INVALID_FILTER'],
    ['timestamp_ns=1.5', 'INVALID_FILTER'],
    ['properties=x', 'INVALID_FILTER'],
    ['properties.=x', 'INVALID_FILTER'],
    ['event_name.x=1', 'INVALID_FILTER'],
    ['event_name~(', 'INVALID_FILTER'],
    [`event_name=${'x'.repeat(1024)}`, 'INVALID_FILTER'],
  ])('%j is refused as %s', (text, code) => {
    let error: unknown
    try {
      parseFilter(text)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(LiveError)
    expect((error as LiveError).liveCode).toBe(code)
  })
})
