import { describe, expect, it } from 'vitest'
import { decodeTail } from '../tail.ts'
import { tail, transformTailEvent } from './tail.ts'

const item = (more: object = {}) => ({
  scriptName: 'shop',
  outcome: 'ok',
  eventTimestamp: 1587058642005,
  logs: [],
  exceptions: [],
  ...more,
})

describe('transformTailEvent', () => {
  it('maps an invocation to its columns, and leaves it as it is', () => {
    const event = item({
      scriptVersion: 'v7',
      event: {
        type: 'fetch',
        request: {
          url: 'https://shop.example/cart',
          method: 'GET',
          cf: { country: 'DE', city: 'Berlin', colo: 'FRA', httpProtocol: 'HTTP/2' },
        },
        response: { status: 500 },
      },
      exceptions: [{ name: 'TypeError', message: 'x is undefined', timestamp: 1587058642006 }],
      logs: [{ level: 'log', message: ['hit'], timestamp: 1587058642006 }],
      outcome: 'exception',
    })
    const copy = structuredClone(event)
    expect(transformTailEvent(event)).toMatchObject({
      event_type: 'tail',
      event_name: 'workers.fetch',
      event_source: 'workers_tail',
      ns: 'workers://shop',
      service_name: 'shop',
      service_version: 'v7',
      cloud_provider: 'cloudflare',
      timestamp: 1587058642005,
      outcome: 'error',
      error_type: 'TypeError',
      error_message: 'x is undefined',
      http_method: 'GET',
      http_url: 'https://shop.example/cart',
      http_status: 500,
      http_protocol: 'HTTP/2',
      status_code: 500,
      geo_country: 'DE',
      geo_city: 'Berlin',
      geo_colo: 'FRA',
      data: { logs: event.logs, exceptions: event.exceptions },
    })
    expect(event).toEqual(copy)
  })

  it.each([
    [{ type: 'alarm' }, 'alarm'],
    [{ request: { url: 'u', method: 'GET' } }, 'fetch'],
    [{ cron: '* * * * *', scheduledTime: 1 }, 'scheduled'],
    [{ scheduledTime: 1 }, 'alarm'],
    [{ queue: 'q', batchSize: 0 }, 'queue'],
    [{ rpcMethod: 'm' }, 'rpc'],
    [{}, 'invocation'],
    [null, 'invocation'],
  ])('names %j workers.%s', (event, name) => {
    expect(transformTailEvent(item({ event })).event_name).toBe(`workers.${name}`)
  })

  it.each([
    ['ok', 'success'],
    ['exception', 'error'],
    ['exceededCpu', 'exceeded_cpu'],
    ['exceededMemory', 'exceeded_memory'],
    ['canceled', 'canceled'],
    ['unknown', 'unknown'],
  ])('says of the outcome %s: %s', (outcome, said) => {
    expect(transformTailEvent(item({ outcome })).outcome).toBe(said)
  })

  it('keeps the cron and the time of a scheduled event, and the queue of a batch', () => {
    expect(transformTailEvent(item({ event: { cron: '0 * * * *', scheduledTime: 0 } })).data).toEqual({
      cron: '0 * * * *',
      scheduledTime: 0,
    })
    const queue = { msg_system: 'cloudflare_queues', msg_destination: 'orders', msg_batch_size: 0 }
    expect(transformTailEvent(item({ event: { queue: 'orders', batchSize: 0 } }))).toMatchObject(queue)
    expect(transformTailEvent(item({ event: { queue: { queueName: 'orders', batchSize: 0 } } }))).toMatchObject(queue)
  })

  it('throws for what is no invocation', () => {
    expect(() => transformTailEvent({ outcome: 'ok' })).toThrow('/scriptName: required')
    expect(tail).toMatchObject({ name: 'tail', source: 'workers_tail', eventType: 'tail' })
  })
})

describe('what a request says that nobody may keep', () => {
  const secrets = {
    Authorization: 'Bearer s3cret-1',
    cookie: 'sid=s3cret-2',
    'X-Api-Key': 's3cret-3',
    'x-csrf-token': 's3cret-4',
    'CF-Connecting-IP': '203.0.113.7',
    'x-forwarded-for': '203.0.113.7',
    'x-real-ip': '203.0.113.7',
  }
  const decode = (more: object) =>
    decodeTail(
      Buffer.from(
        JSON.stringify([
          item({ event: { request: { url: 'u', method: 'GET', headers: { ...secrets, accept: '*/*' } } }, ...more }),
        ]),
      ),
      { headers: {}, kind: 'tail', contentType: 'text/plain' },
    ).events[0]!

  it('is not in the columns, while other headers are', () => {
    const { columns, issues } = decode({})
    expect(issues).toBeUndefined()
    expect(columns.context).toMatchObject({ headers: { accept: '*/*' } })
    expect(JSON.stringify(columns)).not.toMatch(/s3cret|203\.0\.113/)
  })

  it('is not in what the quarantine seals either, as far as it logs somebody in', () => {
    const { original, issues } = decode({ outcome: 5 })
    expect(issues).toEqual(['/outcome: expected string, got number'])
    expect(JSON.stringify(original)).not.toContain('s3cret')
  })
})

describe('an invocation with thousands of log lines', () => {
  const logs = Array.from({ length: 3000 }, (_, n) => ({ level: 'log', message: [n], timestamp: n }))

  it('keeps the first as JSON and the rest as text, so that its keys stay within the limit of an event', () => {
    const { data } = transformTailEvent(item({ logs }))
    const kept = data?.['logs'] as unknown[]
    const more = JSON.parse(data?.['logs_more'] as string) as unknown[]
    expect(kept.length).toBeGreaterThan(50)
    expect([...kept, ...more]).toEqual(logs)
    expect(kept.length * 3).toBeLessThanOrEqual(250)
  })
})
