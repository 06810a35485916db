import { PostHog } from 'posthog-node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ask, createInstance, freePort, type Instance } from '../../support/instance.ts'
import { settled, why } from '../../support/pipeline.ts'

/** The unchanged posthog-node 5.70.0, by v0 and by v1. Its back-off and refusals: sources/posthog.test.ts. */
let instance: Instance
let collector: string
let api: string

beforeAll(async () => {
  // A port of its own: the client must find the collector again after it was killed.
  instance = createInstance({ ports: { collector: await freePort(), api: 0 } })
  ;({ collector, api } = await instance.start())
})
afterAll(() => instance.dispose())
afterEach(() => {
  delete process.env['POSTHOG_CAPTURE_MODE']
})

function client(mode: string, options: object = {}) {
  // Read when the client is made.
  process.env['POSTHOG_CAPTURE_MODE'] = mode
  const errors: unknown[] = []
  const posthog = new PostHog('phc_any', { host: collector, flushAt: 20, ...options })
  posthog.on('error', (error) => errors.push(error))
  return { posthog, errors }
}

describe.each(['v0', 'v1'])('an unchanged posthog-node by %s', (mode) => {
  it('is taken with all its calls, and its events answer SQL with the right columns', async () => {
    const { posthog, errors } = client(mode)
    const timestamp = new Date(Date.now() - 5000)
    const who = `ada-${mode}`
    posthog.capture({
      distinctId: who,
      event: 'Order Completed',
      properties: {
        revenue: 12.5,
        count: 0,
        empty: '',
        $session_id: `s-${mode}`,
        $ip: '203.0.113.9',
        utm_source: 'news',
      },
      groups: { company: 'c1' },
      timestamp,
    })
    posthog.capture({
      distinctId: who,
      event: '$pageview',
      properties: { $current_url: 'https://shop.example/cart?a=1' },
    })
    posthog.identify({ distinctId: who, properties: { name: 'Ada', $set_once: { first: 'x' } } })
    posthog.alias({ distinctId: who, alias: 'anon-1' })
    posthog.groupIdentify({ groupType: 'company', groupKey: 'c1', properties: { name: 'Initech', employees: 0 } })
    posthog.captureException(new TypeError('it broke'), who)
    await posthog.shutdown()
    expect(errors).toEqual([])
    await settled(api)

    const rows = await ask(
      api,
      `SELECT event_type, event_name, actor_id, anonymous_id, actor_name, resource_type, resource_ns, resource_id, resource_name,
              http_host, http_path, session_id, campaign_source, client_type, client_name, client_version, event_source, project,
              log_level, error_type, log_message, traits, properties, id, toUnixTimestamp64Milli(timestamp) AS at
       FROM events WHERE actor_id = {who:String} OR resource_id = 'c1' AND batch_id IN (SELECT batch_id FROM events WHERE actor_id = {who:String})
       ORDER BY log_position`,
      { who },
    )
    const common = { event_source: 'posthog', project: 'default', client_type: 'sdk', client_name: 'posthog-node' }
    for (const row of rows) expect(row).toMatchObject({ ...common, client_version: '5.70.0' })
    const [order, view, identify, alias, group, exception] = rows
    expect(rows).toHaveLength(6)
    expect(order).toMatchObject({
      event_name: 'Order Completed',
      actor_id: who,
      session_id: `s-${mode}`,
      campaign_source: 'news',
      at: String(timestamp.getTime()),
      properties: { revenue: 12.5, count: 0, empty: '' },
    })
    expect(JSON.stringify(order)).not.toContain('203.0.113.9')
    expect(view).toMatchObject({
      event_type: 'page',
      event_name: 'page_view',
      http_host: 'shop.example',
      http_path: '/cart',
    })
    expect(identify).toMatchObject({ event_name: 'identify', actor_name: 'Ada', traits: { name: 'Ada', first: 'x' } })
    expect(alias).toMatchObject({ event_name: 'alias', actor_id: who, resource_type: 'user', resource_id: 'anon-1' })
    expect(group).toMatchObject({ event_name: 'group', resource_ns: 'company', resource_name: 'Initech', actor_id: '' })
    expect(exception).toMatchObject({
      event_type: 'log',
      log_level: 'error',
      error_type: 'TypeError',
      log_message: 'TypeError: it broke',
    })
    expect(await why(api, String(order?.['id']))).toMatchObject({ outcome: 'stored', source: 'posthog' })
  })

  it('finds the collector again by its own retries: nothing is lost, nothing is there twice', async () => {
    const { posthog } = client(mode, { fetchRetryCount: 40, fetchRetryDelay: 150, maxQueueSize: 5000 })
    const total = 400
    for (let at = 0; at < total; at++) {
      posthog.capture({ distinctId: `u${at}`, event: `Through A Kill ${mode}` })
      if (at % 150 === 100) {
        instance.kill9('collector')
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      if (at % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await posthog.shutdown(60_000)
    await settled(api)
    const [row] = await ask(
      api,
      `SELECT count() AS n, uniqExact(id) AS ids, uniqExact(actor_id) AS who FROM events WHERE event_name = {name:String}`,
      { name: `Through A Kill ${mode}` },
    )
    expect(row).toEqual({ n: String(total), ids: String(total), who: String(total) })
  })
})
