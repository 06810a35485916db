import { millrace } from '../../../protocol/src/gen/browser.gen.js'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, it } from 'vitest'
import { type CollectorSettings, type RunningCollector, startCollector } from '../testing/collector.ts'

const { EventBatch, EventBatchResponse } = millrace.v1

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function open(settings: CollectorSettings = {}): Promise<RunningCollector> {
  const collector = await startCollector(settings)
  cleanups.push(collector.stop)
  return collector
}

const eventId = (n: number) => `evt_01JD4Z0000000000000000000${n}`

function batch(count: number, sequence = 1, device = 'device-1'): Buffer {
  const events = Array.from({ length: count }, (_, n) => ({
    eventId: eventId(n),
    userId: 'usr_b9b1e7d2-7f0f-4c0c-9a3e-0f1f6f3a8d11',
    timestamp: 1_763_720_000_000 + n,
    pageView: { url: 'https://example.com/', title: 'Home' },
  }))
  const bytes = EventBatch.encode({
    batchId: 'b1',
    seqNumber: sequence,
    deviceId: device,
    sentAt: 1_763_720_001_000,
    events,
  }).finish()
  return Buffer.from(bytes)
}

function send(url: string, body: Buffer, headers: Record<string, string> = {}): Promise<Response> {
  const type = { 'content-type': 'application/x-protobuf' }
  return fetch(`${url}/v1/events/batch`, {
    method: 'POST',
    headers: { ...type, ...headers },
    body: new Uint8Array(body),
  })
}

const mixed: NonNullable<CollectorSettings['decide']> = (index) =>
  (
    [
      {},
      { outcome: 'duplicate' },
      { outcome: 'quarantined', reason: 'schema', issues: ['/url: bad'] },
      { outcome: 'dropped', reason: 'gpc' },
    ] as const
  )[index] ?? {}

it('answers protobuf in protobuf: accepted, duplicates, and each rejected event with its reason', async () => {
  const { url, batches } = await open({ decide: mixed })
  const answer = await send(url, gzipSync(batch(5)), { 'content-encoding': 'gzip' })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-protobuf'])
  const told = EventBatchResponse.decode(new Uint8Array(await answer.arrayBuffer()))
  expect(told).toMatchObject({
    batchId: 'b1',
    accepted: 2,
    duplicates: 1,
    rejected: [
      { index: 2, eventId: eventId(2), reason: 'quarantined: schema', issues: ['/url: bad'] },
      { index: 3, eventId: eventId(3), reason: 'dropped: gpc' },
    ],
  })
  expect(batches[0]).toMatchObject({ source: 's0', batchId: 'b1', sentAt: 1_763_720_001_000 })
})

it('answers the JSON mapping in JSON', async () => {
  const { url } = await open({ decide: mixed })
  const events = Array.from({ length: 3 }, (_, n) => ({
    event_id: eventId(n),
    page_view: { url: 'https://example.com/' },
  }))
  const answer = await send(url, Buffer.from(JSON.stringify({ batch_id: 'b2', events })), {
    'content-type': 'application/json',
  })
  expect(await answer.json()).toEqual({
    batchId: 'b2',
    accepted: 1,
    duplicates: 1,
    rejected: [{ index: 2, eventId: eventId(2), reason: 'quarantined: schema', issues: ['/url: bad'] }],
    retry: [],
  })
})

it('answers 503 with what to send again when some found no place', async () => {
  const { url } = await open({ decide: (index) => (index === 0 ? { outcome: 'retry' } : {}) })
  const answer = await send(url, batch(2))
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  const told = EventBatchResponse.decode(new Uint8Array(await answer.arrayBuffer()))
  expect([told.accepted, told.retry?.map(({ index }) => index)]).toEqual([1, [0]])
})

it('answers an empty batch with zeros, a cut one with 400, one without a type with 415', async () => {
  const { url, batches } = await open()
  const empty = await send(url, Buffer.alloc(0))
  expect([empty.status, EventBatchResponse.decode(new Uint8Array(await empty.arrayBuffer())).accepted]).toEqual([
    200, 0,
  ])
  const cut = await send(url, batch(3).subarray(0, 60))
  expect([cut.status, await cut.json()]).toMatchObject([400, { code: 'malformed' }])
  const untyped = await fetch(`${url}/v1/events/batch`, { method: 'POST', body: new Uint8Array(batch(1)) })
  expect(untyped.status).toBe(415)
  expect(batches).toEqual([])
})

it('counts the gaps in the batch numbers of each device, once per gap', async () => {
  const { url, metric } = await open()
  const gaps = () => metric('millrace_sequence_gaps_total{project="default",source="s0"}')
  for (const sequence of [7, 8, 8, 9]) await send(url, batch(1, sequence))
  await send(url, batch(1, 100, 'device-2'))
  expect(await gaps()).toBe(0)
  await send(url, batch(1, 13))
  expect(await gaps()).toBe(1)
  await send(url, batch(1, 14))
  await send(url, batch(1, 1))
  await send(url, batch(1, 2))
  expect(await gaps()).toBe(1)
  await send(url, batch(1, 102, 'device-2'))
  expect(await gaps()).toBe(2)
})

it('waits with the number of a batch that has to come again', async () => {
  let isFull = false
  const { url, metric } = await open({ decide: () => (isFull ? { outcome: 'retry' } : {}) })
  await send(url, batch(1, 1))
  isFull = true
  await send(url, batch(1, 2))
  isFull = false
  await send(url, batch(1, 3))
  expect(await metric('millrace_sequence_gaps_total{project="default",source="s0"}')).toBe(1)
})
