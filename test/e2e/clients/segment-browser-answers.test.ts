import { createRequire } from 'node:module'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Accept } from '../../../packages/server/src/core/batch.ts'
import { PipelineError } from '../../../packages/server/src/core/errors.ts'
import type { Authenticate } from '../../../packages/server/src/core/principal.ts'
import { errorHeaders, problemTypes } from '../../../packages/server/src/http/problem.ts'
import {
  type CollectorSettings,
  type RunningCollector,
  startCollector,
} from '../../../packages/server/src/testing/collector.ts'
import {
  browserMissing,
  bundleScript,
  htmlPage,
  launchBrowser,
  serveSite,
  type Site,
  type TestBrowser,
} from '../../support/browser.ts'
import { eventually } from '../../support/instance.ts'

/** How analytics-next itself reads an answer: its own functions. */
interface Dispatcher {
  resolveHttpConfig(): { backoffConfig: object; rateLimitConfig: object }
  getStatusBehavior(status: number, config: object): 'retry' | 'drop'
  parseRetryAfter(response: Response, config: object): { retryAfterMs: number } | null
}
const dispatcher = createRequire(import.meta.url)(
  '../../../node_modules/@segment/analytics-next/dist/cjs/plugins/segmentio/shared-dispatcher.js',
) as Dispatcher
const config = dispatcher.resolveHttpConfig()

describe('analytics-next 1.84.3 reads our answers as we mean them', () => {
  it('sends again just what another attempt may bring in', () => {
    const read = Object.fromEntries(
      problemTypes.map(({ status }) => [status, dispatcher.getStatusBehavior(status, config.backoffConfig)]),
    )
    expect(read).toEqual({
      ...Object.fromEntries([400, 401, 403, 404, 405, 409, 413, 415, 422, 499].map((status) => [status, 'drop'])),
      ...Object.fromEntries([408, 429, 500, 503].map((status) => [status, 'retry'])),
    })
  })

  it('is never answered with a status that it reads otherwise: 410 is "later" to it, 501, 505 and 511 are "never"', () => {
    const statuses = problemTypes.map(({ status }) => status)
    for (const status of [410, 460, 501, 505, 511]) expect(statuses).not.toContain(status)
    expect(dispatcher.getStatusBehavior(410, config.backoffConfig)).toBe('retry')
    expect(dispatcher.getStatusBehavior(501, config.backoffConfig)).toBe('drop')
  })

  it('can read every Retry-After of ours: whole seconds, at most 300', () => {
    for (const seconds of [0, 0.2, 1, 7.5, 300, 100_000]) {
      const headers = errorHeaders(new PipelineError('rate_limited', 'x', { retryAfterSeconds: seconds }))
      const wait = dispatcher.parseRetryAfter(new Response('', { status: 429, headers }), config.rateLimitConfig)
      expect(wait?.retryAfterMs).toBe(Math.min(300, Math.max(1, Math.ceil(seconds))) * 1000)
    }
  })
})

/** What the bundle leaves on the page. */
declare const window: { AnalyticsBrowser: typeof import('@segment/analytics-next').AnalyticsBrowser }

describe.skipIf(browserMissing() !== undefined)('analytics-next 1.84.3 in Chromium', () => {
  let site: Site
  let browser: TestBrowser
  const collectors: RunningCollector[] = []

  beforeAll(async () => {
    const bundle = await bundleScript(
      `import { AnalyticsBrowser } from '@segment/analytics-next'; Object.assign(window, { AnalyticsBrowser })`,
    )
    site = await serveSite({ '/': htmlPage(bundle) })
    browser = await launchBrowser()
  })
  afterEach(async () => {
    for (const collector of collectors.splice(0)) await collector.stop()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  /** A page that tracks once against a collector, with the times at which the collector was asked to store it. */
  async function track(settings: CollectorSettings, isBatching = false) {
    const attempts: { at: number; ids: string[] }[] = []
    const collector = await startCollector({
      ...settings,
      accept: async (batch, signal) => {
        attempts.push({ at: performance.now(), ids: batch.events.map(({ columns }) => columns.id ?? '') })
        if (settings.accept !== undefined) return await settings.accept(batch, signal)
        return batch.events.map(({ columns }, index) => ({ index, id: columns.id ?? '', outcome: 'stored' }))
      },
    })
    collectors.push(collector)
    const { page } = await browser.open(site.url)
    const retryCounts: (string | undefined)[] = []
    page.on('request', (request) => {
      if (request.method() === 'POST') retryCounts.push(request.headers()['x-retry-count'])
    })
    const failures = () => page.evaluate(() => (globalThis as unknown as { failures: string[] }).failures)
    await page.evaluate(
      async ([cdnURL, batching]) => {
        const strategy = { strategy: 'batching' as const, config: { size: 1, timeout: 100 } }
        const options = batching ? { integrations: { 'Segment.io': { deliveryStrategy: strategy } } } : {}
        const analytics = window.AnalyticsBrowser.load({ writeKey: 'any', cdnURL }, options)
        const failures: string[] = []
        Object.assign(globalThis, { failures })
        await analytics.on('error', (error) => {
          const { code, reason } = error as { code: string; reason?: Error }
          failures.push(`${code}: ${reason?.message ?? ''}`)
        })
        void analytics.track('Once')
      },
      [collector.url, isBatching] as const,
    )
    return { attempts, collector, retryCounts, failures }
  }

  /** Refuses so often, then stores. */
  function refusing(times: number, error: () => PipelineError): Accept {
    let left = times
    return async (batch) => {
      if (left-- > 0) throw error()
      return batch.events.map(({ columns }, index) => ({ index, id: columns.id ?? '', outcome: 'stored' }))
    }
  }

  for (const isBatching of [false, true]) {
    const how = isBatching ? 'batching' : 'one by one'

    it(`waits as long as a 429 says, then sends the same event again (${how})`, async () => {
      const accept = refusing(1, () => new PipelineError('rate_limited', 'too fast', { retryAfterSeconds: 2 }))
      const { attempts, retryCounts, failures } = await track({ accept }, isBatching)
      await eventually(() => (attempts.length === 2 ? true : undefined), 15_000, 'a second attempt')
      expect(attempts[1]!.at - attempts[0]!.at).toBeGreaterThanOrEqual(1990)
      expect(attempts[1]!.ids).toEqual(attempts[0]!.ids)
      expect(retryCounts.map(Number).at(-1)).toBeGreaterThan(0)
      expect(await failures()).toEqual([])
    })

    it(`sends the same event again after 503s, each time later (${how})`, async () => {
      const accept = refusing(2, () => new PipelineError('unavailable', 'the log is full'))
      const { attempts, failures } = await track({ accept }, isBatching)
      await eventually(() => (attempts.length === 3 ? true : undefined), 15_000, 'a third attempt')
      expect(new Set(attempts.map(({ ids }) => String(ids))).size).toBe(1)
      // The library's second wait is its first real one where it sends one by one: the first repeat is at once.
      expect(attempts[2]!.at - attempts[1]!.at).toBeGreaterThanOrEqual(450)
      expect(await failures()).toEqual([])
    })
  }

  it('sends a batch again of which a part was stored', async () => {
    let turn = 0
    const accept: Accept = async (batch) => {
      turn++
      return batch.events.map(({ columns }, index) =>
        turn === 1
          ? { index, id: columns.id ?? '', outcome: 'retry', reason: 'unavailable' }
          : { index, id: columns.id ?? '', outcome: 'duplicate' },
      )
    }
    const { attempts, failures } = await track({ accept }, true)
    await eventually(() => (attempts.length === 2 ? true : undefined), 15_000, 'a second attempt')
    expect(attempts[1]!.ids).toEqual(attempts[0]!.ids)
    expect(await failures()).toEqual([])
  })

  it('gives up at once what would be refused again, and says so', async () => {
    const accept = refusing(1, () => new PipelineError('too_large', 'too large'))
    const { attempts, failures } = await track({ accept })
    await eventually(async () => ((await failures()).length > 0 ? true : undefined), 10_000, 'a failure')
    expect(await failures()).toEqual(['delivery_failure: Non-retryable error: 413'])
    expect(attempts).toHaveLength(1)
  })

  it('says in the console that the key is not known, before anything is sent', async () => {
    const authenticate: Authenticate = () => {
      throw new PipelineError('unauthorized', 'this key is not known')
    }
    const collector = await startCollector({ authenticate })
    collectors.push(collector)
    const { page, complaints } = await browser.open(site.url)
    const said = await page.evaluate(async (cdnURL) => {
      const analytics = window.AnalyticsBrowser.load({ writeKey: 'wrong', cdnURL })
      return await analytics.then(
        () => 'loaded',
        (error: unknown) => (error as Error).message,
      )
    }, collector.url)
    expect(said).toContain('this key is not known')
    expect(complaints.join('\n')).toContain('this key is not known')
    expect(collector.batches).toEqual([])
  })

  it('keeps what it could not deliver when the page is closed, and sends it when it is opened again', async () => {
    let isAway = true
    const ids: (string | undefined)[][] = []
    const collector = await startCollector({
      accept: async ({ events }) => {
        if (isAway) throw new PipelineError('unavailable', 'the log is full')
        ids.push(events.map(({ columns }) => columns.id))
        return events.map(({ columns }, index) => ({ index, id: columns.id ?? '', outcome: 'stored' }))
      },
    })
    collectors.push(collector)
    const { page } = await browser.open(site.url)
    const refused = page.waitForResponse((response) => response.status() === 503)
    const sent = page.evaluate(async (cdnURL) => {
      const analytics = window.AnalyticsBrowser.load({ writeKey: 'any', cdnURL })
      const context = await analytics.track('Before Closing')
      return context.event.messageId
    }, collector.url)
    await refused
    const id = await sent
    isAway = false
    await page.goto(site.url)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    // Settings of the page's own: nothing is asked for before it sends.
    await page.evaluate(async (host) => {
      const segment = { apiKey: 'any', apiHost: `${host}/v1`, protocol: 'http' }
      await window.AnalyticsBrowser.load({
        writeKey: 'any',
        cdnSettings: { integrations: { 'Segment.io': segment }, metrics: { sampleRate: 0 } },
      })
    }, new URL(collector.url).host)
    await eventually(() => (ids.length > 0 ? true : undefined), 10_000, 'the event of the page before')
    expect(ids[0]).toEqual([id])
    expect(asked.every((url) => url === `${collector.url}/v1/t`)).toBe(true)
  })
})
