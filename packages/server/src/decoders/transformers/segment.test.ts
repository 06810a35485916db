import { describe, expect, it } from 'vitest'
import { decodeSegment } from '../segment.ts'
import { TransformError } from './transformer.ts'
import { transformSegmentIdentify } from './segment-identify.ts'
import { transformSegmentPage } from './segment-page.ts'
import { transformSegmentTrack } from './segment-track.ts'

const timestamp = '2026-01-01T00:00:00.250Z'
const ms = Date.UTC(2026, 0, 1, 0, 0, 0, 250)
const context = {
  page: {
    url: 'https://shop.example/cart?a=1',
    path: '/cart',
    referrer: 'https://r.example/',
    title: 'Cart',
    search: '?a=1',
  },
  campaign: { name: 'spring', source: 'news', medium: 'mail', term: 'shoes', content: 'top' },
  device: { type: 'mobile', model: 'M1', manufacturer: 'Acme', brand: 'not this' },
  os: { name: 'iOS', version: '17' },
  library: { name: 'analytics.js', version: '1.2' },
  screen: { width: 0, height: 568 },
  location: { country: 'DE', region: 'BE', city: 'Berlin', latitude: 0, longitude: 13.4 },
  timezone: 'Europe/Berlin',
  userAgent: 'Mozilla/5.0',
  locale: 'de-DE',
}
const contextColumns = {
  http_url: 'https://shop.example/cart?a=1',
  http_path: '/cart',
  http_referrer: 'https://r.example/',
  page_title: 'Cart',
  page_search: '?a=1',
  campaign_name: 'spring',
  campaign_source: 'news',
  campaign_medium: 'mail',
  campaign_term: 'shoes',
  campaign_content: 'top',
  device_type: 'mobile',
  device_model: 'M1',
  device_brand: 'Acme',
  os_name: 'iOS',
  os_version: '17',
  http_user_agent: 'Mozilla/5.0',
}
const richColumns = {
  client_name: 'analytics.js',
  client_version: '1.2',
  screen_size: '0x568',
  geo_country: 'DE',
  geo_region: 'BE',
  geo_city: 'Berlin',
  geo_latitude: 0,
  geo_longitude: 13.4,
  geo_timezone: 'Europe/Berlin',
}
const people = { userId: 'u-1', anonymousId: 'a-1', messageId: 'm-1', timestamp, context }
const peopleColumns = {
  id: 'm-1',
  actor_id: 'u-1',
  anonymous_id: 'a-1',
  timestamp: ms,
  ns: 'shop',
  event_source: 'segment',
}

describe('transformSegmentTrack (X3-16)', () => {
  it('maps name, people, properties, time and the whole context', () => {
    const properties = { revenue: 0, nested: { a: [1] } }
    expect(transformSegmentTrack({ ...people, event: 'Bought', properties }, 'shop')).toEqual({
      event_type: 'track',
      event_name: 'Bought',
      ...peopleColumns,
      ...contextColumns,
      ...richColumns,
      properties,
      context,
    })
  })

  it('sets no time and no namespace where there is none', () => {
    expect(transformSegmentTrack({ event: 'x', timestamp: null })).toEqual({
      event_type: 'track',
      event_name: 'x',
      event_source: 'segment',
    })
  })

  it('takes a Date, as programs have it', () => {
    expect(transformSegmentTrack({ event: 'x', timestamp: new Date(ms) }).timestamp).toBe(ms)
    expect(() => transformSegmentTrack({ event: 'x', timestamp: new Date(Number.NaN) })).toThrow('/timestamp')
  })

  it('throws for a message that is no track, or has no event', () => {
    for (const [message, issue] of [
      [{ type: 'page', event: 'x' }, '/type: expected track, got string(4)'],
      [{}, '/event: required'],
      [{ event: {} }, '/event: expected string, got object'],
      [null, ': expected an object'],
      [['x'], ': expected an object'],
    ] as const) {
      expect(() => transformSegmentTrack(message as never)).toThrow(new TransformError([issue]))
    }
    expect(() => transformSegmentTrack({ event: 'x' }, 5 as never)).toThrow('/ns: expected string, got number')
  })
})

describe('transformSegmentIdentify (X3-17, G3-1)', () => {
  it('is a track named identify that links anonymous id and actor, with name, traits and the richer context', () => {
    const traits = { name: 'Ada', age: 36, visits: 0 }
    expect(transformSegmentIdentify({ ...people, traits }, 'shop')).toEqual({
      event_type: 'track',
      event_name: 'identify',
      actor_name: 'Ada',
      ...peopleColumns,
      ...contextColumns,
      ...richColumns,
      traits,
      context,
    })
  })
})

describe('transformSegmentPage (X3-18)', () => {
  it('is named by its category', () => {
    const named = (message: object) => transformSegmentPage(message).event_name
    expect(named({ category: 'Docs', name: 'Install' })).toBe('Docs.page_view')
    expect(named({ properties: { category: 'Docs' } })).toBe('Docs.page_view')
    expect(named({ name: 'Install' })).toBe('page_view')
  })

  it('has its name as title, else that of its properties, and its own URL before the context’s', () => {
    const properties = { title: 'T', url: 'https://x.example/i?q=2', path: '/i', referrer: '', search: '?q=2' }
    expect(transformSegmentPage({ ...people, properties }, 'shop')).toMatchObject({
      ...peopleColumns,
      event_type: 'page',
      page_title: 'T',
      http_url: 'https://x.example/i?q=2',
      http_path: '/i',
      http_referrer: 'https://r.example/',
      page_search: '?q=2',
      http_query: 'q=2',
    })
    expect(transformSegmentPage({ name: 'N', properties }).page_title).toBe('N')
    expect(transformSegmentPage({ ...people }).http_query).toBe('a=1')
  })
})

it('maps what the decoder maps', () => {
  const messages = [
    { type: 'track', event: 'x', ...people, properties: { a: 1 }, extra: { kept: true } },
    { type: 'identify', ...people, traits: { name: 'Ada' } },
    { type: 'page', ...people, name: 'N', category: 'C' },
  ] as const
  const body = Buffer.from(JSON.stringify({ batch: messages }))
  const { events } = decodeSegment(body, { headers: {}, kind: 'batch', contentType: 'application/json' })
  const transforms = [transformSegmentTrack, transformSegmentIdentify, transformSegmentPage]
  for (const [index, { columns }] of events.entries()) {
    expect(transforms[index]!(messages[index] as never)).toEqual({ ...columns, event_source: 'segment' })
  }
})
