import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { PipelineError } from '../core/errors.ts'
import { page, parse, time, timeWindow, windowOf } from './parameters.ts'

const hour = 3_600_000
const now = Date.UTC(2026, 10, 21, 12)

describe('a time', () => {
  it.each([
    ['2026-11-21T12:00:00Z', now],
    ['2026-11-21T12:00:00.123Z', now + 123],
    ['2026-11-21T14:00+02:00', now],
    ['2026-11-21t12:00:00z', now],
    ['2026-11-21', Date.UTC(2026, 10, 21)],
    [String(now), now],
    ['0', 0],
  ])('may be %s', (text, ms) => expect(parse(time, text)).toBe(ms))

  it.each([
    '',
    'now',
    'yesterday',
    '2026-11-21T12:00:00',
    '2026-13-01',
    '2026-11-21T25:00:00Z',
    '21.11.2026',
    '-5',
    '1.5',
    '1e12',
    '1234567890123456',
  ])('may not be %j', (text) => expect(() => parse(time, text)).toThrow(/expected RFC 3339/))
})

describe('a window', () => {
  const asked = (query: Record<string, string>) => windowOf(parse(z.object(timeWindow), query), now)

  it('is the last hour, this moment included, when nothing is asked', () => {
    expect(asked({})).toEqual({ from: now + 1 - hour, to: now + 1 })
  })

  it('ends now when only its beginning is asked, and begins an hour before its end otherwise', () => {
    expect(asked({ from: String(now - 5 * hour) })).toEqual({ from: now - 5 * hour, to: now + 1 })
    expect(asked({ to: String(now) })).toEqual({ from: now - hour, to: now })
    expect(asked({ from: String(now + hour) })).toEqual({ from: now + hour, to: now + hour })
  })

  it('is refused when it ends before it begins', () => {
    expect(() => asked({ from: '2026-11-21', to: '2026-11-20' })).toThrow(
      'from is after to: 2026-11-21T00:00:00.000Z > 2026-11-20T00:00:00.000Z',
    )
  })
})

describe('a page', () => {
  const asked = (query: Record<string, string>) => parse(z.object(page), query)

  it('holds 100 from the start when nothing is asked', () => {
    expect(asked({})).toEqual({ limit: 100, cursor: '' })
    expect(asked({ limit: '7', cursor: '18446744073709551615' })).toEqual({ limit: 7, cursor: '18446744073709551615' })
  })

  it.each([
    [{ limit: '0' }, 'limit'],
    [{ limit: '1001' }, 'limit'],
    [{ limit: 'all' }, 'limit'],
    [{ limit: '1.5' }, 'limit'],
    [{ cursor: 'x' }, 'cursor'],
    [{ cursor: '18446744073709551616' }, 'cursor'],
    [{ cursor: '-1' }, 'cursor'],
  ])('is refused with %j', (query, name) => {
    expect(() => asked(query as Record<string, string>)).toThrow(
      expect.objectContaining({
        code: 'malformed',
        message: expect.stringMatching(new RegExp(`^${name}: `)) as string,
      }),
    )
  })
})

it('names every wrong parameter in one refusal', () => {
  const schema = z.strictObject({ ...timeWindow, ...page })
  expect(() => parse(schema, { from: 'x', limit: '0', nope: '1' })).toThrow(PipelineError)
  expect(() => parse(schema, { from: 'x', limit: '0' })).toThrow(/from: .*; limit: /)
})
