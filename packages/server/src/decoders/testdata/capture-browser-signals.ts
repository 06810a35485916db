/**
 * Captures what real packages give in Chromium, as golden inputs: web-vitals in both builds, @rrweb/record, and the browser's own
 * resource timing. `node testdata/capture-browser-signals.ts`, then `UPDATE_GOLDEN=1 vitest run golden.test.ts` and read the diff.
 * Addresses, ids and times of the run become fixed ones, all else is as it was given.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync, gzipSync } from 'node:zlib'
import { bundleScript, htmlPage, launchBrowser, serveSite, type SiteFile } from '../../../../../test/support/browser.ts'

const vitals = (from: string) => `
import { onCLS, onFCP, onINP, onLCP, onTTFB } from '${from}'
const metrics = []
for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB]) on((metric) => metrics.push(metric), { reportAllChanges: false })
globalThis.taken = () => JSON.stringify({ vitals: metrics, pageUrl: location.href, sessionId: 'session-1', userId: 'ada', release: '1.2' })`
const recorder = `
import { record } from '@rrweb/record'
const events = []
addEventListener('DOMContentLoaded', () => {
  record({ emit: (event) => events.push(event), sampling: { mousemove: 20 } })
  record.addCustomEvent('checkout', { step: 0 })
})
globalThis.taken = () => JSON.stringify({ sessionId: 'session-1', sequence: 3, pageUrl: location.href, startedAt: events[0].timestamp - 250, events })`
const timing = `
globalThis.taken = () => JSON.stringify({ entries: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')], pageUrl: location.href, sessionId: 'session-1', timeOrigin: performance.timeOrigin })`

const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
const body = `<h1 id="title">Pricing</h1><img id="hero" src="/hero.svg" width="600" height="400"><button id="buy">Buy</button><input id="name"><p id="late">Text</p>
<script>setTimeout(() => { const bar = document.createElement('div'); bar.style.height = '120px'; bar.textContent = 'Offer'; document.body.prepend(bar) }, 150)
document.getElementById('buy').addEventListener('click', () => { const until = performance.now() + 60; while (performance.now() < until); document.getElementById('late').textContent = 'Bought' })</script>`
const files = (script: string, more = ''): Readonly<Record<string, SiteFile>> => ({
  '/pricing': htmlPage(script, body + more),
  '/hero.svg': {
    type: 'image/svg+xml',
    body: '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="400"><rect width="600" height="400" fill="#345"/></svg>',
  },
  '/app.js': { type: 'text/javascript', body: 'globalThis.app = 1' },
  '/app.css': { type: 'text/css', body: 'h1 { color: #123 }' },
  '/api/prices': { type: 'application/json', body: '{"basic":0}' },
})

const browser = await launchBrowser()
const elsewhere = await serveSite({ '/pixel.gif': { type: 'image/gif', body: pixel } })

/** Opens the page, does what a person does there, and leaves for another tab: the moment at which metrics are final. */
async function capture(script: string, more = ''): Promise<string> {
  const site = await serveSite(files(await bundleScript(script), more))
  const { page, complaints } = await browser.open(`${site.url}/pricing?utm_source=news`)
  await page.waitForTimeout(300)
  await page.mouse.move(50, 50)
  await page.mouse.move(200, 120)
  await page.click('#buy')
  await page.fill('#name', 'Ada')
  await page.waitForTimeout(200)
  await page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))`)
  const taken = (await page.evaluate('taken()')) as string
  await page.context().close()
  await site.close()
  if (complaints.length > 0) throw new Error(complaints.join('\n'))
  return fixed(taken.replaceAll(site.url, 'https://shop.example').replaceAll(elsewhere.url, 'https://cdn.example'))
}

/** The first time of the run becomes 2026-01-01T00:00:00Z, and the others follow it. */
function fixed(json: string): string {
  const times = [...json.matchAll(/\b1[789]\d{11}\b/g)].map(([time]) => Number(time))
  const first = Math.min(...times)
  let count = 0
  return json
    .replace(/"id":"v6-\d+-\d+"/g, () => `"id":"v6-1767225600000-${4_000_000_000_000 + ++count}"`)
    .replace(/\b1[789]\d{11}\b/g, (time) => String(1_767_225_600_000 + Math.max(0, Number(time) - first)))
}

function write(dialect: string, name: string, body: string | Uint8Array): void {
  writeFileSync(join(import.meta.dirname, dialect, name), typeof body === 'string' ? `${body}\n` : body)
}

try {
  write('web_vitals', 'vitals.standard.in.json', await capture(vitals('web-vitals')))
  const attributed = await capture(vitals('web-vitals/attribution'))
  write('web_vitals', 'vitals.attribution.in.json', attributed)
  // What `onLCP((metric) => navigator.sendBeacon(url, JSON.stringify(metric)))` sends.
  const { vitals: list } = JSON.parse(attributed) as { vitals: readonly object[] }
  write('web_vitals', 'vitals.one.in.txt', JSON.stringify(list[0]))
  write('web_vitals', 'vitals.array.in.json', JSON.stringify(list))

  const chunk = await capture(recorder)
  write('rrweb', 'replay.chunk.in.json', chunk)
  const recording = JSON.parse(chunk) as { sessionId: string; events: readonly object[] }
  const { events } = recording
  write('rrweb', 'replay.array.in.txt', JSON.stringify(events.slice(0, 3)))
  write('rrweb', 'replay.one.in.txt', JSON.stringify(events[0]))
  // The same events in the forms that senders give them; rrweb's packer makes `zlib of {...event, v: 'v1'}` of each.
  const data = gzipSync(JSON.stringify(events)).toString('base64')
  write('rrweb', 'replay.data.in.json', JSON.stringify({ sessionId: 'session-1', sequence: 4, data }))
  const packed = events.map((event) => deflateSync(JSON.stringify({ ...event, v: 'v1' })).toString('latin1'))
  write('rrweb', 'replay.packed.in.json', JSON.stringify({ sessionId: 'session-1', sequence: 5, events: packed }))
  write('rrweb', 'replay.gzip.in.bin', gzipSync(JSON.stringify(events)))

  const more = `<link rel="stylesheet" href="/app.css"><script src="/app.js"></script><img src="${elsewhere.url}/pixel.gif"><script>fetch('/api/prices')</script>`
  const entries = await capture(timing, more)
  write('snippet', 'snippet.page.in.json', entries)
  const { entries: all } = JSON.parse(entries) as { entries: readonly object[] }
  write('snippet', 'snippet.one.in.txt', JSON.stringify(all[1]))
} finally {
  await browser.close()
  await elsewhere.close()
}
