import { randomBytes, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { millrace } from '../packages/protocol/src/gen/browser.gen.js'

/** One kind of load: ready-made bodies, so that the generator does nothing but send. */
export interface Workload {
  readonly name: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly eventsPerBody: number
  readonly connections: number
  body(): Uint8Array
}

const pages = ['/', '/pricing', '/docs/start', '/blog/exactly-once', '/signup']
const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!
const unique = () => randomBytes(12).toString('hex')

/** What a browser SDK sends: page views, vitals, navigations and ads; some 17 columns filled per event. */
function protobufBatch(size: number): Uint8Array {
  const now = Date.now()
  const device = randomUUID()
  const user = `usr_${randomUUID()}`
  const events = Array.from({ length: size }, (_, at) => {
    const path = pick(pages)
    const url = `https://shop.example${path}?utm_source=newsletter&utm_campaign=autumn`
    const envelope = {
      eventId: `evt_${unique()}`,
      userId: user,
      deviceId: device,
      sessionId: 12,
      timestamp: now - (size - at) * 40,
    }
    const kind = at % 4
    if (kind === 0)
      return {
        ...envelope,
        pageView: {
          url,
          title: `Shop – ${path}`,
          referrer: 'https://search.example/',
          loadTimeMs: 340 + at,
          scrollDepthPct: at % 100,
        },
      }
    if (kind === 1) return { ...envelope, performance: { metricName: 1 + (at % 6), value: 120.5 + at, url } }
    if (kind === 2)
      return { ...envelope, navigation: { urlFrom: 'https://shop.example/', urlTo: url, trigger: 1 + (at % 5) } }
    return {
      ...envelope,
      adEvent: {
        adId: `ad-${at % 50}`,
        campaignId: `c-${at % 9}`,
        placement: 'sidebar',
        action: 1 + (at % 4),
        revenueMicros: 1200 + at,
      },
    }
  })
  return millrace.v1.EventBatch.encode({
    batchId: randomUUID(),
    seqNumber: 1,
    sdkVersion: '1.0.0',
    sentAt: now,
    deviceId: device,
    events,
  }).finish()
}

function segmentMessage(at: number): Record<string, unknown> {
  const path = pick(pages)
  return {
    type: 'track',
    messageId: unique(),
    timestamp: new Date().toISOString(),
    event: pick(['Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed']),
    userId: `user-${Math.floor(Math.random() * 1e5)}`,
    anonymousId: randomUUID(),
    properties: {
      product_id: `sku-${at % 500}`,
      price: 19.99 + at,
      currency: 'EUR',
      quantity: 1 + (at % 3),
      category: 'shoes',
    },
    context: {
      library: { name: 'analytics.js', version: '2.11.1' },
      page: { url: `https://shop.example${path}`, path, title: 'Shop', referrer: 'https://search.example/' },
      userAgent:
        'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15',
      locale: 'de-DE',
    },
  }
}

function segmentBatch(size: number): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      batch: Array.from({ length: size }, (_, at) => segmentMessage(at)),
      sentAt: new Date().toISOString(),
    }),
  )
}

const json = { 'content-type': 'application/json' }
const fast = { level: 6 }

export const workloads: Readonly<Record<string, Workload>> = {
  'protobuf-gzip-100': {
    name: 'gzip protobuf batches of 100',
    path: '/v1/events/batch',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' },
    eventsPerBody: 100,
    connections: 8,
    body: () => gzipSync(protobufBatch(100), fast),
  },
  'segment-gzip-100': {
    name: 'gzip Segment batches of 100',
    path: '/v1/batch',
    headers: { ...json, 'content-encoding': 'gzip' },
    eventsPerBody: 100,
    connections: 8,
    body: () => gzipSync(segmentBatch(100), fast),
  },
  'segment-100': {
    name: 'plain Segment batches of 100',
    path: '/v1/batch',
    headers: json,
    eventsPerBody: 100,
    connections: 8,
    body: () => segmentBatch(100),
  },
  'segment-1': {
    name: 'single Segment events',
    path: '/v1/track',
    headers: json,
    eventsPerBody: 1,
    connections: 32,
    body: () => Buffer.from(JSON.stringify(segmentMessage(1))),
  },
}
