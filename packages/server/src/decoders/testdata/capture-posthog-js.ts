/**
 * Captures what the real posthog-js sends from Chromium, as golden inputs: `node testdata/capture-posthog-js.ts`, then
 * `UPDATE_GOLDEN=1 vitest run golden.test.ts` and read the diff. One request is one case, named by its first event. Ids, times and
 * ports become fixed ones, all else is as on the wire; `.bin` is a body as it was sent, untouched.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { bundleScript, htmlPage, launchBrowser, serveSite } from '../../../../../test/support/browser.ts'
import { startCollector } from '../../testing/collector.ts'

const folder = join(import.meta.dirname, 'posthog')
const collector = await startCollector()
const script = await bundleScript(`import posthog from 'posthog-js'
  posthog.init('phc_test', {
    api_host: '${collector.url}',
    opt_out_useragent_filter: true,
    capture_exceptions: true,
    request_queue_config: { flush_interval_ms: 1000 },
  })
  window.posthog = posthog`)
const site = await serveSite({
  '/shop': htmlPage(script, '<h1>Shop</h1><button id="buy" class="big">Buy now</button>'),
  '/next': htmlPage('', 'bye'),
})
const chromium = await launchBrowser()
const names = new Map<string, number>()
const uuids = new Map<string, string>()

function fixed(body: string): string {
  return body
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (uuid) => {
      const known = uuids.get(uuid) ?? `00000000-0000-7000-8000-${String(uuids.size + 1).padStart(12, '0')}`
      uuids.set(uuid, known)
      return known
    })
    .replace(/"20\d\d-\d\d-\d\dT[0-9:.]+Z"/g, '"2026-01-01T00:00:00.000Z"')
    .replace(/:1[789]\d{8}\.\d+/g, ':1767225600.123')
    .replace(/:1[789]\d{11}\b/g, ':1767225600000')
    .replace(/"\$insert_id":"[^"]+"/g, '"$insert_id":"abcdefgh12345678"')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:8000')
}

function keep(url: URL, contentType: string, wire: Buffer): void {
  const text = gunzipSync(wire).toString('utf8')
  const [first] = /"event":"\$?(\w[^"]*)"/.exec(text)?.slice(1) ?? []
  const count = (names.get(first ?? '') ?? 0) + 1
  names.set(first ?? '', count)
  const name = `capture.js-${first}${count === 1 ? '' : `-${count}`}`
  writeFileSync(join(folder, `${name}.in.json`), `${fixed(text)}\n`)
  if (first !== 'pageview') return
  writeFileSync(join(folder, 'capture.js-gzip.in.bin'), wire)
  const cx = { contentType, query: Object.fromEntries(url.searchParams) }
  writeFileSync(join(folder, 'capture.js-gzip.cx.json'), `${JSON.stringify(cx, undefined, 2)}\n`)
}

try {
  const { page } = await chromium.open('about:blank')
  page.on('request', (request) => {
    const url = new URL(request.url())
    const body = request.postDataBuffer()
    if (body === null || !['/e/', '/i/v0/e/', '/s/'].includes(url.pathname)) return
    keep(url, request.headers()['content-type'] ?? '', body)
  })
  await page.goto(`${site.url}/shop?utm_source=news&utm_medium=mail`)
  await sleep(2000)
  await page.click('#buy')
  await page.evaluate(`
    posthog.capture('Bought', { price: 0, $set: { plan: 'pro' } })
    posthog.identify('ada', { name: 'Ada' }, { first: 'x' })
    posthog.alias('ada-2')
    posthog.group('company', 'c1', { name: 'Initech' })
    setTimeout(() => { throw new TypeError('it broke') })`)
  await sleep(6500)
  await page.goto(`${site.url}/next`)
  await sleep(1000)
} finally {
  await chromium.close()
  await site.close()
  await collector.stop()
}
