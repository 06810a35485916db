import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PipelineError } from '../../../packages/server/src/core/errors.ts'
import { startCollector } from '../../../packages/server/src/testing/collector.ts'
import {
  browserMissing,
  bundleScript,
  htmlPage,
  launchBrowser,
  type Site,
  serveSite,
  type TestBrowser,
} from '../../support/browser.ts'
import { ask, createInstance, eventually, freePort, type Instance } from '../../support/instance.ts'
import { settled } from '../../support/pipeline.ts'

/** The unchanged posthog-js 1.449.2 in Chromium: as a module, and as the snippet that loads it from the collector. */
const why = browserMissing()
if (why !== undefined) process.stderr.write(`SKIPPED posthog-js: ${why}\n`)

const settings = {
  // Chromium without a window is a bot to it, and bots are not heard.
  opt_out_useragent_filter: true,
  request_queue_config: { flush_interval_ms: 250 },
}

function moduleScript(apiHost: string, more: object = {}): Promise<string> {
  return bundleScript(`import posthog from 'posthog-js'
    posthog.init('phc_test', ${JSON.stringify({ api_host: apiHost, ...settings, ...more })})
    window.posthog = posthog`)
}

/** PostHog's own, with fewer methods in its list of stubs. */
const snippet = `!function(t,e){var o,n,p,r;e.__SV||(window.posthog=e,e._i=[],e.init=function(i,s,a){function g(t,e){var o=e.split(".");2==o.length&&(t=t[o[0]],e=o[1]),t[e]=function(){t.push([e].concat(Array.prototype.slice.call(arguments,0)))}}(p=t.createElement("script")).type="text/javascript",p.crossOrigin="anonymous",p.async=!0,p.src=s.api_host.replace(".i.posthog.com","-assets.i.posthog.com")+"/static/array.js",(r=t.getElementsByTagName("script")[0]).parentNode.insertBefore(p,r);var u=e;for(void 0!==a?u=e[a]=[]:a="posthog",u.people=u.people||[],o="capture identify alias group register".split(" "),n=0;n<o.length;n++)g(u,o[n]);e._i.push([i,s,a])},e.__SV=1)}(document,window.posthog||[]);`

const shop = '<h1>Shop</h1><button id="buy" class="big">Buy now</button><input id="card" value="4711 0815">'

describe.skipIf(why !== undefined)('posthog-js', () => {
  let instance: Instance
  let chromium: TestBrowser
  let site: Site
  let api: string
  let collector: string

  beforeAll(async () => {
    instance = createInstance({ ports: { collector: await freePort(), api: 0 } })
    ;({ api, collector } = await instance.start())
    chromium = await launchBrowser()
    const once = { autocapture: false, capture_pageview: false, disable_session_recording: true }
    site = await serveSite({
      '/shop': htmlPage(await moduleScript(collector, { capture_exceptions: true }), shop),
      '/plain': htmlPage(await moduleScript(collector, once), 'plain'),
      '/next': htmlPage('', 'bye'),
      '/snippet': htmlPage(
        `${snippet} posthog.init('phc_snippet', ${JSON.stringify({ api_host: collector, ...settings })}); posthog.capture('From Snippet')`,
      ),
    })
  })
  afterAll(async () => {
    await chromium?.close()
    await site?.close()
    await instance?.dispose()
  })

  const rows = (where: string) =>
    ask(
      api,
      `SELECT * EXCEPT (replay_data), toString(replay_data) AS recording FROM events WHERE event_source = 'posthog' AND ${where} ORDER BY log_position`,
    )

  it('runs without a word in the console, and all that it sends is stored once under its columns', async () => {
    const { page, complaints } = await chromium.open(`${site.url}/shop?utm_source=news&utm_medium=mail`)
    await page.waitForTimeout(2500)
    await page.click('#buy')
    await page.evaluate(`
      posthog.capture('Bought', { price: 0, $set: { plan: 'pro' } })
      posthog.identify('ada', { name: 'Ada' }, { first: 'x' })
      posthog.alias('ada-2')
      posthog.group('company', 'c1', { name: 'Initech' })
      posthog.captureException(new TypeError('it broke'))`)
    await page.waitForTimeout(6000)
    await page.goto(`${site.url}/next`)
    expect(complaints).toEqual([])
    await eventually(
      async () => ((await rows(`event_name IN ('$pageleave', 'CLS', 'INP')`)).length >= 2 ? true : undefined),
      15_000,
      'what it sends when the page is left',
    )
    const view = await settled(api)
    expect([view.sums.quarantined, view.sums.duplicate]).toEqual([0, 0])

    const shared = {
      http_url: `${site.url}/shop?utm_source=news&utm_medium=mail`,
      http_path: '/shop',
      campaign_source: 'news',
      campaign_medium: 'mail',
      client_type: 'browser',
      client_name: 'Chrome',
      os_name: 'Linux',
      device_type: 'desktop',
      screen_size: '1280x720',
      project: 'default',
    }
    const byName = async (name: string) => {
      const found = await rows(`event_name = '${name}'`)
      expect(found.length, name).toBe(1)
      return found[0] as Record<string, unknown>
    }
    const first = await byName('page_view')
    expect(first).toMatchObject({ ...shared, event_type: 'page', page_title: 'Test page', actor_id: '' })
    const device = first['anonymous_id']
    expect(device).toMatch(/^[0-9a-f-]{36}$/)
    expect(first['session_id']).toMatch(/^[0-9a-f-]{36}$/)
    expect(await byName('$autocapture')).toMatchObject({ ...shared, action_verb: 'click', anonymous_id: device })
    expect(await byName('Bought')).toMatchObject({
      ...shared,
      actor_id: '',
      anonymous_id: device,
      traits: { plan: 'pro' },
    })
    const ada = { ...shared, actor_id: 'ada', anonymous_id: device, session_id: first['session_id'] }
    expect(await byName('identify')).toMatchObject({ ...ada, actor_name: 'Ada', traits: { name: 'Ada', first: 'x' } })
    expect(await byName('alias')).toMatchObject({ ...ada, resource_type: 'user', resource_id: 'ada-2' })
    expect(await byName('group')).toMatchObject({
      ...ada,
      resource_ns: 'company',
      resource_id: 'c1',
      resource_name: 'Initech',
    })
    expect(await byName('$exception')).toMatchObject({
      ...ada,
      event_type: 'log',
      log_level: 'error',
      error_type: 'TypeError',
      error_message: 'it broke',
      log_message: 'TypeError: it broke',
    })
    const vitals = await rows(`event_type = 'vital'`)
    expect(new Set(vitals.map(({ vital_name }) => vital_name)).size).toBe(vitals.length)
    expect(vitals.map(({ vital_name }) => vital_name)).toEqual(expect.arrayContaining(['FCP', 'LCP', 'INP']))
    for (const vital of vitals)
      expect(vital).toMatchObject({ http_url: shared.http_url, vital_rating: expect.any(String) })

    const replay = await rows(`event_type = 'replay'`)
    const kinds = replay.map(({ event_name }) => event_name)
    expect(kinds).toEqual(expect.arrayContaining(['Meta', 'FullSnapshot', 'IncrementalSnapshot.MouseInteraction']))
    const full = replay.find(({ event_name }) => event_name === 'FullSnapshot')!
    expect(full).toMatchObject({ session_id: first['session_id'], trace_id: first['session_id'] })
    const recorded = JSON.parse(String(full['recording'])) as { type: number; data: { node: object } }
    expect(recorded.type).toBe(2)
    expect(JSON.stringify(recorded.data.node)).toContain('Buy now')
    // Inputs are masked before they leave the page.
    expect(JSON.stringify(replay)).not.toContain('4711')
  })

  it('is loaded by its snippet from here alone, and sends', async () => {
    const { page, complaints } = await chromium.open(`${site.url}/snippet`)
    await eventually(async () => ((await rows(`event_name = 'From Snippet'`)).length === 1 ? true : undefined))
    await page.waitForTimeout(500)
    expect(complaints).toEqual([])
  })

  it('sends again what a killed collector did not take: all is there once', async () => {
    const { page } = await chromium.open(`${site.url}/plain`)
    await page.waitForTimeout(500)
    for (let at = 0; at < 40; at++) {
      await page.evaluate(`posthog.capture('Through A Kill', { at: ${at} })`)
      if (at === 10 || at === 25) instance.kill9('collector')
      await page.waitForTimeout(30)
    }
    const counted = await eventually(
      async () => {
        const [row] = await ask(
          api,
          `SELECT count() AS n, uniqExact(properties.at::Int64) AS different FROM events WHERE event_name = 'Through A Kill'`,
        )
        return row?.['different'] === '40' ? row : undefined
      },
      45_000,
      'all events after the kills',
    )
    expect(counted).toEqual({ n: '40', different: '40' })
  })
})

describe.skipIf(why !== undefined)('posthog-js, refused', () => {
  it('comes again after too many requests, and after 503, with the same ids', async () => {
    const refusals = [new PipelineError('rate_limited', 'too fast'), new PipelineError('unavailable', 'starting')]
    const collector = await startCollector({
      accept: ({ events }) => {
        const refusal = refusals.shift()
        return refusal === undefined
          ? Promise.resolve(events.map(({ columns }, index) => ({ index, id: columns.id ?? '', outcome: 'stored' })))
          : Promise.reject(refusal)
      },
    })
    const chromium = await launchBrowser()
    const quiet = {
      autocapture: false,
      capture_pageview: false,
      disable_session_recording: true,
      capture_performance: false,
    }
    const site = await serveSite({ '/': htmlPage(await moduleScript(collector.url, quiet)) })
    try {
      const { page } = await chromium.open(`${site.url}/`)
      await page.waitForTimeout(300)
      await page.evaluate(`posthog.capture('Refused')`)
      await expect.poll(() => collector.batches.length, { timeout: 45_000 }).toBe(3)
      const ids = collector.batches.map(({ events }) => events.map(({ columns }) => columns.id))
      expect(ids[0]).toHaveLength(1)
      expect(ids).toEqual([ids[0], ids[0], ids[0]])
      const waits = collector.batches.map(({ receivedAt }) => receivedAt)
      expect(waits[2]! - waits[1]!).toBeGreaterThan(1000)
    } finally {
      await chromium.close()
      await site.close()
      await collector.stop()
    }
  })
})
