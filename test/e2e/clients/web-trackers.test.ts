import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  browserMissing,
  bundleScript,
  htmlPage,
  launchBrowser,
  type Site,
  serveSite,
  type TestBrowser,
} from '../../support/browser.ts'
import { ask, createInstance, type Instance } from '../../support/instance.ts'
import { umamiTracker } from '../../support/umami.ts'

/** The unchanged trackers of Umami 2.10.0 and Plausible 0.4.6, in Chromium, against a whole Millrace. */
const why = browserMissing()
const umami = why === undefined ? umamiTracker() : undefined
if (why !== undefined) process.stderr.write(`SKIPPED web trackers: ${why}\n`)
else if (umami === undefined) process.stderr.write('SKIPPED Umami’s tracker: the npm registry cannot be reached\n')

describe.skipIf(why !== undefined)('web trackers', () => {
  let instance: Instance
  let chromium: TestBrowser
  let site: Site

  beforeAll(async () => {
    instance = createInstance()
    const { collector } = await instance.start()
    chromium = await launchBrowser()
    const plausible = await bundleScript(`import { init, track } from '@plausible-analytics/tracker'
      Object.assign(window, { __plausible: true })
      const done = (name) => ({ callback: ({ status }) => { document.title += ' ' + name + ':' + status } })
      init({ domain: 'shop.example', endpoint: '${collector}/api/event?writeKey=k', captureOnLocalhost: true, bindToWindow: false })
      addEventListener('do', () => track('Signup', { props: { plan: 'pro' }, revenue: { amount: 0, currency: 'EUR' }, ...done('signup') }))`)
    site = await serveSite({
      '/umami': htmlPage(
        '',
        `<script src="/script.js" data-website-id="site-key" data-host-url="${collector}"></script>`,
      ),
      '/script.js': { type: 'text/javascript', body: umami ?? '' },
      '/plausible': htmlPage(plausible),
    })
  })
  afterAll(async () => {
    await chromium?.close()
    await site?.close()
    await instance?.dispose()
  })

  const rows = (source: string) =>
    ask(
      instance.ready().api,
      `SELECT event_type, event_name, http_url, http_query, ns, campaign_source, page_title, properties, traits, screen_size,
         http_user_agent LIKE '%Chrome%' AS is_chrome FROM events WHERE event_source = '${source}' ORDER BY log_position`,
    )

  it.skipIf(umami === undefined)('Umami’s page view, event and identify are stored once each', async () => {
    const { page, complaints } = await chromium.open(`${site.url}/umami?utm_source=news`)
    await page.waitForFunction('window.umami !== undefined')
    await page.waitForLoadState('networkidle')
    await page.evaluate(`umami.track('signup', { seats: 0 }).then(() => umami.identify({ plan: 'pro' }))`)
    expect(complaints).toEqual([])
    await expect.poll(() => rows('umami'), { timeout: 10_000 }).toHaveLength(3)
    const stored = await rows('umami')
    const all = {
      http_url: 'https://127.0.0.1/umami?utm_source=news',
      campaign_source: 'news',
      ns: '127.0.0.1',
      is_chrome: 1,
    }
    expect(stored).toMatchObject([
      { ...all, event_type: 'page', event_name: 'page_view', page_title: 'Test page', screen_size: '1280x720' },
      { ...all, event_type: 'track', event_name: 'signup', properties: { seats: 0 } },
      { ...all, event_type: 'track', event_name: 'identify', traits: { plan: 'pro' } },
    ])
    expect(JSON.stringify(stored)).not.toContain('site-key')
  })

  it('Plausible’s page views and events are stored once each, and its callback hears 202', async () => {
    const { page, complaints } = await chromium.open(`${site.url}/plausible?utm_source=news`)
    await page.evaluate(`dispatchEvent(new Event('do'))`)
    await page.waitForFunction(`document.title.includes('signup:')`)
    expect(await page.title()).toContain('signup:202')
    await page.evaluate(`history.pushState({}, '', '/next')`)
    await expect.poll(() => rows('plausible'), { timeout: 10_000 }).toHaveLength(4)
    expect(complaints).toEqual([])
    const first = `${site.url}/plausible?utm_source=news`
    const stored = await rows('plausible')
    // What leaves a page and what opens the next are sent at once, in no order.
    stored.sort((a, b) => Number(a['event_name'] === 'engagement') - Number(b['event_name'] === 'engagement'))
    expect(stored).toMatchObject([
      { event_type: 'page', event_name: 'page_view', http_url: first, ns: 'shop.example', is_chrome: 1 },
      {
        event_type: 'track',
        event_name: 'Signup',
        properties: { plan: 'pro', revenue: { amount: 0, currency: 'EUR' } },
      },
      { event_type: 'page', event_name: 'page_view', http_url: `${site.url}/next` },
      { event_type: 'track', event_name: 'engagement', http_url: first },
    ])
  })

  it('an event that cannot be taken is told in Plausible’s own header', async () => {
    const answer = await fetch(`${instance.ready().collector}/api/event`, { method: 'POST', body: '{"n":"x"}' })
    expect([answer.status, answer.headers.get('x-plausible-dropped'), await answer.text()]).toEqual([202, '1', 'ok'])
  })
})
