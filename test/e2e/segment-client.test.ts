import { Analytics } from '@segment/analytics-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli } from '../support/cli.ts'
import { ask, createInstance, freePort, type Instance } from '../support/instance.ts'
import { type Answer, count, post, settled, storedEvent, why } from '../support/pipeline.ts'

let instance: Instance
let collector: string
let api: string

beforeAll(async () => {
  // A port of its own: the client must find the collector again after it was killed.
  instance = createInstance({ ports: { collector: await freePort(), api: 0 } })
  ;({ collector, api } = await instance.start())
})
afterAll(() => instance.dispose())

/** The SDK, unchanged, with the bodies that it sent. */
function client(settings: { maxRetries?: number; flushAt?: number } = {}) {
  const bodies: string[] = []
  const errors: unknown[] = []
  const statuses: number[] = []
  const analytics = new Analytics({ writeKey: 'any', host: collector, flushAt: 15, flushInterval: 100, ...settings })
  analytics.on('error', (error) => errors.push(error))
  analytics.on('http_response', ({ status }) => statuses.push(status))
  analytics.on('http_request', ({ body }) => bodies.push(typeof body === 'string' ? body : JSON.stringify(body)))
  return { analytics, bodies, errors, statuses }
}

describe('an unchanged analytics-node', () => {
  let messageIds: string[] = []
  let body = ''

  it('is taken with all its calls, and its events answer SQL with the right columns', async () => {
    const { analytics, bodies, errors, statuses } = client()
    const timestamp = new Date(Date.now() - 5000)
    analytics.identify({ userId: 'ada', traits: { name: 'Ada', plan: 'pro', age: 36 }, timestamp })
    analytics.track({
      userId: 'ada',
      anonymousId: 'anon-1',
      event: 'Order Completed',
      properties: { revenue: 12.5, count: 0, empty: '', products: [{ sku: 'a' }, { sku: 'b' }] },
      context: {
        ip: '203.0.113.9',
        sessionId: 's-1',
        page: { url: 'https://shop.example/cart?utm_source=news&utm_medium=mail', path: '/cart', title: 'Cart' },
        campaign: { name: 'spring' },
        os: { name: 'Linux', version: '6.1' },
      } as never,
      timestamp,
    })
    analytics.page({ userId: 'ada', category: 'Docs', name: 'Install', properties: { url: 'https://x.example/i' } })
    analytics.screen({ anonymousId: 'anon-1', name: 'Cart' })
    analytics.group({ userId: 'ada', groupId: 'g-1', traits: { name: 'Initech' } })
    analytics.alias({ userId: 'ada', previousId: 'anon-1' })
    await analytics.closeAndFlush()
    expect({ errors, statuses }).toEqual({ errors: [], statuses: [200] })
    body = bodies[0]!
    messageIds = (JSON.parse(body) as { batch: { messageId: string }[] }).batch.map(({ messageId }) => messageId)
    await settled(api)

    const rows = await ask(
      api,
      `SELECT id, event_type, event_name, actor_id, anonymous_id, actor_name, resource_type, resource_id, resource_name,
              page_title, session_id, os_name, http_host, http_path, campaign_name, campaign_source, campaign_medium,
              client_name, event_source, project, day = toDate(timestamp) AS day_is_right, ingested_at >= timestamp AS order_is_right
       FROM events WHERE id IN {ids:Array(String)} ORDER BY indexOf({ids:Array(String)}, id)`,
      { ids: messageIds },
    )
    expect(rows.map(({ id }) => id)).toEqual(messageIds)
    const common = { event_source: 'segment', project: 'default', day_is_right: 1, order_is_right: 1 }
    for (const row of rows) expect(row).toMatchObject({ ...common, client_name: '@segment/analytics-node' })
    expect(rows[0]).toMatchObject({ event_type: 'track', event_name: 'identify', actor_id: 'ada', actor_name: 'Ada' })
    expect(rows[1]).toMatchObject({
      event_name: 'Order Completed',
      anonymous_id: 'anon-1',
      session_id: 's-1',
      os_name: 'Linux',
      http_host: 'shop.example',
      http_path: '/cart',
      page_title: 'Cart',
      campaign_name: 'spring',
      campaign_source: 'news',
      campaign_medium: 'mail',
    })
    expect(rows[2]).toMatchObject({ event_type: 'page', event_name: 'Docs.page_view', page_title: 'Install' })
    expect(rows[3]).toMatchObject({ event_type: 'page', event_name: 'screen_view', actor_id: '' })
    expect(rows[4]).toMatchObject({ resource_type: 'group', resource_id: 'g-1', resource_name: 'Initech' })
    expect(rows[5]).toMatchObject({ event_name: 'alias', actor_id: 'ada', resource_id: 'anon-1' })
  })

  it('keeps numbers, zeros, empty strings and arrays of its properties apart, and no address', async () => {
    const event = await storedEvent(api, messageIds[1]!)
    expect(event['properties']).toEqual({
      revenue: 12.5,
      count: 0,
      empty: '',
      products: [{ sku: 'a' }, { sku: 'b' }],
    })
    expect(JSON.stringify(event)).not.toContain('203.0.113.9')
    const [row] = await ask(
      api,
      'SELECT properties.revenue::Float64 AS revenue, properties.count::Int64 AS zero FROM events WHERE id = {id:String}',
      { id: messageIds[1]! },
    )
    expect(row).toEqual({ revenue: 12.5, zero: '0' })
  })

  it('is answered for by `query` and `why`, from the command line and by the API', async () => {
    const counts = await cli([
      'query',
      'select event_name, count() as n from events group by 1 order by 1',
      '--url',
      api,
    ])
    expect(counts.stderr).toBe('')
    expect(counts.code).toBe(0)
    expect(
      counts.stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { event_name: string }).event_name),
    ).toEqual(['Docs.page_view', 'Order Completed', 'alias', 'group', 'identify', 'screen_view'])
    const told = await cli(['why', messageIds[1]!, '--url', api, '--json'])
    expect(told.code).toBe(0)
    const expected = await why(api, messageIds[1]!)
    expect(JSON.parse(told.stdout)).toEqual(expected)
    expect(expected).toMatchObject({ outcome: 'stored', source: 'segment', project: 'default', reason: null })
    expect(expected.steps.map(({ step, verdict }) => `${step} ${verdict}`)).toEqual(
      ['authenticate', 'decode', 'identify', 'limit', 'validate', 'clock', 'derive', 'dedup', 'append', 'load'].map(
        (step) => `${step} pass`,
      ),
    )
    expect(expected.log).toMatchObject({ topic: 'events', partition: 0 })
  })

  it('sends again in any order over many connections: each is a duplicate and counted once', async () => {
    const { batch } = JSON.parse(body) as { batch: { messageId: string }[] }
    const orders = Array.from({ length: 24 }, (_, turn) =>
      batch.map((_, at) => batch[(at * (turn % 2 === 0 ? 1 : 5) + turn) % batch.length]!),
    )
    const answers = await Promise.all(
      orders.map(async (messages) => {
        const response = await post(`${collector}/v1/batch`, JSON.stringify({ batch: messages }), {
          connection: 'close',
        })
        return (await response.json()) as Answer
      }),
    )
    for (const [at, answer] of answers.entries()) {
      expect(answer).toMatchObject({ success: true, stored: 0, duplicate: batch.length })
      expect(answer.receipts.map(({ id, outcome }) => [id, outcome])).toEqual(
        orders[at]!.map(({ messageId }) => [messageId, 'duplicate']),
      )
    }
    const view = await settled(api)
    expect(view.sums).toMatchObject({ stored: batch.length, duplicate: 24 * batch.length })
    expect(await count(api, '1')).toBe(batch.length)
    const told = await why(api, messageIds[0]!)
    expect(told.outcome).toBe('stored')
    expect(told.attempts.reduce((sum, attempt) => sum + attempt.count, 0)).toBe(25)
  })
})

it('finds the collector again by its own retries: nothing is lost, nothing is there twice', async () => {
  const { analytics, errors } = client({ maxRetries: 20, flushAt: 20 })
  const total = 600
  let answered = 0
  let failed = 0
  for (let at = 0; at < total; at++) {
    analytics.track({ userId: `u${at}`, event: 'Through A Kill', messageId: `kill-${at}` }, (error) => {
      if (error) failed++
      else answered++
    })
    if (at % 150 === 100) {
      instance.kill9('collector')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    if (at % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await analytics.closeAndFlush({ timeout: 60_000 })
  expect({ errors, answered, failed }).toEqual({ errors: [], answered: total, failed: 0 })
  await settled(api)
  const [row] = await ask(
    api,
    `SELECT count() AS n, uniqExact(id) AS ids FROM events WHERE event_name = 'Through A Kill'`,
  )
  expect(row).toEqual({ n: String(total), ids: String(total) })
})
