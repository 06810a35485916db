/**
 * Captures what the real trackers of Umami (2.10.0) and Plausible (@plausible-analytics/tracker) send from Chromium, as golden
 * inputs: `node testdata/capture-web-trackers.ts`, then `UPDATE_GOLDEN=1 vitest run golden.test.ts` and read the diff. Ports become
 * fixed ones, all else is as on the wire.
 */
import { writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bundleScript, htmlPage, launchBrowser, serveSite } from '../../../../../test/support/browser.ts'
import { umamiTracker } from '../../../../../test/support/umami.ts'

const sent: { body: string; agent: string }[] = []
function record(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    sent.push({ body: Buffer.concat(chunks).toString('utf8'), agent: request.headers['user-agent'] ?? '' })
    response.end('{}')
  })
}

const tracker = umamiTracker()
if (tracker === undefined) throw new Error('the registry cannot be reached')
const plausible = await bundleScript(`import { init, track } from '@plausible-analytics/tracker'
  Object.assign(window, { __plausible: true })
  init({ domain: 'shop.example', endpoint: location.origin + '/api/event', captureOnLocalhost: true, bindToWindow: false })
  addEventListener('do', () => track('Signup', { props: { plan: 'pro', seats: '0' }, revenue: { amount: 0.5, currency: 'EUR' }, interactive: false }))`)
const site = await serveSite({
  '/umami': htmlPage('', '<script src="/script.js" data-website-id="b59e9c65-ae32-47f1-8400-119fcf4861c4"></script>'),
  '/script.js': { type: 'text/javascript', body: tracker },
  '/plausible': htmlPage(plausible, '<div style="height:3000px"></div>'),
  '/api/send': record,
  '/api/event': record,
})
const chromium = await launchBrowser()
try {
  const umami = (await chromium.open(`${site.url}/umami?utm_source=news`)).page
  await sent1('umami', 'send.page-view')
  await umami.evaluate(`umami.track('signup', { n: 0 })`)
  await sent1('umami', 'send.event')
  await umami.evaluate(`umami.identify({ plan: 'pro' })`)
  await sent1('umami', 'send.identify')

  const page = (await chromium.open(`${site.url}/plausible?utm_source=news`)).page
  await sent1('plausible', 'event.page-view')
  await page.evaluate(`window.dispatchEvent(new Event('do'))`)
  await sent1('plausible', 'event.custom')
  await page.evaluate(`window.scrollTo(0, 3000)`)
  await sleep(3100)
  await page.evaluate(`window.dispatchEvent(new Event('blur'))`)
  await page.evaluate(`history.pushState({}, '', '/next')`)
  await sent1('plausible', 'event.engagement')
} finally {
  await chromium.close()
  await site.close()
}

/** The next request is one case. */
async function sent1(folder: string, name: string): Promise<void> {
  for (let waited = 0; sent.length === 0 && waited < 10_000; waited += 20) await sleep(20)
  const { body, agent } = sent.shift() ?? { body: '', agent: '' }
  if (body === '') throw new Error(`${name}: nothing was sent`)
  const at = join(import.meta.dirname, folder, name)
  writeFileSync(`${at}.in.${folder === 'umami' ? 'json' : 'txt'}`, body.replaceAll(site.url, 'http://shop.example'))
  writeFileSync(`${at}.cx.json`, `${JSON.stringify({ headers: { 'user-agent': agent } }, null, 2)}\n`)
}
