/**
 * Captures what the real @segment/analytics-node sends, as golden inputs: `node testdata/capture-segment.ts`, then
 * `UPDATE_GOLDEN=1 vitest run golden.test.ts` and read the diff. Ids and times are made fixed ones, all else is as on the wire.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Analytics } from '@segment/analytics-node'

const bodies: string[] = []
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    bodies.push((request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8'))
    response.setHeader('content-type', 'application/json').end('{"success":true}')
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** One case: a client of its own, so that its batch is one request. */
async function capture(name: string, use: (analytics: Analytics) => void): Promise<void> {
  bodies.length = 0
  const analytics = new Analytics({ writeKey: 'test-key', host, flushAt: 100, flushInterval: 50 })
  use(analytics)
  await analytics.closeAndFlush()
  if (bodies.length !== 1) throw new Error(`${name}: ${bodies.length} requests, expected 1`)
  writeFileSync(join(import.meta.dirname, 'segment', `batch.${name}.in.json`), `${fixed(bodies[0] as string)}\n`)
}

/** Random ids and times of the run become fixed ones of the same form. */
function fixed(body: string): string {
  let count = 0
  return body
    .replace(/"messageId":"[^"]+"/g, () => `"messageId":"node-next-1767225600000-${String(++count).padStart(36, '0')}"`)
    .replace(/"(timestamp|sentAt)":"2[0-9-]+T[0-9:.]+Z"/g, '"$1":"2026-01-01T00:00:00.000Z"')
    .replace(/"nodeVersion":"[^"]+"/g, '"nodeVersion":"24.0.0"')
}

await capture('node-all-types', (analytics) => {
  analytics.track({ userId: 'u-1', event: 'Order Completed', properties: { revenue: 12.5, currency: 'EUR', products: [{ sku: 'a', quantity: 2 }] } })
  analytics.identify({ userId: 'u-1', traits: { name: 'Ada', plan: 'pro', age: 36 } })
  analytics.page({ userId: 'u-1', category: 'Docs', name: 'Install', properties: { url: 'https://example.com/docs/install?utm_source=x', path: '/docs/install', title: 'Install it', referrer: 'https://example.com/' } })
  analytics.screen({ anonymousId: 'anon-1', name: 'Cart', properties: { items: 0 } })
  analytics.group({ userId: 'u-1', groupId: 'g-1', traits: { name: 'Initech', employees: 0 } })
  analytics.alias({ userId: 'u-1', previousId: 'anon-1' })
})
await capture('node-context', (analytics) => {
  analytics.track({
    anonymousId: 'anon-2',
    event: 'Lead Captured',
    timestamp: new Date('2025-12-31T23:59:59.123Z'),
    integrations: { All: false, Mixpanel: true },
    context: {
      ip: '203.0.113.7',
      locale: 'de-DE',
      timezone: 'Europe/Berlin',
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
      app: { name: 'Shop', version: '2.1.0', build: '210' },
      campaign: { name: 'spring', source: 'newsletter', medium: 'email', term: 'shoes', content: 'header' },
      page: { url: 'https://example.com/landing', path: '/landing', referrer: 'https://news.example/', title: 'Landing', search: '?a=1' },
      network: { carrier: 'T', cellular: false, wifi: true, bluetooth: false },
      os: { name: 'Linux', version: '6.1' },
      device: { id: 'd-1', type: 'desktop', manufacturer: 'Lenovo', model: 'T14' },
      screen: { width: 2560, height: 1440, density: 2 },
      location: { country: 'DE', region: 'BE', city: 'Berlin', latitude: 0, longitude: 13.4 },
    },
  } as unknown as Parameters<Analytics['track']>[0])
})
await capture('node-zeros', (analytics) => {
  analytics.track({ userId: '0', event: 'Zeros', properties: { zero: 0, empty: '', no: false, nothing: null, list: [] } })
})
server.close()
