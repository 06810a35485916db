/**
 * Captures what the real @segment/analytics-next sends from Chromium, as golden inputs: `node testdata/capture-segment-browser.ts`, then
 * `UPDATE_GOLDEN=1 vitest run golden.test.ts` and read the diff. Its settings are those of routes/segment-replies.ts. Ids, times, ports and
 * what tells of this browser are made fixed ones, all else is as on the wire.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { bundleScript, htmlPage, launchBrowser, serveSite } from '../../../../../test/support/browser.ts'

type Analytics = Awaited<ReturnType<typeof import('@segment/analytics-next').AnalyticsBrowser.load>>[0]
declare const window: { AnalyticsBrowser: typeof import('@segment/analytics-next').AnalyticsBrowser }

const sent: { path: string; body: string }[] = []
const collector = createServer((request, response) => {
  const { host = '', origin = '*' } = request.headers
  response.setHeader('access-control-allow-origin', origin)
  response.setHeader('access-control-allow-headers', request.headers['access-control-request-headers'] ?? '*')
  if (request.method === 'OPTIONS') {
    response.writeHead(204).end()
    return
  }
  response.setHeader('content-type', 'application/json')
  if (request.method === 'GET') {
    const segment = { apiKey: 'test-key', apiHost: `${host}/v1`, protocol: 'http', addBundledMetadata: false }
    response.end(JSON.stringify({ integrations: { 'Segment.io': segment }, metrics: { sampleRate: 0 } }))
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    sent.push({ path: request.url ?? '', body: Buffer.concat(chunks).toString('utf8') })
    response.end('{"success":true}')
  })
})
await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
const cdnURL = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
const bundle = await bundleScript(
  `import { AnalyticsBrowser } from '@segment/analytics-next'; Object.assign(window, { AnalyticsBrowser })`,
)
const site = await serveSite({ '/shop/cart': htmlPage(bundle, '<h1>Cart</h1>'), '/': htmlPage('') })
const browser = await launchBrowser()

/** Random ids, times, ports and this machine's browser become fixed ones of the same form. */
function fixed(body: string): string {
  let count = 0
  return body
    .replaceAll(site.url, 'https://shop.example')
    .replace(/"messageId":"[^"]+"/g, () => `"messageId":"ajs-next-1767261600000-${String(++count).padStart(36, '0')}"`)
    .replace(/"anonymousId":"[^"]+"/g, '"anonymousId":"7b0c8d1e-2f3a-4b5c-8d6e-9f0a1b2c3d4e"')
    .replace(/"(timestamp|sentAt)":"2[0-9-]+T[0-9:.]+Z"/g, '"$1":"2026-01-01T10:00:00.000Z"')
    .replace(/"userAgent":"[^"]+"/g, '"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"')
    .replace(/"userAgentData":\{.*?\]\s*,?[^}]*\}/g, '"userAgentData":{"brands":[{"brand":"Chromium","version":"140"}],"mobile":false,"platform":"Linux"}')
    .replace(/"timezone":"[^"]+"/g, '"timezone":"Europe/Berlin"')
}

/** One case: a page of its own, whose one request of that path is the golden input. */
async function capture(path: string, name: string, use: (analytics: Analytics) => unknown, batch = false): Promise<void> {
  sent.length = 0
  const { page } = await browser.open(`${site.url}/shop/cart?utm_source=news&utm_medium=mail&utm_campaign=spring&color=red#top`)
  await page.evaluate(
    async ([cdn, code, isBatch]) => {
      const strategy = { strategy: 'batching' as const, config: { size: 100, timeout: 600_000 } }
      const options = isBatch ? { integrations: { 'Segment.io': { deliveryStrategy: strategy } } } : {}
      const [analytics] = await window.AnalyticsBrowser.load({ writeKey: 'test-key', cdnURL: cdn }, options)
      await (new Function('analytics', `return (${code})(analytics)`) as (analytics: unknown) => Promise<unknown>)(analytics)
    },
    [cdnURL, use.toString(), batch] as const,
  )
  // Leaving the page is what sends a batch.
  await page.goto(site.url)
  for (let waited = 0; waited < 5000 && !sent.some((request) => request.path === path); waited += 50) await page.waitForTimeout(50)
  const bodies = sent.filter((request) => request.path === path)
  if (bodies.length !== 1) throw new Error(`${name}: ${bodies.length} requests to ${path}, expected 1`)
  const kind = path.slice('/v1/'.length)
  writeFileSync(join(import.meta.dirname, 'segment', `${kind}.browser${name}.in.json`), `${fixed(bodies[0]!.body)}\n`)
}

await capture('/v1/t', '', (analytics) =>
  analytics.track('Order Completed', { revenue: 12.5, count: 0, empty: '', gift: false, coupon: null, products: [{ sku: 'a', quantity: 2 }] }),
)
await capture('/v1/t', '-known', async (analytics) => {
  await analytics.identify('ada', { name: 'Ada' })
  await analytics.track('Signed Up', {}, { context: { sessionId: 's-1', ip: '0.0.0.0' }, integrations: { All: false, 'Segment.io': true }, timestamp: '2026-01-01T10:00:00.000Z' })
})
await capture('/v1/i', '', (analytics) => analytics.identify('ada', { name: 'Ada', age: 36, visits: 0 }))
await capture('/v1/p', '', (analytics) => analytics.page('Docs', 'Install', { depth: 0 }))
await capture('/v1/p', '-plain', (analytics) => analytics.page())
await capture('/v1/s', '', (analytics) => analytics.screen('Cart', { items: 0 }))
await capture('/v1/g', '', (analytics) => analytics.group('g-1', { name: 'Initech', employees: 0 }))
await capture('/v1/a', '', (analytics) => analytics.alias('ada-2', 'anon-1'))
await capture('/v1/a', '-known', async (analytics) => {
  await analytics.identify('ada')
  await analytics.alias('ada-2', 'ada')
})
await capture(
  '/v1/b',
  '-batching',
  async (analytics) => {
    await analytics.track('First', { at: 0 })
    await analytics.identify('ada', { name: 'Ada' })
    await analytics.page()
  },
  true,
)
await browser.close()
await site.close()
collector.closeAllConnections()
collector.close()
