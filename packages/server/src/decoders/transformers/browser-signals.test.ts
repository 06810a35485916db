import { describe, expect, it } from 'vitest'
import { transformSessionReplay } from './session-replay.ts'
import { transformSnippet } from './snippet.ts'
import { TransformError } from './transformer.ts'
import { createTransformers } from './transformers.ts'
import { transformWebVital } from './web-vital.ts'

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}

function issuesOf(run: () => unknown): readonly string[] {
  try {
    run()
  } catch (error) {
    if (error instanceof TransformError) return error.issues
    throw error
  }
  return []
}

describe('web-vital', () => {
  const context = frozen({ pageUrl: 'https://shop.example/pricing', sessionId: 's-1', ns: 'shop' })
  const metric = (more: object) =>
    frozen({ name: 'LCP', value: 1200, delta: 1200, rating: 'good', id: 'v6-1', ...more })

  it.each(['LCP', 'FID', 'CLS', 'TTFB', 'FCP', 'INP'])('maps %s, its value a duration unless it is a score', (name) => {
    const { duration_ms, ...columns } = transformWebVital(
      metric({ name, navigationType: 'back-forward', entries: [{ element: { tagName: 'IMG' } }] }),
      context,
    )
    expect(columns).toMatchObject({
      event_type: 'vital',
      event_name: name,
      ns: 'shop',
      session_id: 's-1',
      http_url: 'https://shop.example/pricing',
      id: 'vital_v6-1_1200',
      span_id: 'v6-1',
      vital_name: name,
      vital_value: 1200,
      vital_delta: 1200,
      vital_rating: 'good',
      vital_element: 'IMG',
      nav_type: 'back_forward',
    })
    expect(duration_ms).toBe(name === 'CLS' ? undefined : 1200)
  })

  it('keeps zeros', () => {
    expect(transformWebVital(metric({ value: 0, delta: 0 }))).toMatchObject({
      vital_value: 0,
      vital_delta: 0,
      duration_ms: 0,
      id: 'vital_v6-1_0',
    })
  })

  it('takes the element from attribution, by the names of every version', () => {
    const element = (attribution: object) => transformWebVital(metric({ attribution })).vital_element
    expect(
      [
        { target: '#a' },
        { element: '#b' },
        { largestShiftTarget: '#c' },
        { interactionTarget: '#d' },
        { eventTarget: '#e' },
        { url: 'x' },
      ].map(element),
    ).toEqual(['#a', '#b', '#c', '#d', '#e', undefined])
  })

  it('takes the page that the metric is of, not the one to which a person has gone on', () => {
    expect(transformWebVital(metric({ navigationURL: 'https://shop.example/first' }), context).http_url).toBe(
      'https://shop.example/first',
    )
  })

  it('keeps entries with more keys than an event may have as their JSON text', () => {
    const shift = {
      value: 0.01,
      sources: Array.from({ length: 5 }, () => ({ previousRect: { x: 0 }, currentRect: { x: 1 } })),
    }
    const entries = Array.from({ length: 200 }, () => shift)
    const { data } = transformWebVital(
      metric({ name: 'CLS', entries, attribution: { largestShiftValue: 0.01, entries } }),
    )
    expect(data).toEqual({
      entries: JSON.stringify(entries),
      attribution: { largestShiftValue: 0.01, entries: JSON.stringify(entries) },
    })
  })

  it('says all that is wrong, without a string of the metric', () => {
    expect(
      issuesOf(() => transformWebVital({ name: 'FPS', value: Number.NaN, delta: 'x', rating: 'great', id: {} })),
    ).toEqual([
      '/name: expected LCP, FID, CLS, TTFB, FCP, INP, got string(3)',
      '/value: NaN is no finite number',
      '/delta: expected number, got string(1)',
      '/rating: expected good, needs-improvement, poor, got string(5)',
      '/id: expected string, got object',
    ])
    expect(issuesOf(() => transformWebVital(7))).toEqual([': expected an object'])
  })
})

describe('session-replay', () => {
  const context = frozen({
    sessionId: 's-1',
    pageUrl: 'https://shop.example/',
    ns: 'shop',
    sequence: 42,
    startedAt: 1000000000000,
  })
  const at = 1_767_225_600_000
  const types = [
    'DomContentLoaded',
    'Load',
    'FullSnapshot',
    'IncrementalSnapshot',
    'Meta',
    'Custom',
    'Unknown(6)',
    'Unknown(99)',
  ]
  const sources =
    'Mutation MouseMove MouseInteraction Scroll ViewportResize Input TouchMove MediaInteraction StyleSheetRule CanvasMutation Font Log Drag'.split(
      ' ',
    )

  it('has a word for each type', () => {
    const named = [0, 1, 2, 3, 4, 5, 6, 99].map((type) => transformSessionReplay({ type, timestamp: at }, context))
    expect(named.map(({ replay_type }) => replay_type)).toEqual(types)
    expect(named.map(({ event_name }) => event_name)).toEqual(types)
    expect(named.every(({ replay_source }) => replay_source === undefined)).toBe(true)
  })

  it('has a word for each source of increments, and for nothing else', () => {
    const of = (type: number, source: number) =>
      transformSessionReplay({ type, data: { source }, timestamp: at }, context)
    expect(sources.map((_, source) => of(3, source).replay_source)).toEqual(sources)
    expect(of(3, 5).event_name).toBe('IncrementalSnapshot.Input')
    expect(of(3, 13)).toMatchObject({ replay_source: 'Unknown(13)', event_name: 'IncrementalSnapshot.Unknown(13)' })
    expect(of(5, 0).replay_source).toBeUndefined()
  })

  it('keeps the whole event as its JSON text, with session, order and times', () => {
    const event = frozen({ type: 3, data: { source: 0, adds: [] }, timestamp: at, delay: 0 })
    const { replay_data, ...columns } = transformSessionReplay(event, context)
    expect(JSON.parse(Buffer.from(replay_data!).toString())).toEqual(event)
    expect(columns).toEqual({
      event_source: 'rrweb',
      event_type: 'replay',
      event_name: 'IncrementalSnapshot.Mutation',
      ns: 'shop',
      session_id: 's-1',
      trace_id: 's-1',
      http_url: 'https://shop.example/',
      replay_type: 'IncrementalSnapshot',
      replay_source: 'Mutation',
      replay_sequence: 42,
      replay_timestamp_offset: at - 1_000_000_000_000,
      timestamp: at,
    })
  })

  it('names the page of a Meta event where nobody else does', () => {
    const event = { type: 4, data: { href: 'https://shop.example/b' }, timestamp: at }
    expect(transformSessionReplay(event, { sessionId: 's' }).http_url).toBe('https://shop.example/b')
    expect(transformSessionReplay(event, context).http_url).toBe('https://shop.example/')
  })

  it('refuses an event without a session, a type or a time', () => {
    expect(issuesOf(() => transformSessionReplay({ data: {} }, {}))).toEqual([
      '/sessionId: required',
      '/type: required',
      '/timestamp: required',
    ])
  })
})

describe('snippet', () => {
  const entry = frozen({
    name: 'https://shop.example/a.js?v=1',
    initiatorType: 'script',
    startTime: 100,
    duration: 90,
    domainLookupStart: 105,
    domainLookupEnd: 115,
    connectStart: 115,
    connectEnd: 135,
    requestStart: 136,
    responseStart: 176,
    responseEnd: 190,
    transferSize: 1300,
    encodedBodySize: 1000,
    decodedBodySize: 4000,
    requestId: 'r-1',
    sessionId: 's-1',
    pageUrl: 'https://shop.example/',
    timestamp: 1_767_225_600_000,
  })

  it('makes phases of the points in time', () => {
    expect(transformSnippet(entry, 'shop')).toMatchObject({
      event_type: 'snippet',
      event_name: 'script.request',
      ns: 'shop',
      session_id: 's-1',
      trace_id: 's-1',
      correlation_id: 'r-1',
      snippet_request_id: 'r-1',
      snippet_initiator: 'script',
      snippet_start_time: 100,
      duration_ms: 90,
      snippet_dns_time: 10,
      snippet_connect_time: 20,
      snippet_ttfb: 40,
      snippet_download_time: 14,
      snippet_blocked_time: 5,
      snippet_transfer_size: 1300,
      snippet_decoded_size: 4000,
      snippet_cache_state: 'network',
      timestamp: 1_767_225_600_000,
      data: { page_url: 'https://shop.example/', encodedBodySize: 1000 },
    })
  })

  it('takes a transfer of nothing for the local cache, and keeps zeros', () => {
    const points = [
      'domainLookupStart',
      'domainLookupEnd',
      'connectStart',
      'connectEnd',
      'requestStart',
      'responseStart',
      'responseEnd',
    ]
    const cached = {
      ...entry,
      ...Object.fromEntries(points.map((name) => [name, 100])),
      duration: 0,
      transferSize: 0,
      decodedBodySize: 0,
    }
    expect(transformSnippet(cached)).toMatchObject({
      snippet_dns_time: 0,
      snippet_connect_time: 0,
      snippet_ttfb: 0,
      snippet_download_time: 0,
      snippet_blocked_time: 0,
      duration_ms: 0,
      snippet_transfer_size: 0,
      snippet_decoded_size: 0,
      snippet_cache_state: 'local',
    })
  })

  it('measures nothing where the browser tells nothing', () => {
    const points = [
      'domainLookupStart',
      'domainLookupEnd',
      'connectStart',
      'connectEnd',
      'requestStart',
      'responseStart',
    ]
    const opaque = {
      ...entry,
      ...Object.fromEntries(points.map((name) => [name, 0])),
      transferSize: 0,
      decodedBodySize: 0,
    }
    const columns = transformSnippet(opaque)
    expect(columns).toMatchObject({ snippet_start_time: 100, duration_ms: 90 })
    const told = Object.keys(columns).filter((name) => /dns|connect|ttfb|download|blocked|size|cache/.test(name))
    expect(told).toEqual([])
  })

  it('makes times of offsets where it is told the origin', () => {
    const { timestamp: _, ...rest } = entry
    expect(transformSnippet({ ...rest, timeOrigin: 1_767_225_600_000.7 })).toMatchObject({
      timestamp: 1_767_225_600_100,
      started_at: 1_767_225_600_100,
      ended_at: 1_767_225_600_190,
    })
  })

  it('tells the kind of resource by its media type, else by who asked for it', () => {
    const kind = (contentType: string, initiatorType: string) =>
      transformSnippet({ ...entry, contentType, initiatorType }).snippet_resource_type
    expect(kind('font/woff2', 'css')).toBe('font')
    expect(kind('', 'img')).toBe('image')
    expect(kind('application/json', 'fetch')).toBe('fetch')
    expect(kind('', 'navigation')).toBe('document')
  })

  it('refuses times that run backwards or are none', () => {
    expect(
      issuesOf(() => transformSnippet({ ...entry, responseEnd: 150, transferSize: -1, startTime: Number.NaN })),
    ).toEqual([
      '/startTime: NaN is no finite number',
      '/responseEnd: 150 is before responseStart 176',
      '/transferSize: -1 is below 0',
    ])
  })
})

it('are in the registry under their names', () => {
  const transformers = createTransformers()
  expect(transformers.get('web-vital')).toMatchObject({ eventType: 'vital', multipleOutputs: false })
  expect(transformers.get('session-replay')).toMatchObject({ eventType: 'replay', multipleOutputs: false })
  expect(transformers.get('snippet')).toMatchObject({ eventType: 'snippet', multipleOutputs: false })
  expect(transformers.transform('web-vital', { name: 'CLS', value: 0 }, { pageUrl: '/' })).toMatchObject({
    vital_value: 0,
  })
})
