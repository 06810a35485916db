import { describe, expect, it } from 'vitest'
import { createIdDeriver, deriveId, idFor, idText, vitalId } from './ids.ts'
import { createUlid } from './ulid.ts'

const makers = () => ({ derive: createIdDeriver('key'), make: createUlid() })

describe('the id of an event', () => {
  it("is the dialect's own, with the dialect's prefix", () => {
    expect(idFor({ dialectId: 'm-1', hasOwnTime: true, event: {} }, makers())).toEqual({ id: 'm-1', origin: 'dialect' })
    expect(idFor({ dialectId: 'a_b', prefix: 'span_', hasOwnTime: true, event: {} }, makers())).toEqual({
      id: 'span_a_b',
      origin: 'dialect',
    })
  })

  it('is a decimal string when the dialect has a number', () => {
    expect([42, -7, 1.5, 1e21, 9007199254740993n, 0].map(idText)).toEqual([
      '42',
      '-7',
      '1.5',
      '1000000000000000000000',
      '9007199254740993',
      '0',
    ])
  })

  it('is derived from content when it is missing and the event has its own time: a retried body gives the same ids', () => {
    const body = [
      { event: 'a', timestamp: 5 },
      { event: 'a', timestamp: 5 },
      { timestamp: 5, event: 'b', n: 9007199254740993n },
    ]
    const idsOf = () => {
      const cx = makers()
      return body.map((event) => idFor({ dialectId: '', hasOwnTime: true, event }, cx))
    }
    const first = idsOf()
    expect(idsOf()).toEqual(first)
    expect(new Set(first.map((result) => 'id' in result && result.id)).size).toBe(3)
    expect(first[0]).toEqual({ id: deriveId('key', body[0], 0), origin: 'derived' })
    expect(first[1]).toEqual({ id: deriveId('key', body[1], 1), origin: 'derived' })
  })

  it('depends on the key, on every digit of the content, and not on the order of keys', () => {
    expect(deriveId('key', { a: 1, b: 2 }, 0)).toBe(deriveId('key', { b: 2, a: 1 }, 0))
    expect(deriveId('key', { a: 9007199254740993n }, 0)).not.toBe(deriveId('key', { a: 9007199254740992n }, 0))
    expect(deriveId('key', { a: 1 }, 0)).not.toBe(deriveId('other', { a: 1 }, 0))
    // Fixed for ever: a change would let retries across an update through as new events.
    expect(deriveId('key', { event: 'a', timestamp: 5 }, 0)).toMatchInlineSnapshot(`"derived_pB9Xf3m6BVRoA1x0g6I0BzmC"`)
  })

  it('is a new ULID when there is neither id nor time', () => {
    const cx = makers()
    const results = [1, 2].map(() => idFor({ dialectId: undefined, hasOwnTime: false, event: {} }, cx))
    expect(results.map((result) => 'origin' in result && result.origin)).toEqual(['made', 'made'])
    expect(results[0]).not.toEqual(results[1])
  })

  it('is at most 256 characters, prefix included', () => {
    expect(idFor({ dialectId: 'x'.repeat(256), hasOwnTime: true, event: {} }, makers())).toMatchObject({
      origin: 'dialect',
    })
    expect(idFor({ dialectId: 'x'.repeat(252), prefix: 'span_', hasOwnTime: true, event: {} }, makers())).toEqual({
      issue: '257 characters, at most 256',
    })
  })

  it('is refused when it is no text, without showing it', () => {
    const issue = (dialectId: unknown) => idFor({ dialectId, hasOwnTime: true, event: {} }, makers())
    expect([{ a: 'x' }, ['x'], true, Number.NaN].map(issue)).toEqual([
      { issue: 'an object, expected a string' },
      { issue: 'an array, expected a string' },
      { issue: 'a boolean, expected a string' },
      { issue: 'NaN, expected a string' },
    ])
  })

  it('has no lone surrogates, and tells the values of one web vital apart', () => {
    expect(idText('a\ud800')).toBe('a\ufffd')
    expect(vitalId('v3-1', 12.5)).not.toBe(vitalId('v3-1', 13))
  })
})
