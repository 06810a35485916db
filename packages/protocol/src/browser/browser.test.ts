import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { millrace } from '../gen/browser.gen.js'
import { browserAnswerToJson, encodeBrowserAnswer } from './answer.ts'
import { exactInteger, toInt64 } from './int64.ts'

const proto = readFileSync(new URL('../../proto/millrace/v1/browser.proto', import.meta.url), 'utf8')
const { root } = protobuf.parse(proto, { keepCase: true })
root.resolveAll()
const { AdEvent, EventBatch, EventBatchResponse, Navigation, Performance } = millrace.v1

const fieldsOf = (message: string) => Object.keys(root.lookupType(`millrace.v1.${message}`).fields)
const valuesOf = (name: string) => Object.keys(root.lookupEnum(`millrace.v1.${name}`).values).slice(1)

describe('browser.proto', () => {
  it('has the envelope of S0 (S0-18, S0-19, S0-20, S0-21)', () => {
    expect(fieldsOf('BrowserEvent').slice(0, 5)).toEqual([
      'event_id',
      'user_id',
      'device_id',
      'session_id',
      'timestamp',
    ])
    expect(root.lookupType('millrace.v1.BrowserEvent').fields['session_id']?.type).toBe('uint64')
  })

  it('has a oneof of six payloads (S0-22)', () => {
    expect(root.lookupType('millrace.v1.BrowserEvent').oneofs['payload']?.oneof).toEqual([
      'page_view',
      'search_event',
      'ai_interaction',
      'navigation',
      'performance',
      'ad_event',
    ])
  })

  it.each([
    ['S0-23', 'PageView', ['url', 'title', 'referrer', 'load_time_ms', 'scroll_depth_pct']],
    ['S0-24', 'SearchEvent', ['query', 'engine', 'result_count', 'clicked_position']],
    [
      'S0-25',
      'AIInteraction',
      ['conversation_id', 'task_type', 'model', 'input_tokens', 'output_tokens', 'latency_ms', 'cached'],
    ],
    ['S0-26', 'Navigation', ['url_from', 'url_to', 'trigger']],
    ['S0-27', 'Performance', ['metric_name', 'value', 'url']],
    ['S0-28', 'AdEvent', ['ad_id', 'campaign_id', 'placement', 'action', 'revenue_micros']],
    ['S0-65', 'EventBatch', ['batch_id', 'seq_number', 'sdk_version', 'sent_at', 'device_id', 'events']],
  ])('has the fields of %s: %s', (_, message, fields) => {
    expect(fieldsOf(message)).toEqual(fields)
  })

  it('has the enums of S0 (S0-26, S0-27, S0-28)', () => {
    expect(valuesOf('Navigation.Trigger')).toEqual(['LINK', 'TYPED', 'BOOKMARK', 'BACK', 'AI_SUGGEST'])
    expect(valuesOf('Performance.MetricName')).toEqual(['FCP', 'LCP', 'CLS', 'FID', 'TTFB', 'INP'])
    expect(valuesOf('AdEvent.Action')).toEqual(['IMPRESSION', 'VIEWABLE', 'CLICK', 'CONVERSION'])
  })
})

const batch: millrace.v1.EventBatch.$Properties = {
  batchId: 'b1',
  seqNumber: 7,
  sdkVersion: '1.2.3',
  sentAt: 1_760_000_000_000,
  deviceId: 'dev-1',
  events: [
    {
      eventId: 'evt_1',
      userId: 'usr_1',
      sessionId: 3,
      timestamp: 1_760_000_000_001,
      pageView: { url: 'https://a.example/', loadTimeMs: 0, scrollDepthPct: 80 },
    },
    { eventId: 'evt_2', searchEvent: { query: 'schuhe ü', engine: 'own', resultCount: 0, clickedPosition: 1 } },
    {
      eventId: 'evt_3',
      aiInteraction: { conversationId: 'c', taskType: 't', model: 'm', inputTokens: 4_294_967_295, cached: false },
    },
    { eventId: 'evt_4', navigation: { urlFrom: 'a', urlTo: 'b', trigger: Navigation.Trigger.AI_SUGGEST } },
    { eventId: 'evt_5', performance: { metricName: Performance.MetricName.CLS, value: 0, url: 'u' } },
    {
      eventId: 'evt_6',
      adEvent: {
        adId: 'ad',
        campaignId: 'cmp',
        placement: 'top',
        action: AdEvent.Action.CONVERSION,
        revenueMicros: 2_500_000,
      },
    },
  ],
}

describe('the generated codec', () => {
  it('reads what it wrote, and tells 0 and false from absent', () => {
    const read = EventBatch.decode(EventBatch.encode(batch).finish())
    expect(read.events.map((event) => event.eventId)).toEqual(['evt_1', 'evt_2', 'evt_3', 'evt_4', 'evt_5', 'evt_6'])
    expect(read.events[0]?.pageView).toMatchObject({ url: 'https://a.example/', loadTimeMs: 0, scrollDepthPct: 80 })
    expect(read.events[1]?.searchEvent).toMatchObject({ query: 'schuhe ü', resultCount: 0, clickedPosition: 1 })
    expect(read.events[2]?.aiInteraction).toMatchObject({ inputTokens: 4_294_967_295, cached: false })
    expect(read.events[2]?.aiInteraction?.outputTokens ?? null).toBeNull()
    expect(read.events[4]?.performance).toMatchObject({ metricName: 3, value: 0 })
    expect(exactInteger(read.sentAt)).toBe(1_760_000_000_000)
    expect(exactInteger(read.seqNumber)).toBe(7)
  })

  it('writes the bytes that protobufjs writes by reflection', () => {
    const type = root.lookupType('millrace.v1.EventBatch')
    const json = JSON.stringify(batch).replaceAll(/[a-z]+[A-Z][A-Za-z]*(?=":)/g, (name) =>
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    )
    const bytes = type.encode(type.fromObject(JSON.parse(json) as object)).finish()
    expect(Buffer.compare(EventBatch.encode(batch).finish(), bytes)).toBe(0)
  })

  it('keeps 64-bit integers exact: revenue, session, times', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (revenue, session) => {
          const event = {
            sessionId: toInt64(session, true),
            adEvent: { revenueMicros: toInt64(revenue, false) },
          }
          const [read] = EventBatch.decode(EventBatch.encode({ events: [event] }).finish()).events
          expect(BigInt(exactInteger(read?.adEvent?.revenueMicros ?? 0))).toBe(revenue)
          expect(BigInt(exactInteger(read?.sessionId ?? 0))).toBe(session)
        },
      ),
    )
    expect(exactInteger(toInt64(2n ** 53n - 1n, false))).toBe(Number.MAX_SAFE_INTEGER)
    expect(exactInteger(toInt64(2n ** 53n, false))).toBe(2n ** 53n)
    expect(exactInteger(toInt64(-(2n ** 53n) + 1n, false))).toBe(Number.MIN_SAFE_INTEGER)
    expect(() => toInt64(2n ** 63n, false)).toThrow('does not fit into 64 bits with sign')
  })

  it('refuses invalid UTF-8 and cut bytes', () => {
    const bytes = EventBatch.encode(batch).finish()
    expect(() => EventBatch.decode(bytes.subarray(0, bytes.length - 1))).toThrow()
    expect(() => EventBatch.decode(Uint8Array.of(10, 2, 0xc3, 0x28))).toThrow()
  })
})

it('answers a batch in protobuf and in JSON with the same content (S0-65)', () => {
  const refused = { index: 31, eventId: 'evt_9', reason: 'schema', issues: ['/timestamp: 40 days old, at most 30'] }
  const answer = { batchId: 'b1', accepted: 98, duplicates: 0, rejected: [refused], retry: [] }
  const read = EventBatchResponse.decode(encodeBrowserAnswer(answer))
  expect(read).toMatchObject({ batchId: 'b1', accepted: 98 })
  expect(read.rejected[0]).toMatchObject(refused)
  expect(browserAnswerToJson(answer)).toEqual(answer)
})
