import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  browserMissing,
  bundleScript,
  htmlPage,
  launchBrowser,
  serveSite,
  type Site,
  type TestBrowser,
} from '../../support/browser.ts'
import { ask, createInstance, eventually, freePort, type Instance } from '../../support/instance.ts'
import { count, settled, storedEvent } from '../../support/pipeline.ts'

/** What the bundle leaves on the page. */
interface Page {
  AnalyticsBrowser: typeof import('@segment/analytics-next').AnalyticsBrowser
}
declare const window: Page

const missing = browserMissing()
if (missing !== undefined) process.stderr.write(`\nskipped: analytics-next in a browser: ${missing}\n`)

/** Segment's snippet as it is pasted into pages, with the two changes that docs/guide/sources/segment.md tells. */
const snippet = (cdn: string) => `
var analytics = (window.analytics = window.analytics || []);
analytics.methods = ['track', 'page', 'identify', 'group', 'alias', 'ready', 'on', 'screen', 'register', 'setAnonymousId'];
analytics.factory = function (method) {
  return function () {
    if (window.analytics.initialized) return window.analytics[method].apply(window.analytics, arguments);
    analytics.push([method].concat(Array.prototype.slice.call(arguments)));
    return analytics;
  };
};
analytics.methods.forEach(function (method) { analytics[method] = analytics.factory(method); });
analytics.load = function (key, options) {
  var script = document.createElement('script');
  script.async = true;
  script.src = '/standalone.js';
  document.head.appendChild(script);
  analytics._loadOptions = options;
};
analytics._cdn = '${cdn}';
analytics._writeKey = 'any';
analytics.load('any');
analytics.page('Snippet');
analytics.track('From The Snippet', { zero: 0 });`

describe.skipIf(missing !== undefined)('an unchanged analytics-next 1.84.3 in Chromium', () => {
  let instance: Instance
  let collector: string
  let api: string
  let site: Site
  let browser: TestBrowser

  beforeAll(async () => {
    // A port of its own: the page must find the collector again after it was killed.
    instance = createInstance({ ports: { collector: await freePort(), api: 0 } })
    const [ready, bundle] = await Promise.all([
      instance.start(),
      bundleScript(
        `import { AnalyticsBrowser } from '@segment/analytics-next'; Object.assign(window, { AnalyticsBrowser })`,
      ),
    ])
    ;({ collector, api } = ready)
    const umd = join(import.meta.dirname, '../../../node_modules/@segment/analytics-next/dist/umd/standalone.js')
    site = await serveSite({
      '/': htmlPage(bundle, '<h1>Shop</h1>'),
      '/next': htmlPage('', '<h1>Next</h1>'),
      '/snippet': htmlPage(snippet(collector)),
      '/standalone.js': { type: 'text/javascript', body: readFileSync(umd) },
    })
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
    await instance?.dispose()
  })

  it('needs no other server, reports success, and its events come once under the right columns', async () => {
    const { page, complaints } = await browser.open(`${site.url}/?utm_source=news&utm_campaign=spring`)
    const asked: string[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).host))
    const sent = await page.evaluate(async (cdnURL) => {
      const analytics = window.AnalyticsBrowser.load({ writeKey: 'any', cdnURL })
      const failures: string[] = []
      await analytics.on('error', (error) => void failures.push(JSON.stringify(error)))
      const contexts = [
        await analytics.track('Order Completed', { revenue: 12.5, count: 0, empty: '', products: [{ sku: 'a' }] }),
        // Before identify: the library puts the known user in place of both ids afterwards.
        await analytics.alias('ada', 'anon-1'),
        await analytics.identify('ada', { name: 'Ada', age: 36 }),
        await analytics.page('Docs', 'Install', { depth: 0 }),
        await analytics.screen('Cart'),
        await analytics.group('g-1', { name: 'Initech' }),
      ]
      return {
        failures: [...failures, ...contexts.flatMap((cx) => (cx.failedDelivery() ? ['failed delivery'] : []))],
        ids: contexts.map((cx) => cx.event.messageId ?? ''),
        anonymousId: contexts[0]?.event.anonymousId ?? '',
      }
    }, collector)
    expect({ failures: sent.failures, complaints }).toEqual({ failures: [], complaints: [] })
    expect(new Set(asked)).toEqual(new Set([new URL(collector).host]))
    await settled(api)
    const rows = await ask(
      api,
      `SELECT id, event_type, event_name, actor_id, anonymous_id, actor_name, resource_type, resource_id, resource_name,
              page_title, http_host, http_path, campaign_source, campaign_name, client_name, event_source, geo_timezone != '' AS zone
       FROM events WHERE id IN {ids:Array(String)} ORDER BY indexOf({ids:Array(String)}, id)`,
      { ids: sent.ids },
    )
    expect(rows.map(({ id }) => id)).toEqual(sent.ids)
    for (const row of rows) {
      expect(row).toMatchObject({
        event_source: 'segment',
        client_name: 'analytics.js',
        http_host: new URL(site.url).host,
        http_path: '/',
        campaign_source: 'news',
        campaign_name: 'spring',
        zone: 1,
      })
    }
    const { anonymousId } = sent
    expect(rows[0]).toMatchObject({
      event_type: 'track',
      event_name: 'Order Completed',
      actor_id: '',
      anonymous_id: anonymousId,
    })
    expect(rows[1]).toMatchObject({
      event_name: 'alias',
      actor_id: 'ada',
      resource_type: 'user',
      resource_id: 'anon-1',
    })
    expect(rows[2]).toMatchObject({
      event_type: 'track',
      event_name: 'identify',
      actor_id: 'ada',
      anonymous_id: anonymousId,
      actor_name: 'Ada',
    })
    expect(rows[3]).toMatchObject({
      event_type: 'page',
      event_name: 'Docs.page_view',
      page_title: 'Install',
      actor_id: 'ada',
    })
    expect(rows[4]).toMatchObject({ event_type: 'page', event_name: 'screen_view', page_title: 'Cart' })
    expect(rows[5]).toMatchObject({
      event_name: 'group',
      resource_type: 'group',
      resource_id: 'g-1',
      resource_name: 'Initech',
    })
    const stored = await storedEvent(api, sent.ids[0]!)
    expect(stored['properties']).toEqual({ revenue: 12.5, count: 0, empty: '', products: [{ sku: 'a' }] })
  })

  it('sends what its batching still holds when the page is left', async () => {
    const { page, complaints } = await browser.open(site.url)
    await page.evaluate(async (cdnURL) => {
      const analytics = window.AnalyticsBrowser.load(
        { writeKey: 'any', cdnURL },
        {
          integrations: {
            'Segment.io': { deliveryStrategy: { strategy: 'batching', config: { size: 1000, timeout: 600_000 } } },
          },
        },
      )
      for (let at = 0; at < 40; at++) await analytics.track('On Leaving', { at })
    }, collector)
    expect(await count(api, "event_name = 'On Leaving'")).toBe(0)
    await page.goto(`${site.url}/next`)
    await eventually(
      async () => ((await count(api, "event_name = 'On Leaving'")) === 40 ? true : undefined),
      15_000,
      'the batch',
    )
    expect(complaints).toEqual([])
    const [row] = await ask(
      api,
      `SELECT uniqExact(id) AS ids, uniqExact(batch_id) AS batches FROM events WHERE event_name = 'On Leaving'`,
    )
    expect(row).toEqual({ ids: '40', batches: '1' })
  })

  it('finds the collector again by its own retries: nothing is lost, nothing is there twice', async () => {
    const total = 60
    const { page } = await browser.open(site.url)
    const retries: string[] = []
    page.on('request', (request) => {
      const retry = request.headers()['x-retry-count']
      if (retry !== undefined) retries.push(retry)
    })
    const delivered = page.evaluate(
      async ([cdnURL, events]) => {
        const analytics = window.AnalyticsBrowser.load({ writeKey: 'any', cdnURL })
        const failures: unknown[] = []
        await analytics.on('error', (error) => void failures.push(error))
        for (let at = 0; at < events; at++) {
          void analytics.track('Through A Kill', { at })
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        return failures.length
      },
      [collector, total] as const,
    )
    for (const wait of [150, 500]) {
      await new Promise((resolve) => setTimeout(resolve, wait))
      instance.kill9('collector')
    }
    expect(await delivered).toBe(0)
    await eventually(
      async () => ((await count(api, "event_name = 'Through A Kill'").catch(() => 0)) >= total ? true : undefined),
      30_000,
      'all events of the page',
    )
    await settled(api)
    const [row] = await ask(
      api,
      `SELECT count() AS n, uniqExact(id) AS ids, uniqExact(properties.at::Int64) AS all FROM events WHERE event_name = 'Through A Kill'`,
    )
    expect(row).toEqual({ n: String(total), ids: String(total), all: String(total) })
    expect(retries.length).toBeGreaterThan(0)
  })

  it('runs from the snippet, with its script from the page’s own site', async () => {
    const { page, complaints } = await browser.open(`${site.url}/snippet`)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await eventually(
      async () => ((await count(api, "event_name = 'From The Snippet'")) === 1 ? true : undefined),
      15_000,
      'the event',
    )
    expect(await count(api, "event_name = 'page_view' AND page_title = 'Snippet'")).toBe(1)
    expect(complaints).toEqual([])
    expect(asked.filter((url) => !url.startsWith(collector) && !url.startsWith(site.url))).toEqual([])
  })
})
