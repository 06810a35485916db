import { describe, expect, it } from 'vitest'
import { fromCells, guessDialect, importDialects, textOf } from './import-dialects.ts'

const unit = (event: object) => ({ text: JSON.stringify(event), place: 'line 1' })

describe('whose events a file holds', () => {
  it.each([
    ['millrace', { event_name: 'x' }],
    ['segment', { type: 'track', messageId: 'm', event: 'x' }],
    ['posthog', { uuid: 'u', event: '$pageview', distinct_id: 'd' }],
    ['otel', { resourceLogs: [] }],
    ['cloudevents', { specversion: '1.0', id: '1', type: 't', source: 's', event_name: 'x' }],
    ['cdc', { payload: { op: 'c' }, schema: {} }],
    ['cdc', { op: 'INSERT', table: 't' }],
    ['recommendations', { event_type: 'click', timestamp_ms: 1 }],
    ['platform_events', { event_type: 'project.created', event_data: {} }],
    ['umami', { type: 'event', payload: {} }],
    ['do_event', { verb: 'created' }],
    ['web_vitals', { name: 'LCP', value: 1, rating: 'good', id: 'v' }],
    ['snippet', { name: 'u', initiatorType: 'img', startTime: 0 }],
    ['rrweb', { sessionId: 's', events: [] }],
    ['plausible', { domain: 'd', name: 'pageview', url: 'u' }],
    ['workers_tail', { scriptName: 's', eventTimestamp: 1 }],
  ])('%s', (name, event) => {
    expect(guessDialect(unit(event))).toBe(name)
    expect(importDialects[name]).toBeDefined()
  })

  it('nobody knows of others', () => {
    expect(guessDialect(unit({ a: 1 }))).toBeUndefined()
    expect(guessDialect({ text: 'no JSON', place: '' })).toBeUndefined()
    expect(guessDialect({ text: '[1]', place: '' })).toBeUndefined()
  })

  it('every dialect makes one body of its events', () => {
    for (const dialect of Object.values(importDialects)) {
      const { path, body } = dialect.request(dialect.most === 1 ? ['{"a":1}'] : ['{"a":\n1}', '{"b":2}'])
      expect(path).toMatch(/^\//)
      expect(body).toContain('"a":')
    }
  })
})

describe('a row of CSV', () => {
  it('is read by the columns of the unified schema', () => {
    const cells = {
      id: '7',
      event_name: '12',
      vital_value: '0',
      bot_verified: 'false',
      properties: '{"a":[1]}',
      timestamp_ns: '1767225600000000001',
      actor_id: '',
    }
    expect(fromCells(cells, true)).toEqual({
      id: '7',
      event_name: '12',
      vital_value: 0,
      bot_verified: false,
      properties: { a: [1] },
      // A decimal string, which the column takes exactly.
      timestamp_ns: '1767225600000000001',
    })
  })

  it('guesses nothing of what is not written as JSON writes it', () => {
    const cells = {
      'properties.zip': '00123',
      'properties.phone': '+49',
      'properties.n': '12.50',
      'properties.m': '12.5',
      'properties.big': '12345678901234567890',
      'properties.e': '1e3',
      'properties.x': '{no',
      __proto__x: '1',
      'a.b.c': 'true',
    }
    expect(fromCells(cells, false)).toEqual({
      properties: { zip: '00123', phone: '+49', n: '12.50', m: 12.5, big: '12345678901234567890', e: '1e3', x: '{no' },
      __proto__x: 1,
      a: { b: { c: true } },
    })
  })

  it('leaves nothing on Object.prototype', () => {
    fromCells({ '__proto__.polluted': '1', 'constructor.prototype.polluted': '1' }, false)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

it('PostHog’s exports are put into what its clients send', () => {
  const exported = unit({
    event: 'x',
    distinct_id: 'd',
    properties: '{"n":9007199254740993}',
    timestamp: '2024-01-02 03:04:05.678000',
  })
  expect(textOf(exported, 'posthog', importDialects['posthog']!)).toBe(
    '{"event":"x","distinct_id":"d","properties":{"n":9007199254740993},"timestamp":"2024-01-02T03:04:05.678000Z"}',
  )
})

it('what needs no correction is sent as it is written', () => {
  const written = { text: '{"event_name" : "x", "n":1.0}', place: '' }
  expect(textOf(written, 'millrace', importDialects['millrace']!)).toBe(written.text)
})
