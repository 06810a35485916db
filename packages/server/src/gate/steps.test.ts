import type { EventColumns } from '@millrace/protocol'
import { describe, expect, it } from 'vitest'
import { goodEvent, rawBatch, testNow } from '../testing/gate-under-test.ts'
import { memoryState } from '../testing/memory-state.ts'
import { judge } from './gate.ts'
import { type GateBatch, openBatch } from './gate-batch.ts'
import { identify } from './ids.ts'
import { createMadeOnce } from './made-once.ts'
import type { RawBatch } from '../core/batch.ts'

const day = 86_400_000

async function identified(batch: RawBatch, state = memoryState()): Promise<GateBatch> {
  let made = 0
  const open = openBatch(batch)
  await identify(open, { secrets: createMadeOnce(state, 32), make: () => `made-${++made}` })
  return open
}

async function judged(events: readonly EventColumns[], more: Partial<RawBatch> = {}): Promise<GateBatch> {
  const batch = await identified(rawBatch(events, more))
  judge(batch)
  return batch
}

async function issuesOf(columns: Record<string, unknown>, more: Partial<RawBatch> = {}): Promise<readonly string[]> {
  const rejection = (await judged([columns], more)).rejections[0]
  return rejection?.kind === 'quarantine' ? rejection.issues : []
}

async function passed(columns: Record<string, unknown>, more: Partial<RawBatch> = {}): Promise<EventColumns> {
  const batch = await judged([columns], more)
  expect(batch.rejections[0]).toBeUndefined()
  return batch.events[0] as EventColumns
}

describe('identify', () => {
  it('keeps the id of the dialect, a number as its decimals', async () => {
    const batch = await identified(rawBatch([goodEvent('x'), { ...goodEvent(''), id: 42 as unknown as string }]))
    expect(batch.ids).toEqual(['x', '42'])
  })

  it('gives the same events of a retried body the same ids, equal ones within it different ones', async () => {
    const state = memoryState()
    const events = () => [1, 1, 2].map((n) => ({ ...goodEvent(''), properties: { n, z: { b: 1, a: 2 } } }))
    const first = await identified(rawBatch(events()), state)
    const again = await identified(rawBatch(events()), state)
    const reordered = await identified(rawBatch([{ properties: { z: { a: 2, b: 1 }, n: 2 }, ...goodEvent('') }]), state)
    expect(new Set(first.ids).size).toBe(3)
    expect(again.ids).toEqual(first.ids)
    expect(reordered.ids[0]).toBe(first.ids[2])
  })

  it('makes ids that another project does not share', async () => {
    const state = memoryState()
    const here = await identified(rawBatch([goodEvent('')]), state)
    const there = await identified(rawBatch([goodEvent('')], { project: 'other' }), state)
    expect(here.ids[0]).not.toBe(there.ids[0])
  })

  it('makes a new id each time for an event without id and time', async () => {
    const batch = await identified(rawBatch([1, 2].map(() => ({ event_type: 'track', event_name: 'x' }))))
    expect(batch.ids).toEqual(['made-1', 'made-2'])
  })

  it('quarantines ids that are too long or no text, and still names them', async () => {
    const batch = await identified(
      rawBatch([goodEvent('x'.repeat(257)), { ...goodEvent(''), id: { a: 1 } as unknown as string }]),
    )
    expect(batch.rejections).toMatchObject([
      { reason: 'id', issues: ['/id: 257 characters, at most 256'] },
      { reason: 'id', issues: ['/id: must be a string, or a number of at most 64 bits, not an object'] },
    ])
    expect(batch.ids.map((id) => id.length > 0)).toEqual([true, true])
  })

  it('quarantines ids that may stand for several events, each under an id of its own', async () => {
    const ids = ['a\ufffd', 'a\ufffd', 'b\ud800', 'b\udfff', 2 ** 60, 1e30, 12345678901234567890123n, 2n ** 64n]
    const batch = await identified(rawBatch(ids.map((id) => ({ ...goodEvent(''), id: id as string }))))
    expect(batch.rejections.map((rejection) => rejection?.kind)).toEqual(ids.map(() => 'quarantine'))
    expect(new Set(batch.ids).size).toBe(ids.length)
    expect(batch.ids.filter((id) => id === '' || ids.includes(id))).toEqual([])
  })

  it('tells events apart whose id a decoder refused, also those of different bodies', async () => {
    const state = memoryState()
    const raw = (id: bigint): RawBatch => ({
      ...rawBatch([]),
      events: [{ columns: goodEvent(''), original: { ...goodEvent(''), id }, issues: ['/id: expected string'] }],
    })
    const first = await identified(raw(12345678901234567890123n), state)
    const second = await identified(raw(12345678901234567890124n), state)
    const again = await identified(raw(12345678901234567890123n), state)
    expect(second.ids[0]).not.toBe(first.ids[0])
    expect(again.ids[0]).toBe(first.ids[0])
  })

  it('survives an event nested beyond every stack, which limits then refuse', async () => {
    let deep: Record<string, unknown> = {}
    for (let i = 0; i < 100_000; i++) deep = { deep }
    const columns = { ...goodEvent(''), properties: deep }
    const batch = await identified({ ...rawBatch([]), events: [{ columns, original: {} }] })
    judge(batch)
    expect(batch.rejections[0]).toMatchObject({ kind: 'quarantine', reason: 'limit' })
  })
})

describe('issues', () => {
  const refused = async (columns: EventColumns, issues: readonly string[]) => {
    const batch = await identified({ ...rawBatch([]), events: [{ columns, original: {}, issues }] })
    judge(batch)
    return batch.rejections[0]?.kind === 'quarantine' ? batch.rejections[0].issues : []
  }

  it('say once what is wrong, by the name that the sender knows', async () => {
    expect(await refused({}, ['/type: required'])).toEqual(['/type: required'])
    expect(await refused({}, ['/event_type: expected string, got number'])).toEqual([
      '/event_type: expected string, got number',
    ])
    const twice = await refused(goodEvent('a'), ['/x: bad', '/x: bad'])
    expect(twice).toEqual(['/x: bad'])
    expect(await issuesOf({ ...goodEvent('a'), event_type: 5 })).toEqual([
      expect.stringMatching(/^\/event_type: not one of/),
    ])
    expect(await issuesOf({ id: 'a' })).toEqual([
      '/event_type: missing; one of the ten event types is needed',
      '/event_name: missing or empty',
    ])
  })

  it('about the event as a whole begin with /', async () => {
    expect(await refused({}, [': expected object, got array(2)'])).toEqual(['/: expected object, got array(2)'])
  })
})

describe('limits', () => {
  it('refuses events that are too big, in bytes and not in characters', async () => {
    const ok = 'x'.repeat(1_000_000)
    expect(await issuesOf(goodEvent('a', { properties: { ok } }))).toEqual([])
    const [issue] = await issuesOf(goodEvent('a', { properties: { big: 'ü'.repeat(600_000) } }))
    expect(issue).toMatch(/^\/: 1200\d+ bytes, at most 1048576$/)
  })

  it('takes 5 MB of a recording beside 1 MB of all else, of events of type replay alone', async () => {
    const limit = 5 * 1_048_576
    const recording = (bytes: number, more: EventColumns = {}) =>
      goodEvent('a', { event_type: 'replay', replay_data: new Uint8Array(bytes), ...more })
    expect(await issuesOf(recording(limit))).toEqual([])
    expect(await issuesOf(recording(limit, { properties: { ok: 'x'.repeat(1_000_000) } }))).toEqual([])
    expect(await issuesOf(recording(limit + 1))).toEqual(['/replay_data: 5242881 bytes, at most 5242880'])
    expect(await issuesOf(recording(limit, { properties: { big: 'ü'.repeat(600_000) } }))).toEqual([
      expect.stringMatching(/^\/: 1200\d+ bytes, at most 1048576$/),
    ])
    expect(await issuesOf(recording(limit, { event_type: 'track' }))).toEqual([
      expect.stringMatching(/^\/: 5242\d+ bytes, at most 1048576$/),
    ])
  })

  it('refuses what is too deep or has too many keys', async () => {
    let deep: Record<string, unknown> = {}
    for (let i = 0; i < 40; i++) deep = { deep }
    expect(await issuesOf(goodEvent('a', { traits: deep }))).toEqual(['/traits: nested deeper than 32 levels'])
    const wide = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`k${i}`, i]))
    expect(await issuesOf(goodEvent('a', { properties: wide }))).toEqual([
      '/: 1001 keys in its JSON columns, at most 1000',
    ])
    expect(await issuesOf(goodEvent('a', { properties: { ['k'.repeat(300)]: 1 } }))).toEqual([
      '/properties: a key of more than 256 characters',
    ])
  })

  it('counts no keys of what is stored as text: a row of a wide table', async () => {
    const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i]))
    expect(await issuesOf(goodEvent('a', { db_before: wide, db_after: wide }))).toEqual([])
    expect(await issuesOf(goodEvent('a', { db_after: wide, data: wide }))).toEqual([
      '/: 5000 keys in its JSON columns, at most 1000',
    ])
  })

  it('bounds short texts but not free text', async () => {
    expect(await issuesOf(goodEvent('a', { actor_id: 'x'.repeat(9000) }))).toEqual([
      '/actor_id: 9000 characters, at most 8192',
    ])
    expect(await issuesOf(goodEvent('a', { error_stack: 'x'.repeat(90_000) }))).toEqual([])
  })
})

describe('validate', () => {
  it('names every column of a wrong type by its pointer, without its value', async () => {
    const issues = await issuesOf({
      ...goodEvent('a'),
      duration_ms: 'secret',
      http_status: Number.NaN,
      bot_verified: 1,
      actor_id: 7,
      timestamp_ns: 1.5,
      started_at: 'yesterday',
      properties: ['x'],
      replay_data: 'x',
    })
    expect(issues).toEqual([
      '/duration_ms: must be a number, not a string',
      '/http_status: must be a finite number',
      '/bot_verified: must be true or false, not a number',
      '/actor_id: must be a string, not a number',
      '/timestamp_ns: must be a whole number, not a number',
      '/started_at: must be a time, not a string',
      '/properties: must be an object, not an array',
      '/replay_data: must be bytes, not a string',
    ])
  })

  it('asks for the core columns and fills ns', async () => {
    expect(await issuesOf({ id: 'a', event_name: '' })).toEqual([
      '/event_type: missing; one of the ten event types is needed',
      '/event_name: missing or empty',
    ])
    const [issue] = await issuesOf(goodEvent('a', { event_type: 'identify' }))
    expect(issue).toMatch(/^\/event_type: not one of trace, /)
    expect((await passed(goodEvent('a'))).ns).toBe('shop')
  })

  it('keeps integers of 64 bits exact and refuses longer ones', async () => {
    expect((await passed(goodEvent('a', { timestamp_ns: 2n ** 63n - 1n }))).timestamp_ns).toBe(2n ** 63n - 1n)
    expect(await issuesOf(goodEvent('a', { timestamp_ns: 2n ** 63n }))).toEqual([
      '/timestamp_ns: must fit into 64 bits with a sign',
    ])
  })

  it('ignores what a client says of columns that are ours, and null', async () => {
    const event = await passed({ ...goodEvent('a'), project: 'other', day: 'x', is_duplicate: true, actor_id: null })
    expect(event).toMatchObject({ project: undefined, day: undefined, is_duplicate: undefined, actor_id: undefined })
  })

  it('tells a bounded number of issues of bounded length', async () => {
    const issues = Array.from({ length: 500 }, (_, at) => `/${at}${'k'.repeat(5000)}: wrong`)
    const batch = await identified({ ...rawBatch([]), events: [{ columns: goodEvent('a'), original: {}, issues }] })
    judge(batch)
    const told = (batch.rejections[0] as { issues: readonly string[] }).issues
    expect(told).toHaveLength(20)
    expect(Math.max(...told.map((issue) => issue.length))).toBeLessThan(310)
  })

  it('refuses columns that do not exist, and passes the issues of the decoder on', async () => {
    expect(await issuesOf({ ...goodEvent('a'), 'no/such~column': 1 })).toEqual(['/no~1such~0column: no such column'])
    const batch = openBatch({
      ...rawBatch([]),
      events: [
        { columns: goodEvent('a'), original: {}, issues: ['/timestamp: "x"'] },
        { columns: goodEvent('b'), original: {} },
      ],
    })
    batch.ids[0] = 'a'
    batch.ids[1] = 'b'
    judge(batch)
    expect(batch.rejections).toEqual([{ kind: 'quarantine', reason: 'schema', issues: ['/timestamp: "x"'] }, undefined])
  })
})

describe('clock', () => {
  const at = (ms: number, more: EventColumns = {}) => goodEvent('a', { timestamp: testNow + ms, ...more })

  it('leaves times alone while the client is no more than a minute off', async () => {
    for (const off of [-60_000, 0, 60_000]) {
      const event = await passed(at(off - 5000), { sentAt: testNow + off })
      expect(event.timestamp).toBe(testNow + off - 5000)
      expect(event.context).toBeUndefined()
    }
  })

  it('moves all times of the batch when the client is off, and keeps the original', async () => {
    const off = -7_200_000
    const batch = await judged(
      [
        at(off - 5000, {
          started_at: testNow + off - 9000,
          ended_at: testNow + off - 5000,
          timestamp_ns: BigInt(testNow + off - 5000) * 1_000_000n + 7n,
        }),
        { ...at(off - 1000), context: { kept: true } },
      ],
      { sentAt: testNow + off },
    )
    expect(batch.events[0]).toMatchObject({
      timestamp: testNow - 5000,
      started_at: testNow - 9000,
      ended_at: testNow - 5000,
      timestamp_ns: BigInt(testNow - 5000) * 1_000_000n + 7n,
      context: {
        client_timestamp: new Date(testNow + off - 5000).toISOString(),
        millrace: { clock: "moved by 7200000 ms: the client's clock was wrong by that" },
      },
    })
    expect(batch.events[1]).toMatchObject({ timestamp: testNow - 1000, context: { kept: true } })
  })

  it('moves nothing when an event is later than the sending by more than a minute', async () => {
    const batch = await judged([at(-7_205_000), at(-7_200_000 + 60_001)], { sentAt: testNow - 7_200_000 })
    expect(batch.events.map(({ timestamp }) => timestamp)).toEqual([testNow - 7_205_000, testNow - 7_200_000 + 60_001])
    const moved = await judged([at(-7_205_000), at(-7_200_000 + 60_000)], { sentAt: testNow - 7_200_000 })
    expect(moved.events.map(({ timestamp }) => timestamp)).toEqual([testNow - 5000, testNow + 60_000])
  })

  it('takes the time of receipt for an event without one, or what stands for it', async () => {
    const timeless = { id: 'a', event_type: 'track', event_name: 'x' }
    expect((await passed({ ...timeless })).timestamp).toBe(testNow)
    expect((await passed({ ...timeless, started_at: testNow - 5 })).timestamp).toBe(testNow - 5)
    expect((await passed({ ...timeless, timestamp_ns: BigInt(testNow - 7) * 1_000_000n })).timestamp).toBe(testNow - 7)
  })

  it('quarantines what is too far ahead or too old, at the limit not', async () => {
    expect(await issuesOf(at(3_600_000))).toEqual([])
    expect(await issuesOf(at(3_600_001))).toEqual(['/timestamp: a little more than 1 hour ahead, at most 1 hour'])
    expect(await issuesOf(at(7_199_990))).toEqual(['/timestamp: 2 hours ahead, at most 1 hour'])
    expect(await issuesOf(at(5_400_000))).toEqual(['/timestamp: 1 hour 30 minutes ahead, at most 1 hour'])
    expect(await issuesOf(at(49 * 3_600_000))).toEqual(['/timestamp: 2 days 1 hour ahead, at most 1 hour'])
    expect(await issuesOf(at(-30 * day))).toEqual([])
    expect(await issuesOf(at(-40 * day - 5))).toEqual(['/timestamp: 40 days old, at most 30'])
  })

  it('knows no age in historical mode, and marks the event', async () => {
    const event = await passed(at(-80 * day), { historical: true })
    expect(event.context).toEqual({ millrace: { historical: true } })
  })
})

describe('derive', () => {
  it('cuts URLs into their parts without overwriting any', async () => {
    const cases: readonly (readonly [string, EventColumns])[] = [
      [
        'https://user:pw@Shop.Example.com:8443/a/b?x=1&y=2#frag',
        { http_host: 'shop.example.com:8443', http_path: '/a/b', http_query: 'x=1&y=2' },
      ],
      ['https://example.com', { http_host: 'example.com', http_path: '/' }],
      ['https://example.com?q=a://b/c', { http_host: 'example.com', http_path: '/', http_query: 'q=a://b/c' }],
      ['/only/path?x', { http_path: '/only/path', http_query: 'x' }],
      ['//cdn.example.com/x#a?b', { http_host: 'cdn.example.com', http_path: '/x' }],
      ['about:blank', {}],
    ]
    for (const [http_url, parts] of cases) {
      const { http_host, http_path, http_query } = await passed(goodEvent('a', { http_url }))
      expect({ http_host, http_path, http_query }).toEqual({
        http_host: undefined,
        http_path: undefined,
        http_query: undefined,
        ...parts,
      })
    }
    expect((await passed(goodEvent('a', { http_url: 'https://x.y/z', http_path: '/mine' }))).http_path).toBe('/mine')
  })

  it('reads the campaign from the query', async () => {
    const http_url = 'https://x.y/?utm_source=news%20letter&utm_campaign=a+b&utm_medium=%E0%A4&utm_id=7&utm_evil=1'
    expect(await passed(goodEvent('a', { http_url, campaign_name: 'mine' }))).toMatchObject({
      campaign_source: 'news letter',
      campaign_name: 'mine',
      campaign_medium: '%E0%A4',
      campaign_id: '7',
    })
  })

  it('keeps events as long as their class says, and drops what is past it', async () => {
    const days = async (more: EventColumns) =>
      (((await passed(goodEvent('a', more))).expires_at as number) - (testNow - 1000)) / day
    expect(await days({})).toBe(90)
    expect(await days({ event_name: 'payment.completed' })).toBe(2555)
    expect(await days({ event_name: 'review.posted' })).toBe(2555)
    expect(await days({ event_name: 'user.login' })).toBe(730)
    expect(await days({ event_name: 'search.performed' })).toBe(365)
    expect(await days({ labels: { category: 'transaction' } })).toBe(2555)
    expect(await days({ event_type: 'log', log_level: 'error' })).toBe(30)
    expect(await days({ event_type: 'log', log_level: 'fatal' })).toBe(90)
    const old = await judged([goodEvent('a', { timestamp: testNow - 91 * day })], { historical: true })
    expect(old.rejections).toEqual([{ kind: 'drop', reason: 'expired' }])
  })

  it('names source and visibility where the event does not', async () => {
    expect(await passed(goodEvent('a'))).toMatchObject({ event_source: 'millrace', visibility: 'user' })
    expect(await passed(goodEvent('a', { event_source: 'otel', visibility: 'restricted' }))).toMatchObject({
      event_source: 'otel',
      visibility: 'restricted',
    })
  })

  it('lets no client write its own notes', async () => {
    const event = await passed(goodEvent('a', { context: { millrace: { clock: 'lie' }, kept: 1 } }))
    expect(event.context).toEqual({ kept: 1 })
  })
})
