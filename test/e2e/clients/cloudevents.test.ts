import { CloudEvent, emitterFor, HTTP, type Message, Mode } from 'cloudevents'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, createInstance, freePort, type Instance, pause } from '../../support/instance.ts'
import { type Answer, post, send, settled, storedEvent, why } from '../../support/pipeline.ts'

let instance: Instance
let collector: string
let api: string

beforeAll(async () => {
  instance = createInstance({ ports: { collector: await freePort(), api: 0 } })
  ;({ collector, api } = await instance.start())
})
afterAll(() => instance.dispose())

/** What a program hands to the SDK: the SDK itself neither sends nor repeats. */
async function transport({ headers, body }: Message): Promise<Response> {
  const request = { method: 'POST', headers: headers as Record<string, string>, body: body as string }
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await fetch(`${collector}/v1/events`, request)
      if (response.status !== 429 && response.status !== 503) return response
    } catch (error) {
      if (attempt === 100) throw error // the collector is just being started again
    }
    await pause(100)
  }
}

const emit = {
  binary: emitterFor(transport, { binding: HTTP, mode: Mode.BINARY }),
  structured: emitterFor(transport, { binding: HTTP, mode: Mode.STRUCTURED }),
}

const time = new Date(Date.now() - 5000).toISOString()
const order = (id: string, more: object = {}) =>
  new CloudEvent({
    id,
    source: '/orders',
    type: 'com.example.order.placed',
    subject: '7',
    time,
    data: { total: 12.5, count: 0, items: [{ sku: 'a' }] },
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    partitionkey: 'eu',
    ...more,
  })

const idOf = async (response: unknown) => (await (response as Response).json()) as Answer
const rowsOf = (where: string) =>
  ask<Record<string, unknown>>(api, `SELECT * FROM events WHERE event_source = 'cloudevents' AND ${where}`)

describe('the cloudevents SDK, unchanged', () => {
  it.each(['binary', 'structured'] as const)('sends in %s mode, and is told that it is stored', async (mode) => {
    expect(await idOf(await emit[mode](order(`${mode}-1`)))).toMatchObject({ success: true, stored: 1 })
  })

  it('sends text, bytes and nothing at all as data', async () => {
    const notes = { source: '/notes', type: 'note', time }
    const events = [
      new CloudEvent({ ...notes, id: 'text', datacontenttype: 'text/plain', data: 'grüß dich' }),
      new CloudEvent({ ...notes, id: 'bytes', datacontenttype: 'image/png', data: new Uint8Array([0, 255, 128]) }),
      new CloudEvent({ ...notes, id: 'none' }),
    ]
    for (const event of events)
      expect(await idOf(await emit.binary(event as CloudEvent<unknown>))).toMatchObject({ stored: 1 })
  })

  it('and its events answer SQL with the right columns', async () => {
    await settled(api)
    for (const mode of ['binary', 'structured']) {
      const [row, ...more] = await rowsOf(`endsWith(id, '_${mode}-1')`)
      expect(more).toEqual([])
      expect(row).toMatchObject({
        event_type: 'track',
        event_name: 'com.example.order.placed',
        ns: '/orders',
        resource_id: '7',
        trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
        span_id: '00f067aa0ba902b7',
        data: { total: 12.5 },
        context: { source: '/orders', partitionkey: 'eu' },
      })
      const stored = await storedEvent(api, row?.['id'] as string)
      expect(Date.parse(stored['timestamp'] as string)).toBe(Date.parse(time))
    }
    const data = Object.fromEntries((await rowsOf(`event_name = 'note'`)).map((row) => [row['id'], row['data']]))
    const byEnd = (end: string) => data[Object.keys(data).find((id) => id.endsWith(end)) as string]
    expect([byEnd('_text'), byEnd('_bytes')]).toEqual([{ data: 'grüß dich' }, { data_base64: 'AP+A' }])
  })

  it('sends the same event again in another mode: a duplicate; with another source: another event', async () => {
    expect(await idOf(await emit.structured(order('binary-1')))).toMatchObject({ stored: 0, duplicate: 1 })
    const body = JSON.stringify([order('binary-1'), order('binary-1', { source: '/other' })])
    const headers = { 'content-type': 'application/cloudevents-batch+json' }
    expect(await send(`${collector}/v1/events`, body, headers)).toMatchObject({ stored: 1, duplicate: 1 })
  })

  it('loses nothing and stores nothing twice when the collector is killed while it sends', async () => {
    const sent = Array.from({ length: 60 }, (_, n) => order(`kill-${n}`, { subject: 'kill' }))
    const emitting = sent.map(async (event, n) => {
      await pause(n * 10)
      return emit[n % 2 === 0 ? 'binary' : 'structured'](event)
    })
    await pause(200)
    expect(instance.kill9('collector')).toBe(true)
    const answers = await Promise.all((await Promise.all(emitting)).map(idOf))
    expect(answers.every(({ stored, duplicate }) => stored + duplicate === 1)).toBe(true)
    await settled(api)
    const [row] = await ask(
      api,
      `SELECT count()::UInt32 AS rows, uniqExact(id)::UInt32 AS ids FROM events WHERE resource_id = 'kill'`,
    )
    expect(row).toEqual({ rows: 60, ids: 60 })
  })
})

describe('what is no CloudEvent', () => {
  it('is quarantined with a receipt that says which attributes are missing, in binary mode as well', async () => {
    const binary = await send(`${collector}/v1/events`, 'x', { 'content-type': 'text/plain', 'ce-id': '1' })
    expect(binary.receipts[0]?.issues?.slice(0, 3)).toEqual([
      '/specversion: required',
      '/source: required',
      '/type: required',
    ])
    const headers = { 'content-type': 'application/cloudevents+json' }
    const structured = await send(
      `${collector}/v1/events`,
      '{"specversion":"0.3","id":"old","source":"/s","type":"t"}',
      headers,
    )
    expect(structured.receipts[0]).toMatchObject({
      outcome: 'quarantined',
      issues: ['/specversion: expected 1.0, got 0.3'],
    })
    expect(await why(api, structured.receipts[0]!.id)).toMatchObject({ source: 'cloudevents', outcome: 'quarantined' })
  })

  it('in a form that is not spoken here is 415, and names those that are', async () => {
    const response = await post(`${collector}/v1/events`, '<event/>', { 'content-type': 'application/cloudevents+xml' })
    expect(response.status).toBe(415)
    expect(await response.json()).toMatchObject({
      details: { accept: 'application/cloudevents+json, application/cloudevents-batch+json' },
    })
  })

  it('but Millrace’s own JSON on the same path stays that', async () => {
    expect(await send(`${collector}/v1/events`, '{"id":"own","event_name":"e"}')).toMatchObject({ stored: 1 })
    expect(await storedEvent(api, 'own')).toMatchObject({ event_source: 'millrace' })
  })
})
