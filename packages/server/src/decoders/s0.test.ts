import { millrace } from '@millrace/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeS0 } from './s0.ts'
import { adActions, metricNames, navigationTriggers } from './s0-enums.ts'
import { payloadNames } from './s0-event.ts'
import { maxEventsPerBody } from './limits.ts'

const { EventBatch, BrowserEvent } = millrace.v1
type EventShape = Parameters<typeof BrowserEvent.encode>[0]

const protobuf = { headers: {}, kind: 'batch', contentType: 'application/x-protobuf' }
const json = { ...protobuf, contentType: 'application/json' }

/** JSON.stringify writes -0 as 0. */
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const text = fc.string({ unit: 'grapheme', maxLength: 20 })
/** Set or not, since absent and 0 are two things. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const choice = (names: readonly string[]) => fc.integer({ min: 1, max: names.length })
const payload = fc.oneof(
  fc
    .record({ url: text, title: text, referrer: text, loadTimeMs: maybe(uint32), scrollDepthPct: maybe(uint32) })
    .map((pageView) => ({ pageView })),
  fc
    .record({ query: text, engine: text, resultCount: maybe(uint32), clickedPosition: maybe(uint32) })
    .map((searchEvent) => ({ searchEvent })),
  fc
    .record({
      conversationId: text,
      taskType: text,
      model: text,
      inputTokens: maybe(uint32),
      outputTokens: maybe(uint32),
      latencyMs: maybe(uint32),
      cached: maybe(fc.boolean()),
    })
    .map((aiInteraction) => ({ aiInteraction })),
  fc.record({ urlFrom: text, urlTo: text, trigger: choice(navigationTriggers) }).map((navigation) => ({ navigation })),
  fc.record({ metricName: choice(metricNames), value: finite, url: text }).map((performance) => ({ performance })),
  fc
    .record({
      adId: text,
      campaignId: text,
      placement: text,
      action: choice(adActions),
      revenueMicros: maybe(fc.maxSafeInteger()),
    })
    .map((adEvent) => ({ adEvent })),
)
const event = fc
  .tuple(
    fc.record({
      eventId: text,
      userId: text,
      deviceId: text,
      sessionId: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      timestamp: fc.integer({ min: 1e12, max: 2e12 }),
    }),
    payload,
  )
  .map(([envelope, one]) => ({ ...envelope, ...one }) as EventShape)
const batch = fc.record({
  batchId: text,
  seqNumber: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  sdkVersion: text,
  sentAt: fc.integer({ min: 1e12, max: 2e12 }),
  deviceId: text,
  events: fc.array(event, { maxLength: 5 }),
})

/** proto3 does not write empty strings; in JSON they would be values. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== '' && inner !== undefined)
      .map(([key, inner]) => [key, withoutEmpty(inner)]),
  )
}

describe('S0 batches', () => {
  it('decode to the same columns from protobuf, as the generated codec writes it, and from JSON', () => {
    fc.assert(
      fc.property(batch, (message) => {
        const binary = decodeS0(EventBatch.encode(message).finish(), protobuf)
        const mapped = decodeS0(Buffer.from(JSON.stringify(withoutEmpty(message))), json)
        const plain = (decoded: typeof binary) => ({
          ...decoded,
          events: decoded.events.map(({ columns, issues }) => ({ columns, issues })),
        })
        expect(plain(mapped)).toEqual(plain(binary))
        expect(binary.events.every(({ issues }) => issues === undefined)).toBe(true)
      }),
    )
  })

  it('have the enums and payloads of browser.proto', () => {
    const values = (kind: Readonly<Record<string, string | number>>) =>
      Object.entries(kind)
        .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
        .sort((a, b) => a[1] - b[1])
        .slice(1)
        .map(([name]) => name.toLowerCase())
    const lower = (names: readonly string[]) => names.map((name) => name.toLowerCase())
    expect(lower(navigationTriggers)).toEqual(values(millrace.v1.Navigation.Trigger))
    expect(lower(metricNames)).toEqual(values(millrace.v1.Performance.MetricName))
    expect(lower(adActions)).toEqual(values(millrace.v1.AdEvent.Action))
    expect(Object.values(payloadNames)).toEqual([
      'page_view',
      'search_event',
      'ai_interaction',
      'navigation',
      'performance',
      'ad_event',
    ])
  })

  it('cut anywhere are malformed, or end between two fields of the batch', () => {
    const whole = EventBatch.encode({
      batchId: 'b',
      sentAt: 1767225600000,
      events: [
        { eventId: 'e', pageView: { url: 'https://e.com/' } },
        { eventId: 'f', adEvent: { action: millrace.v1.AdEvent.Action.IMPRESSION } },
      ],
    }).finish()
    for (let length = 0; length < whole.length; length++) {
      const cut = () => decodeS0(whole.subarray(0, length), protobuf)
      if (isBoundary(whole, length)) expect(cut().events.length).toBeLessThan(2)
      else expect(cut, `${length} bytes`).toThrow(expect.objectContaining({ code: 'malformed' }))
    }
  })

  it('keep the bytes of an event as its original', () => {
    const one = BrowserEvent.encode({ eventId: 'e', pageView: { url: 'u' } }).finish()
    const body = EventBatch.encode({ events: [{ eventId: 'e', pageView: { url: 'u' } }] }).finish()
    expect(Buffer.from(decodeS0(body, protobuf).events[0]?.original as Uint8Array)).toEqual(Buffer.from(one))
  })

  it('are recognised without a content type', () => {
    const body = EventBatch.encode({ batchId: 'b', events: [] }).finish()
    expect(decodeS0(body, { ...protobuf, contentType: '' }).batchId).toBe('b')
    expect(decodeS0(Buffer.from(' {"batchId":"b","events":[]}'), { ...protobuf, contentType: '' }).batchId).toBe('b')
  })

  it(`of more than ${maxEventsPerBody} events are too large, told before any is decoded`, () => {
    const empty = Buffer.from([0x32, 0x00])
    const body = Buffer.concat(Array.from({ length: maxEventsPerBody + 1 }, () => empty))
    expect(() => decodeS0(body, protobuf)).toThrow(expect.objectContaining({ code: 'too_large' }))
  })

  it('name the device of their sequence number, by the batch or by its first event', () => {
    const inEvent = EventBatch.encode({ seqNumber: 3, events: [{ deviceId: 'd', pageView: {} }] }).finish()
    expect(decodeS0(inEvent, protobuf).sequence).toEqual({ device: 'd', number: 3 })
    const inBatch = EventBatch.encode({ seqNumber: 3, deviceId: 'b', events: [] }).finish()
    expect(decodeS0(inBatch, protobuf).sequence).toEqual({ device: 'b', number: 3 })
    expect(decodeS0(EventBatch.encode({ seqNumber: 3, events: [] }).finish(), protobuf).sequence).toBeUndefined()
  })

  it('take the last of several payloads, and the fields of the batch behind its events', () => {
    const two = Buffer.from([0x52, 0x03, 0x0a, 0x01, 0x61, 0x6a, 0x03, 0x12, 0x01, 0x62])
    const body = Buffer.concat([Buffer.from([0x32, two.length]), two, Buffer.from([0x2a, 0x01, 0x64])])
    expect(decodeS0(body, protobuf).events[0]?.columns).toEqual({
      event_type: 'track',
      event_name: 'navigation',
      http_url: 'b',
      context: { device_id: 'd' },
    })
  })
})

/** Whether a field of the outer message ends at `length`. */
function isBoundary(whole: Uint8Array, length: number): boolean {
  let at = 0
  while (at < length) {
    const tag = whole[at] as number
    at++
    if ((tag & 7) === 2) at += (whole[at] as number) + 1
    else while ((whole[at++] as number) >= 0x80) {}
  }
  return at === length
}
