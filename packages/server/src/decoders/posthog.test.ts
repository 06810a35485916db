import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { DecodedBatch } from '../core/batch.ts'
import type { DecodeContext } from './decode.ts'
import { readPosthogTime } from './posthog-time.ts'
import { decodePosthog } from './posthog.ts'

const noon = '2026-01-01T12:00:00.000Z'
const noonMs = 1767268800000

function decode(body: unknown, cx: Partial<DecodeContext> = {}): DecodedBatch {
  return decodePosthog(Buffer.from(JSON.stringify(body)), {
    headers: {},
    kind: 'capture',
    contentType: 'application/json',
    ...cx,
  })
}

const columnsOf = (event: object, cx: Partial<DecodeContext> = {}) => decode(event, cx).events[0]!.columns
const who = (properties: object, event = 'x') => {
  const { actor_id, anonymous_id } = columnsOf({ event, distinct_id: 'd', properties })
  return [actor_id, anonymous_id]
}

describe('who did it', () => {
  it.each<[string, object, unknown[]]>([
    ['a user of a server library', {}, ['d', undefined]],
    ['nobody, when no person is to be made', { $process_person_profile: false }, [undefined, 'd']],
    ['the device, before it is identified', { $device_id: 'd', $is_identified: false }, [undefined, 'd']],
    ['the person, once it is', { $device_id: 'dev', $is_identified: true }, ['d', 'dev']],
    ['as it says, in a personless browser', { $device_id: 'dev', $is_identified: false }, [undefined, 'dev']],
    ['the device, of an older library', { $device_id: 'd' }, [undefined, 'd']],
    ['the person, of an older library', { $device_id: 'dev' }, ['d', 'dev']],
    ['the person, in a recording', { $lib: 'web' }, ['d', undefined]],
    ['the user id, when there is one', { $user_id: 'u', $device_id: 'dev' }, ['u', 'dev']],
  ])('%s', (_what, properties, expected) => {
    expect(who(properties)).toEqual(expected)
  })

  it('is the device in a recording of a page where nobody is identified', () => {
    const device = '0198f7a2-7f5c-7c1e-b1f0-3d9f6d2a4c11'
    const { actor_id, anonymous_id } = columnsOf({ event: 'x', properties: { $lib: 'web', distinct_id: device } })
    expect([actor_id, anonymous_id]).toEqual([undefined, device])
  })

  it('is the person who is identified, with the id from before', () => {
    expect(who({ $anon_distinct_id: 'before', $device_id: 'dev', $is_identified: false }, '$identify')).toEqual([
      'd',
      'before',
    ])
  })

  it('is nobody for a group that a server describes, somebody for one that a person does', () => {
    const group = { event: '$groupidentify', properties: { $group_type: 'company', $group_key: 7 } }
    expect(columnsOf({ ...group, distinct_id: '$company_7' }).actor_id).toBeUndefined()
    expect(columnsOf({ ...group, distinct_id: 'ada' })).toMatchObject({ actor_id: 'ada', resource_id: '7' })
  })

  it('may be a number, and is no object', () => {
    expect(columnsOf({ event: 'x', distinct_id: 0 }).actor_id).toBe('0')
    expect(decode({ event: 'x', distinct_id: { a: 1 } }).events[0]?.issues).toEqual([
      '/distinct_id: expected string, got object',
    ])
  })
})

describe('when', () => {
  it.each<[unknown, number]>([
    [noon, noonMs],
    ['2026-01-01T13:00:00.5+01:00', noonMs + 500],
    ['2026-01-01T13:00:00+0100', noonMs],
    ['2026-01-01 12:00:00.123456+00:00', noonMs + 123],
    ['2026-01-01T12:00:00', noonMs],
    ['2026-01-01 12:00', noonMs],
    ['2026-01-01', noonMs - 12 * 3_600_000],
    [noonMs, noonMs],
  ])('%s is a time', (value, time) => {
    expect(readPosthogTime(value)).toBe(time)
  })

  it.each(['yesterday', '01/02/2026', '2026-13-01T00:00:00Z', '2026-01-01T25:00', 1767268800, true, {}])(
    '%s is none, and the event says so',
    (value) => {
      const { issues } = decode({ event: 'x', timestamp: value }).events[0]!
      expect(issues?.length).toBe(1)
      expect(issues?.[0]).toMatch(/^\/timestamp: /)
    },
  )

  it('counts an offset back from the sending, and keeps one that it cannot count', () => {
    expect(columnsOf({ event: 'x', offset: 2500 }, { query: { _: String(noonMs) } }).timestamp).toBe(noonMs - 2500)
    expect(decode({ batch: [{ event: 'x', offset: 0 }], sent_at: noon }).events[0]!.columns).toEqual({
      event_type: 'track',
      event_name: 'x',
      timestamp: noonMs,
      properties: {},
    })
    const without = columnsOf({ event: 'x', offset: 2500 })
    expect([without.timestamp, without.data]).toEqual([undefined, { offset: 2500 }])
  })

  it.each<[string, unknown, Partial<DecodeContext>]>([
    ['of the batch', { batch: [], sent_at: noon }, {}],
    ['of the first event', [{ event: 'x', sent_at: noon }], {}],
    ['in the URL', { event: 'x' }, { query: { sent_at: String(noonMs) } }],
    ['in the URL, as older libraries name it', { event: 'x' }, { query: { _: String(noonMs) } }],
    ['in a header of v1', { batch: [] }, { kind: 'v1', headers: { 'posthog-request-timestamp': noon } }],
  ])('it was sent stands %s', (_where, body, cx) => {
    expect(decode(body, cx).sentAt).toBe(noonMs)
  })

  it('it was sent is not known from seconds, or where the client says that its clock is right', () => {
    expect(decode({ event: 'x' }, { query: { _: '1767268800' } }).sentAt).toBeUndefined()
    expect(decode({ event: 'x', sent_at: 'soon' }).sentAt).toBeUndefined()
    expect(decode([{ event: 'x', sent_at: noon, properties: { $ignore_sent_at: true } }]).sentAt).toBeUndefined()
  })
})

describe('the key', () => {
  it.each<[string, unknown, Record<string, string>]>([
    ['of the batch', { api_key: 'k', batch: [{ event: 'x', properties: { token: 'other' } }] }, {}],
    ['of the batch, by its other name', { token: 'k', batch: [] }, {}],
    ['in the URL', [{ event: 'x' }], { token: 'k' }],
    ['of the event', { event: 'x', api_key: 'k' }, {}],
    ['in its properties', [{ event: 'x', properties: { token: 'k' } }], {}],
  ])('stands %s', (_where, body, query) => {
    expect(decode(body, { query }).writeKey).toBe('k')
  })

  it('is not stored, and another token is', () => {
    const { events } = decode({
      api_key: 'k',
      batch: [{ event: 'x', token: 'k', properties: { token: 'mine', $ip: '::1' } }],
    })
    expect(events[0]?.columns.properties).toEqual({ token: 'mine' })
    expect(columnsOf([{ event: 'x', properties: { token: 'k' } }]).properties).toEqual({})
  })

  it('is one for a request', () => {
    const two = [
      { event: 'x', api_key: 'a' },
      { event: 'x', api_key: 'b' },
    ]
    expect(() => decode(two)).toThrow('different keys')
    expect(() => decode(two, { query: { api_key: 'a' } })).not.toThrow()
  })
})

describe('an event that is several', () => {
  const vitals = {
    event: '$web_vitals',
    uuid: 'u',
    distinct_id: 'd',
    timestamp: noon,
    properties: {
      $session_id: 's',
      shared: 1,
      $web_vitals_LCP_value: 0,
      $web_vitals_LCP_event: { name: 'LCP', value: 0, delta: 0, rating: 'good', timestamp: noonMs - 1, more: 1 },
      $web_vitals_CLS_value: 0.1,
    },
  }

  it('gives one vital per metric, each under an id of its own', () => {
    const { events } = decode(vitals)
    expect(events.map(({ columns, issues }) => [columns.id, columns.vital_name, columns.vital_value, issues])).toEqual([
      ['u:LCP', 'LCP', 0, undefined],
      ['u:CLS', 'CLS', 0.1, undefined],
    ])
    expect(events[0]?.columns).toMatchObject({
      vital_rating: 'good',
      vital_delta: 0,
      timestamp: noonMs - 1,
      session_id: 's',
      properties: { $session_id: 's', shared: 1 },
      data: { more: 1 },
    })
    expect(events[1]?.columns.timestamp).toBe(noonMs)
  })

  it('keeps the bad one of them by itself', () => {
    const bad = { ...vitals, properties: { ...vitals.properties, $web_vitals_INP_value: 'slow' } }
    const { events } = decode(bad)
    expect(events.map(({ issues }) => issues?.length ?? 0)).toEqual([0, 0, 1])
    expect(events[2]?.issues?.[0]).toMatch(/^\/properties\/\$web_vitals_INP_event\/value: /)
    expect(events[2]?.original).toMatchObject({ uuid: 'u', properties: { shared: 1, $web_vitals_INP_value: 'slow' } })
    expect(events[2]?.original).not.toHaveProperty('properties.$web_vitals_LCP_value')
  })

  it('is an ordinary event when there is nothing in it', () => {
    expect(columnsOf({ event: '$web_vitals', properties: {} })).toMatchObject({ event_name: '$web_vitals' })
    expect(columnsOf({ event: '$snapshot', properties: { $session_id: 's' } })).toMatchObject({
      event_name: '$snapshot',
    })
  })

  const zip = (value: unknown) => gzipSync(JSON.stringify(value)).toString('latin1')
  const snapshot = (items: unknown, more: object = {}) => ({
    event: '$snapshot',
    uuid: 'u',
    properties: { $session_id: 's', $window_id: 'w', $snapshot_data: items, ...more },
  })

  it('gives one replay event per rrweb event, as rrweb wrote it', () => {
    const adds = [{ parentId: 1, nextId: null, node: { id: 2 } }]
    const { events } = decode(
      snapshot([
        { type: 4, timestamp: noonMs, data: { href: 'https://a.example/', width: 0 } },
        { type: 2, timestamp: noonMs + 1, data: zip({ node: { id: 1 }, initialOffset: { top: 0 } }), cv: '2024-10' },
        {
          type: 3,
          timestamp: noonMs + 2,
          data: { source: 0, texts: zip([]), adds: zip(adds), isAttachIframe: false },
          cv: '2024-10',
        },
      ]),
    )
    expect(events.map(({ columns: c }) => [c.id, c.event_name, c.replay_sequence, c.timestamp])).toEqual([
      ['u:0', 'Meta', 0, noonMs],
      ['u:1', 'FullSnapshot', 1, noonMs + 1],
      ['u:2', 'IncrementalSnapshot.Mutation', 2, noonMs + 2],
    ])
    expect(events.map(({ columns }) => JSON.parse(Buffer.from(columns.replay_data!).toString()))).toEqual([
      { type: 4, timestamp: noonMs, data: { href: 'https://a.example/', width: 0 } },
      { type: 2, timestamp: noonMs + 1, data: { node: { id: 1 }, initialOffset: { top: 0 } } },
      { type: 3, timestamp: noonMs + 2, data: { source: 0, texts: [], adds, isAttachIframe: false } },
    ])
    expect(events[1]?.columns).toMatchObject({ session_id: 's', event_type: 'replay', properties: { $window_id: 'w' } })
  })

  it('keeps what is no gzip, with its neighbours stored', () => {
    const good = { type: 4, timestamp: noonMs, data: {} }
    const { events } = decode(snapshot([good, { type: 2, timestamp: noonMs, data: 'no gzip', cv: '2024-10' }, 7, good]))
    expect(events.map(({ issues }) => issues)).toEqual([
      undefined,
      ['/properties/$snapshot_data/1/data: expected gzip of JSON as a string, got string(7)'],
      ['/properties/$snapshot_data/2: expected object, got number'],
      undefined,
    ])
  })

  it('is refused when its recordings inflate to more than a body may hold', () => {
    const item = { type: 2, timestamp: noonMs, data: zip('x'.repeat(15_000_000)), cv: '2024-10' }
    expect(() => decode(snapshot([item]))).not.toThrow()
    expect(() => decode(snapshot([item, item]))).toThrow(expect.objectContaining({ code: 'too_large' }))
  })

  it('is refused when it is too many', () => {
    expect(() => decode(snapshot(Array.from({ length: 100_001 }, () => 0)))).toThrow(
      expect.objectContaining({ code: 'too_large' }),
    )
  })
})

describe('names', () => {
  it('are kept, also beside the words of the schema', () => {
    expect(columnsOf({ event: '$pageview', properties: { $current_url: 'https://a.example/b' } })).toMatchObject({
      event_type: 'page',
      event_name: 'page_view',
      http_url: 'https://a.example/b',
      data: { event: '$pageview' },
    })
    expect(
      columnsOf({ event: '$feature_flag_called', properties: { $feature_flag: 'f', $feature_flag_response: false } }),
    ).toMatchObject({
      event_name: '$feature_flag_called',
      ab_test_id: 'f',
      ab_variant: 'false',
    })
    expect(columnsOf({ event: 'Bought' }).data).toBeUndefined()
  })

  it('are asked for, but not at /engage/', () => {
    expect(decode({ distinct_id: 'd' }).events[0]?.issues).toEqual(['/event: required'])
    const { events } = decode({ $distinct_id: 'd', $set: { plan: 'pro' } }, { kind: 'engage' })
    expect(events[0]?.issues).toBeUndefined()
    expect(events[0]?.columns).toMatchObject({ event_name: 'identify', actor_id: 'd', traits: { plan: 'pro' } })
  })
})

it('lets a wrong property stand, and quarantines nothing for it', () => {
  const properties = { $current_url: 7, $screen_width: 'wide', $geoip_latitude: {}, $browser: [], $session_id: {} }
  const { columns, issues } = decode({ event: 'x', properties }).events[0]!
  expect(issues).toBeUndefined()
  expect(columns).toEqual({ event_type: 'track', event_name: 'x', properties })
})

it('prefers what is set to what is set once', () => {
  const { traits, properties } = columnsOf({
    event: 'x',
    $set: { a: 1 },
    $set_once: { a: 2, b: 2 },
    properties: { $set_once: { a: 3, c: 3 } },
  })
  expect(traits).toEqual({ a: 1, b: 2, c: 3 })
  expect(properties).toEqual({ $set_once: { a: 3, c: 3 } })
})
