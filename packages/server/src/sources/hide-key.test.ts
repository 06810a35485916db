import { deflateSync } from 'node:zlib'
import { type EventColumns, stringifyJson } from '@millrace/protocol'
import { describe, expect, it } from 'vitest'
import type { DecodedBatch } from '../core/batch.ts'
import type { Decode, DecodeContext } from '../decoders/decode.ts'
import { decodePosthog } from '../decoders/posthog.ts'
import { decodeRrweb } from '../decoders/rrweb.ts'
import { decodeSegment } from '../decoders/segment.ts'
import { decodeUmami } from '../decoders/umami.ts'
import { decodeWebVitals } from '../decoders/web-vitals.ts'
import { hideKey } from './hide-key.ts'

const key = `mr_write_${'aB3-_'.repeat(8)}xyz`
const beacon = `https://collect.example/v1/vitals?writeKey=${key}`
const hidden = 'https://collect.example/v1/vitals?writeKey=[key]'
const signal = new AbortController().signal

const contextOf = (more: Partial<DecodeContext> = {}): DecodeContext => ({
  headers: {},
  kind: '',
  contentType: 'application/json',
  ...more,
})
const batchOf = (...columns: EventColumns[]): DecodedBatch => ({
  events: columns.map((each) => ({ columns: each, original: {} })),
})
const says = (text: string) => Buffer.from(`["${text}"]`)

async function hideIn(columns: EventColumns, secret = key, body = says(secret)): Promise<EventColumns> {
  const batch = await hideKey(secret, batchOf(columns), body, contextOf(), signal)
  return batch.events[0]!.columns
}

describe('where the key is hidden', () => {
  it('in texts, however often, and in JSON at any level, in values and names', async () => {
    const columns: EventColumns = {
      event_name: 'resource',
      duration_ms: 12,
      http_url: beacon,
      http_referrer: `${beacon}&again=${key}`,
      data: { entries: [{ name: beacon, size: 0, deep: [[null, { list: [beacon, 7n] }]] }], none: null, no: false },
      labels: { [`of ${key}`]: 'x' },
      db_after: ['a', { url: beacon }],
    }
    expect(await hideIn(columns)).toEqual({
      event_name: 'resource',
      duration_ms: 12,
      http_url: hidden,
      http_referrer: `${hidden}&again=[key]`,
      data: { entries: [{ name: hidden, size: 0, deep: [[null, { list: [hidden, 7n] }]] }], none: null, no: false },
      labels: { 'of [key]': 'x' },
      db_after: ['a', { url: hidden }],
    })
  })

  it('in bytes, of which the rest stays', async () => {
    const bytes = (url: string) => Buffer.concat([Buffer.from(`{"a":"${url}"}`), Buffer.of(0xff, 0), Buffer.from(url)])
    const given = bytes(beacon)
    const { replay_data: data } = await hideIn({ replay_data: given })
    expect(Buffer.from(data!)).toEqual(bytes(hidden))
    expect(given).toEqual(bytes(beacon))
  })

  it('in the batch id of the client', async () => {
    const batch = await hideKey(key, { ...batchOf({}), batchId: `b-${key}` }, says(key), contextOf(), signal)
    expect(batch.batchId).toBe('b-[key]')
  })

  it('in a name that is a prototype’s elsewhere', async () => {
    const data = JSON.parse(`{"__proto__":"${beacon}","a":{"__proto__":{"u":"${beacon}"}}}`) as Record<string, unknown>
    const out = (await hideIn({ data })).data
    expect(JSON.stringify(out)).toBe(`{"__proto__":"${hidden}","a":{"__proto__":{"u":"${hidden}"}}}`)
  })

  it('in what came by a header or the query, though the body does not hold it', async () => {
    const body = Buffer.from('{}')
    for (const cx of [
      contextOf({ headers: { referer: beacon } }),
      contextOf({ headers: { 'ce-writekey': key } }),
      contextOf({ query: { writeKey: key, pageUrl: beacon } }),
    ]) {
      const batch = await hideKey(key, batchOf({ http_url: beacon }), body, cx, signal)
      expect(batch.events[0]?.columns).toEqual({ http_url: hidden })
    }
  })

  it('in recordings that are compressed within the body', async () => {
    const chunk = {
      sessionId: 's1',
      sequence: 1,
      pageUrl: beacon,
      events: [{ type: 4, data: { href: beacon }, timestamp: 1_700_000_000_000 }],
    }
    const body = Buffer.from(JSON.stringify({ data: deflateSync(JSON.stringify(chunk)).toString('base64') }))
    const cx = contextOf({ query: { writeKey: key } })
    const batch = await hideKey(key, decodeRrweb(body, cx), body, cx, signal)
    const { http_url: url, replay_data: data } = batch.events[0]!.columns
    expect(url).toBe(hidden)
    expect(JSON.parse(Buffer.from(data!).toString())).toEqual({
      type: 4,
      data: { href: hidden },
      timestamp: 1_700_000_000_000,
    })
  })

  it('as URLs and JSON write it, when a key of the configuration has characters of theirs', async () => {
    const odd = 'sécret/+"key"='
    const columns = { http_url: `/x?writeKey=${encodeURIComponent(odd)}`, event_name: odd }
    const replay = Buffer.from(JSON.stringify({ href: odd }))
    expect(await hideIn({ ...columns, replay_data: replay }, odd, Buffer.from('{}'))).toEqual({
      http_url: '/x?writeKey=[key]',
      event_name: '[key]',
      replay_data: Buffer.from('{"href":"[key]"}'),
    })
  })
})

describe('what is left as it is', () => {
  it('what originals and other events share: it is replaced, not changed', async () => {
    const shared = { entries: [{ name: beacon }], other: { name: 'x' } }
    const original = { data: { shared } }
    const given: DecodedBatch = {
      events: [1, 2].map(() => ({ columns: { data: { shared } }, original })),
    }
    const { events } = await hideKey(key, given, says(key), contextOf(), signal)
    for (const { columns } of events) {
      expect(columns.data).toEqual({ shared: { entries: [{ name: hidden }], other: { name: 'x' } } })
      expect((columns.data!['shared'] as typeof shared).other).toBe(shared.other)
    }
    expect(original).toEqual({ data: { shared: { entries: [{ name: beacon }], other: { name: 'x' } } } })
  })

  it('all, when the request holds the key only where keys belong: the batch is not looked at', () => {
    const trap: EventColumns = {}
    Object.defineProperty(trap, 'data', {
      enumerable: true,
      get: () => {
        throw new Error('was looked at')
      },
    })
    const batch = batchOf(trap)
    const headers = { authorization: `Bearer ${key}`, 'x-write-key': key, ':path': `/v1/vitals?writeKey=${key}` }
    const cx = contextOf({ headers, query: { writeKey: key } })
    expect(hideKey(key, batch, Buffer.from('{}'), cx, signal)).toBe(batch)
    expect(hideKey(undefined, batch, says(key), cx, signal)).toBe(batch)
  })

  it.each<[string, Decode, object, string]>([
    ['posthog', decodePosthog, { api_key: key, batch: [{ event: 'e', distinct_id: 'u' }] }, 'capture'],
    ['posthog, in the event', decodePosthog, { event: 'e', distinct_id: 'u', properties: { token: key } }, 'capture'],
    ['segment', decodeSegment, { writeKey: key, batch: [{ type: 'track', event: 'e', userId: 'u' }] }, 'batch'],
    ['segment, in the message', decodeSegment, { writeKey: key, event: 'e', userId: 'u' }, 'track'],
    ['umami', decodeUmami, { type: 'event', payload: { website: key, hostname: 'h', url: '/' } }, 'send'],
    ['web vitals', decodeWebVitals, { writeKey: key, vitals: [{ name: 'LCP', value: 1, id: 'v1' }] }, 'vitals'],
    ['rrweb', decodeRrweb, { writeKey: key, sessionId: 's', events: [{ type: 4, data: {}, timestamp: 1 }] }, 'replay'],
  ])('a body of %s whose only key is in its own field: there is none in the columns', (_, decode, sent, kind) => {
    const body = Buffer.from(JSON.stringify(sent))
    const cx = contextOf({ kind })
    const batch = decode(body, cx)
    expect(batch.writeKey).toBe(key)
    expect(batch.events).toHaveLength(1)
    expect(hideKey(key, batch, body, cx, signal)).toBe(batch)
    const { replay_data: data, ...columns } = batch.events[0]!.columns
    expect(stringifyJson(columns) + Buffer.from(data ?? []).toString()).not.toContain(key)
  })

  it('keys too short to be told from words', async () => {
    expect(await hideIn({ event_name: 'shop' }, 'shop')).toEqual({ event_name: 'shop' })
  })

  it('what is nested deeper than any event may be, whatever its depth', async () => {
    let deep: unknown = beacon
    for (let i = 0; i < 100_000; i++) deep = [deep]
    const data = { deep, url: beacon }
    const out = (await hideIn({ data })).data
    expect(out?.['url']).toBe(hidden)
    expect(out?.['deep']).toBe(deep)
  })
})
