import { encodeOutcomesRecord, type OutcomeRow } from '@millrace/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { type LiveUnderTest, type LiveUnderTestOptions, readSse, refusedUpgrade, startLive } from './live.fixture.ts'

const never = new AbortController().signal
const at = Date.UTC(2026, 0, 2)

let running: LiveUnderTest | undefined
async function start(options?: LiveUnderTestOptions) {
  running = await startLive(options)
  const { log } = running
  const append = (value: Uint8Array) => log.append([{ topic: 'outcomes', partition: 0, value }], {}, never)
  return {
    ...running,
    append,
    refuse: (...rows: readonly OutcomeRow[]) => append(encodeOutcomesRecord({ rows, counts: [] })),
  }
}
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const refused = (id: string, more: Partial<OutcomeRow> = {}): OutcomeRow => ({
  id,
  project: 'default',
  source: 'segment',
  receivedAt: at,
  outcome: 'quarantined',
  reason: 'schema',
  issues: ['/properties/price: expected number'],
  batchId: 'b',
  count: 1,
  ...more,
})
const many = (count: number, from = 0) => Array.from({ length: count }, (_, number) => refused(`r${from + number}`))
const stored = (id: string) => ({ id, event_type: 'track', event_name: 'Signed Up', timestamp: 1000 })

describe('the topic _errors', () => {
  it('shows what is not admitted from now on, and nothing of the event but its id', async () => {
    const { socket, refuse } = await start()
    await refuse(refused('before'))
    const seen = await socket('?topic=_errors')
    expect(await seen.until('connected')).toMatchObject({ topics: ['_errors'] })
    await refuse(refused('q'), refused('twice', { outcome: 'duplicate', reason: '', issues: [] }))
    expect(await seen.until('event')).toEqual({
      type: 'event',
      topic: '_errors',
      event: {
        id: 'q',
        project: 'default',
        event_source: 'segment',
        received_at: '2026-01-02T00:00:00.000Z',
        outcome: 'quarantined',
        reason: 'schema',
        issues: ['/properties/price: expected number'],
      },
    })
    await refuse(refused('d', { outcome: 'dropped', reason: 'consent', issues: [] }), refused('e'))
    await seen.untilEvents(3)
    expect(seen.events().map(({ event }) => [event['id'], event['outcome']])).toEqual([
      ['q', 'quarantined'],
      ['d', 'dropped'],
      ['e', 'quarantined'],
    ])
  })

  it('has the same by server-sent events, without an id: the last cursor stays that of an event', async () => {
    const { url, refuse, store } = await start()
    const reading = readSse(`${url}/api/v1/live/sse?topic=_errors&topic=track.*`, 3)
    while (running!.live.stats().connections.active === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await store([stored('s')])
    await refuse(refused('q'))
    const seen = (await reading)
      .slice(1)
      .toSorted((a, b) => String(a.data['topic']).localeCompare(String(b.data['topic'])))
    expect(seen).toEqual([
      { id: undefined, data: expect.objectContaining({ topic: '_errors' }) as object },
      {
        id: expect.stringMatching(/^m1\./) as string,
        data: expect.objectContaining({ topic: 'track.Signed_Up' }) as object,
      },
    ])
  })

  it('is matched by no wildcard, and no event has it', async () => {
    const { socket, refuse, store } = await start()
    const all = await Promise.all(['', '?topic=**', '?topic=_errors.**&topic=track.*'].map((query) => socket(query)))
    const errors = await socket('?topic=_errors')
    await store([{ ...stored('claims-it'), event_source: 'broadcast', context: { topic: '_errors' } }])
    await refuse(refused('q'))
    await store([stored('s')])
    await errors.untilEvents(1)
    await Promise.all(all.map((each) => each.untilEvents(2)))
    errors.say({ type: 'ping' })
    await errors.until('pong')
    expect(errors.ids()).toEqual(['q'])
    for (const each of all) expect(each.ids()).toEqual(['claims-it', 's'])
  })

  it('holds only what its own project was refused', async () => {
    const { socket, refuse, keys, url } = await start({ mode: 'keys' })
    keys.set('s', { project: 'shop', scope: 'read', keyId: 's' })
    keys.set('b', { project: 'blog', scope: 'read', keyId: 'b' })
    keys.set('w', { project: 'shop', scope: 'write', keyId: 'w' })
    keys.set('a', { project: 'shop', scope: 'admin', keyId: 'a' })
    const [shop, blog, admin] = await Promise.all([
      socket('?topic=_errors&token=s'),
      socket('?topic=_errors&token=b'),
      socket('?topic=_errors&token=a&project=blog'),
    ])
    await refuse(refused('1', { project: 'shop' }), refused('2', { project: 'blog' }), refused('3'))
    await refuse(refused('4', { project: 'shop' }), refused('5', { project: 'blog' }))
    await Promise.all([shop, blog, admin].map((each) => each.untilEvents(2)))
    expect([shop.ids(), blog.ids(), admin.ids()]).toEqual([
      ['1', '4'],
      ['2', '5'],
      ['2', '5'],
    ])
    expect(await refusedUpgrade(`${url}/api/v1/live?topic=_errors&token=w`)).toMatchObject({ status: 403 })
  })

  it('has no filters', async () => {
    const { url, socket } = await start()
    const invalid = { status: 400, code: 'INVALID_FILTER' }
    expect(await refusedUpgrade(`${url}/api/v1/live?topic=_errors&filter=id%3Dx`)).toMatchObject(invalid)
    const seen = await socket('?topic=track.*&filter=id%3Dx')
    seen.say({ type: 'subscribe', topics: ['_errors'] })
    expect(await seen.until('error')).toMatchObject({ code: 'INVALID_FILTER' })
  })

  it('can be subscribed to and left, and the log is read for it only in between', async () => {
    const { socket, refuse, log } = await start()
    const reads: number[] = []
    const { read } = log
    log.read = (from, ...rest) => {
      if (from.topic === 'outcomes') reads.push(from.offset)
      return read(from, ...rest)
    }
    const seen = await socket('?topic=page.*')
    await refuse(refused('1'))
    expect(reads).toEqual([])
    seen.say({ type: 'subscribe', topics: ['_errors'] })
    expect(await seen.until('subscribed')).toEqual({ type: 'subscribed', topics: ['page.*', '_errors'] })
    await refuse(refused('2'))
    await seen.untilEvents(1)
    seen.say({ type: 'unsubscribe', topics: ['_errors'] })
    expect(await seen.until('unsubscribed')).toEqual({ type: 'unsubscribed', topics: ['page.*'] })
    const before = reads.length
    for (let number = 0; number < 5; number++) await refuse(refused('3'))
    seen.say({ type: 'subscribe', topics: ['_errors'] })
    await seen.until('subscribed', 2)
    await refuse(refused('4'))
    await seen.untilEvents(2)
    expect(seen.ids()).toEqual(['2', '4'])
    expect(reads.slice(before).every((offset) => offset >= 7)).toBe(true)
  })

  it('begins now also for who goes on behind a cursor', async () => {
    const { socket, refuse, store } = await start()
    await refuse(refused('old'))
    await store([stored('s')])
    const seen = await socket('?topic=_errors&topic=track.*&fromTimestamp=0')
    await seen.untilEvents(1)
    await refuse(refused('new'))
    await seen.untilEvents(2)
    expect(seen.ids()).toEqual(['s', 'new'])
  })

  it('skips what a slow reader does not take, and says how much', async () => {
    const { socket, refuse, live, metric } = await start({ config: { maxPendingBytes: 100_000 } })
    const [slow, quick] = await Promise.all([socket('?topic=_errors'), socket('?topic=_errors')])
    slow.webSocket.pause()
    const issues = [`/data: ${'expected an object '.repeat(100)}`]
    for (let number = 0; number < 60; number++) {
      await refuse(...many(100, number * 100).map((row) => ({ ...row, issues })))
      await quick.untilEvents((number + 1) * 100)
    }
    expect(live.stats().pending_bytes).toBeLessThan(500_000)
    slow.webSocket.resume()
    const gap = await slow.until('gap')
    expect(gap).toEqual({ type: 'gap', topic: '_errors', missed: expect.any(Number) as number })
    expect(slow.told.filter(({ type }) => type === 'backpressure').length).toBe(1)
    await refuse(refused('last'))
    await slow.untilEvents(6001 - (gap['missed'] as number))
    expect([slow.ids().length + (gap['missed'] as number), slow.ids().at(-1)]).toEqual([6001, 'last'])
    expect(await metric('millrace_live_missed_total')).toBe(gap['missed'])
  })

  it('leaves a damaged record out, tells the gap, and goes on', async () => {
    const { socket, refuse, append, log } = await start()
    const seen = await socket('?topic=_errors')
    await refuse(refused('1'))
    await seen.untilEvents(1)
    const bad = Uint8Array.from(log.all('outcomes')[0]!.value)
    bad[bad.length - 1]! ^= 1
    await append(bad)
    expect(await seen.until('gap')).toEqual({ type: 'gap', topic: '_errors', missed: 1 })
    await refuse(refused('2'))
    await seen.untilEvents(2)
  })

  it('goes on where the log begins when it has forgotten what was not read yet', async () => {
    const { socket, refuse, log } = await start()
    const { read } = log
    let isHeld = true
    log.read = async (from, ...rest) => {
      while (isHeld && from.topic === 'outcomes') await new Promise((resolve) => setTimeout(resolve, 5))
      return read(from, ...rest)
    }
    const seen = await socket('?topic=_errors')
    for (const id of ['1', '2', '3']) await refuse(refused(id))
    await log.trim({ topic: 'outcomes', partition: 0, offset: 2 })
    isHeld = false
    await seen.untilEvents(1)
    expect(seen.told.slice(1)).toEqual([
      { type: 'gap', topic: '_errors', missed: 1 },
      expect.objectContaining({ event: expect.objectContaining({ id: '3' }) as object }),
    ])
  })

  it('is not subscribed to while the log cannot be read, and the stream goes on', async () => {
    const { socket, refuse, log } = await start()
    const { bounds } = log
    const seen = await socket('?topic=page.*')
    log.bounds = (topic) => (topic === 'outcomes' ? Promise.reject(new Error('down')) : bounds(topic))
    seen.say({ type: 'subscribe', topics: ['_errors', 'track.*'] })
    expect(await seen.until('error')).toMatchObject({ code: 'UNAVAILABLE' })
    log.bounds = bounds
    seen.say({ type: 'subscribe', topics: ['_errors'] })
    expect(await seen.until('subscribed')).toEqual({ type: 'subscribed', topics: ['page.*', 'track.*', '_errors'] })
    await refuse(refused('1'))
    await seen.untilEvents(1)
  })
})
