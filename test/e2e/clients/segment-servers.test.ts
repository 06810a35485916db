import { Analytics } from '@segment/analytics-node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { PipelineError } from '../../../packages/server/src/core/errors.ts'
import { type RunningCollector, startCollector } from '../../../packages/server/src/testing/collector.ts'
import { ask, createInstance, freePort, type Instance } from '../../support/instance.ts'
import { settled } from '../../support/pipeline.ts'
import { pythonWith, runPython } from '../../support/python.ts'

/** The unchanged library of Python, from PyPI. What analytics-node stores is in segment-client.test.ts. */
const found = pythonWith(['segment-analytics-python==2.4.0'])
const python = 'python' in found ? found.python : undefined
if ('missing' in found) process.stderr.write(`\nSKIPPED segment-analytics-python: ${found.missing}\n`)

/** Runs a program with `client` made; what it prints, and at the end what the library could not deliver. */
function run(host: string, program: string, options = 'upload_interval=0.1'): Promise<string> {
  const source = `
import sys, time, datetime
from segment.analytics.client import Client
failures = []
client = Client('any', host='${host}', on_error=lambda error, batch: failures.append(str(error)), ${options})
${program}
client.shutdown()
print('failures', failures)
`
  return runPython(python ?? '', source)
}

describe.skipIf(python === undefined)('an unchanged segment-analytics-python 2.4.0', () => {
  let instance: Instance
  let collector: string
  let api: string
  beforeAll(async () => {
    instance = createInstance({ ports: { collector: await freePort(), api: 0 } })
    ;({ collector, api } = await instance.start())
  })
  afterAll(() => instance?.dispose())

  it.each(['gzip=False', 'gzip=True'])(
    'is taken with all its calls (%s), each once under its columns',
    async (options) => {
      const who = `ada-${options}`
      const out = await run(
        collector,
        `
who = '${who}'
now = datetime.datetime.now(datetime.timezone.utc)
client.identify(who, {'name': 'Ada', 'age': 36, 'visits': 0}, timestamp=now)
client.track(who, 'Order Completed', {'revenue': 12.5, 'count': 0, 'items': [{'sku': 'a'}]}, anonymous_id='anon-1',
  context={'ip': '203.0.113.9', 'userAgent': 'Mozilla/5.0', 'page': {'url': 'https://shop.example/cart?utm_source=news'}})
client.page(who, 'Docs', 'Install', {'url': 'https://x.example/i'})
client.screen(who, None, 'Cart')
client.group(who, 'g-1', {'name': 'Initech'})
client.alias('anon-1', who)
`,
        options,
      )
      expect(out).toContain('failures []')
      await settled(api)
      const rows = await ask(
        api,
        `SELECT event_type, event_name, anonymous_id, actor_name, resource_type, resource_id, resource_name, page_title, http_host,
              campaign_source, http_user_agent, client_name, event_source, properties, traits,
              abs(dateDiff('second', timestamp, ingested_at)) < 60 AS is_now
       FROM events WHERE actor_id = {who:String} ORDER BY log_position`,
        { who },
      )
      const common = { client_name: 'analytics-python', event_source: 'segment', is_now: 1 }
      for (const row of rows) expect(row).toMatchObject(common)
      expect(rows.map(({ event_type, event_name }) => `${String(event_type)} ${String(event_name)}`)).toEqual([
        'track identify',
        'track Order Completed',
        'page Docs.page_view',
        'page screen_view',
        'track group',
        'track alias',
      ])
      expect(rows[0]).toMatchObject({ actor_name: 'Ada', traits: { name: 'Ada', age: 36, visits: 0 } })
      expect(rows[1]).toMatchObject({
        anonymous_id: 'anon-1',
        http_host: 'shop.example',
        campaign_source: 'news',
        http_user_agent: 'Mozilla/5.0',
        properties: { revenue: 12.5, count: 0, items: [{ sku: 'a' }] },
      })
      expect(JSON.stringify(rows)).not.toContain('203.0.113.9')
      expect(rows[2]).toMatchObject({ page_title: 'Install', http_host: 'x.example' })
      expect(rows[3]).toMatchObject({ page_title: 'Cart' })
      expect(rows[4]).toMatchObject({ resource_type: 'group', resource_id: 'g-1', resource_name: 'Initech' })
      expect(rows[5]).toMatchObject({ resource_type: 'user', resource_id: 'anon-1' })
    },
  )

  it('finds the collector again by its own retries: nothing is lost, nothing is there twice', async () => {
    const running = run(
      collector,
      `
for at in range(300):
    client.track('u%d' % at, 'Through A Kill')
    time.sleep(0.01)
`,
      'upload_interval=0.1, upload_size=20',
    )
    for (const ms of [700, 1200]) {
      await new Promise((resolve) => setTimeout(resolve, ms))
      instance.kill9('collector')
    }
    expect(await running).toContain('failures []')
    await settled(api)
    const [row] = await ask(
      api,
      `SELECT count() AS n, uniqExact(id) AS ids, uniqExact(actor_id) AS who FROM events WHERE event_name = 'Through A Kill'`,
    )
    expect(row).toEqual({ n: '300', ids: '300', who: '300' })
  })
})

interface Client {
  readonly name: string
  readonly skip: boolean
  /** Sends one event; the failures that the library reports. */
  send(host: string): Promise<string>
}

const clients: readonly Client[] = [
  {
    name: 'segment-analytics-python',
    skip: python === undefined,
    send: (host) => run(host, `client.track('ada', 'Refused')`),
  },
  {
    name: 'analytics-node',
    skip: false,
    async send(host) {
      const failures: unknown[] = []
      const analytics = new Analytics({ writeKey: 'any', host, flushAt: 1, maxRetries: 5 })
      analytics.on('error', ({ reason }) => failures.push(reason instanceof Error ? reason.message : reason))
      analytics.track({ userId: 'ada', event: 'Refused' })
      await analytics.closeAndFlush({ timeout: 30_000 })
      return `failures ${JSON.stringify(failures)}`
    },
  },
]

for (const { name, skip, send } of clients) {
  describe.skipIf(skip)(`${name}, refused`, () => {
    const collectors: RunningCollector[] = []
    afterEach(async () => {
      for (const collector of collectors.splice(0)) await collector.stop()
    })

    /** A collector that refuses as told, then stores; with the times at which it was asked. */
    async function refusing(...refusals: PipelineError[]) {
      const attempts: { at: number; id: string | undefined }[] = []
      const collector = await startCollector({
        accept: async ({ events }) => {
          attempts.push({ at: performance.now(), id: events[0]?.columns.id })
          const refusal = refusals.shift()
          if (refusal !== undefined) throw refusal
          return events.map(({ columns }, index) => ({ index, id: columns.id ?? '', outcome: 'stored' }))
        },
      })
      collectors.push(collector)
      return { url: collector.url, attempts }
    }

    it('waits as long as a 429 says, then sends the same event again', async () => {
      const { url, attempts } = await refusing(new PipelineError('rate_limited', 'too fast', { retryAfterSeconds: 2 }))
      expect(await send(url)).toContain('failures []')
      expect(attempts).toHaveLength(2)
      expect(attempts[1]?.id).toBe(attempts[0]?.id)
      expect(attempts[1]!.at - attempts[0]!.at).toBeGreaterThanOrEqual(1900)
    })

    it('sends the same event again after 503s, each time later', async () => {
      const away = () => new PipelineError('unavailable', 'starting')
      const { url, attempts } = await refusing(away(), away())
      expect(await send(url)).toContain('failures []')
      expect(new Set(attempts.map(({ id }) => id)).size).toBe(1)
      expect(attempts).toHaveLength(3)
      expect(attempts[2]!.at - attempts[0]!.at).toBeGreaterThanOrEqual(100)
    })

    it('gives up at once what would be refused again, and says so', async () => {
      const { url, attempts } = await refusing(new PipelineError('too_large', 'too large'))
      expect(await send(url)).toContain('413')
      expect(attempts).toHaveLength(1)
    })
  })
}
