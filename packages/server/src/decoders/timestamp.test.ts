import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRfc3339, readTime } from './timestamp.ts'

describe('times of events', () => {
  it('reads what Date writes, for every millisecond of 1900 to 2299', () => {
    const time = fc.integer({ min: -2_208_988_800_000, max: 10_413_791_999_999 })
    fc.assert(
      fc.property(time, (ms) => {
        expect(readTime(new Date(ms).toISOString())).toBe(ms)
      }),
    )
  })

  it('reads zones, fractions of any length, lower case and a space for the T', () => {
    const noon = Date.UTC(2026, 0, 1, 12)
    for (const text of [
      '2026-01-01T12:00:00Z',
      '2026-01-01t12:00:00z',
      '2026-01-01 12:00:00Z',
      '2026-01-01T13:30:00+01:30',
      '2025-12-31T23:59:00-12:01',
      '2026-01-01T12:00:00.000000000Z',
      '2026-01-01T11:59:60Z',
    ]) {
      expect(parseRfc3339(text), text).toBe(noon)
    }
    expect(parseRfc3339('2026-01-01T12:00:00.5Z')).toBe(noon + 500)
    expect(parseRfc3339('2026-01-01T12:00:00.0459999+00:00')).toBe(noon + 45)
  })

  it('agrees with Date.parse on whatever it takes', () => {
    const digits = (length: number) =>
      fc.string({
        unit: fc.constantFrom('0', '1', '2', '3', '4', '5', '6', '7', '8', '9'),
        minLength: length,
        maxLength: length,
      })
    const text = fc
      .tuple(digits(2), digits(2), digits(2), digits(2), digits(2))
      .map(([month, day, hour, minute, second]) => `2024-${month}-${day}T${hour}:${minute}:${second}.123Z`)
    fc.assert(
      fc.property(text, (value) => {
        const ours = parseRfc3339(value)
        // Date.parse rolls 30 February over into March and takes hour 24; it does not know second 60.
        if (!Number.isNaN(ours) && !value.includes(':60.')) expect(ours).toBe(Date.parse(value))
        const parts = new Date(Date.parse(value))
        if (!Number.isNaN(parts.getTime()) && parts.toISOString() === value) expect(ours).toBe(parts.getTime())
      }),
      { numRuns: 3000 },
    )
  })

  it('refuses what Date.parse would guess', () => {
    for (const text of [
      '2026-01-01',
      '2026-01-01T12:00:00',
      'Jan 1 2026',
      '1/1/2026',
      '2026-01-01T12:00Z',
      '20260101T120000Z',
      '2026-01-01T12:00:00.Z',
      '2026-01-01T12:00:00+0100',
      '2026-01-01T12:00:00Zx',
      ' 2026-01-01T12:00:00Z',
      '+2026-01-01T12:00:00Z',
    ]) {
      expect(parseRfc3339(text), text).toBeNaN()
    }
  })

  it('takes Unix ms, cuts fractions, and refuses seconds, micro- and nanoseconds', () => {
    expect(readTime(1767225600000)).toBe(1767225600000)
    expect(readTime(1767225600000.9)).toBe(1767225600000)
    expect(readTime(0)).toBe(0)
    expect(readTime(1767225600)).toContain('looks like seconds')
    expect(readTime(1767225600000000)).toContain('micro- or nanoseconds')
    expect(readTime(1767225600000000000n)).toContain('micro- or nanoseconds')
  })

  it('never throws and never returns a time outside of 1900 to 2299', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true }), (value) => {
        const time = readTime(value)
        if (typeof time === 'number') expect(Math.abs(time)).toBeLessThanOrEqual(10_413_791_999_999)
      }),
    )
  })
})
