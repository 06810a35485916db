import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatValidationError, getInvalidFields, validateEvent, validateEvents } from './validate.ts'

const track = { id: 'e1', event_type: 'track', event_name: 'Signed Up', ns: 'shop' }

function problems(input: unknown, mode?: 'full' | 'strict' | 'lazy'): string {
  const result = validateEvent(input, mode)
  return result.success ? '' : formatValidationError(result.error)
}

describe('validation', () => {
  it('in full mode checks types and leaves unknown keys out (X3-07)', () => {
    const result = validateEvent({
      ...track,
      timestamp: '2026-01-02T03:04:05.678Z',
      duration_ms: 0,
      nonsense: 1,
      ns: 'a',
    })
    expect(result).toEqual({
      success: true,
      event: { ...track, ns: 'a', timestamp: '2026-01-02T03:04:05.678Z', duration_ms: 0 },
    })
    expect(problems({ ...track, duration_ms: '5', bot_verified: 1, properties: [], timestamp: 'yesterday' })).toBe(
      'duration_ms: expected a finite number, got a string of 1 characters; bot_verified: expected true or false, got 1; ' +
        'properties: expected an object, got an array; timestamp: expected RFC 3339 or Unix ms, got a string of 9 characters',
    )
  })

  it('in strict mode refuses unknown keys, also __proto__ (X3-07)', () => {
    expect(problems({ ...track, nonsense: 1 }, 'strict')).toBe('nonsense: unknown column')
    expect(
      problems(JSON.parse(`{"id":"e","event_type":"track","event_name":"x","ns":"n","__proto__":{}}`), 'strict'),
    ).toBe('__proto__: unknown column')
    expect(problems(track, 'strict')).toBe('')
  })

  it('in lazy mode checks the four core columns only, and extra keys pass (X3-07)', () => {
    const loose = { ...track, event_type: 'trace', duration_ms: 'x', nonsense: 1 }
    expect(validateEvent(loose, 'lazy')).toEqual({ success: true, event: loose })
    expect(problems({ id: 'e' }, 'lazy')).toBe(
      'event_type: expected a string, got nothing; event_name: expected a string, got nothing; ns: expected a string, got nothing',
    )
  })

  it.each([
    ['trace', 'trace_id: required for trace events; span_id: required for trace events'],
    ['metric', 'metric_name: required for metric events; metric_type: required for metric events'],
    ['log', 'log_level: required for log events; log_message: required for log events'],
    [
      'cdc',
      'db_operation: required for cdc events; db_table: required for cdc events; db_system: required for cdc events',
    ],
    ['track', ''],
    ['page', 'http_url: required for page events'],
    ['vital', 'vital_name: required for vital events; vital_value: required for vital events'],
    ['replay', 'session_id: required for replay events; replay_type: required for replay events'],
    ['tail', 'service_name: required for tail events'],
    ['snippet', 'snippet_request_id: required for snippet events'],
  ])('asks a %s for what it needs (X3-06, X3-07)', (event_type, expected) => {
    expect(problems({ ...track, event_type })).toBe(expected)
  })

  it('takes 0 for a required number (G3-7)', () => {
    expect(problems({ ...track, event_type: 'vital', vital_name: 'CLS', vital_value: 0 })).toBe('')
  })

  it('refuses empty core strings, and types that do not exist, in every mode (X3-04, X3-08)', () => {
    for (const mode of ['full', 'strict', 'lazy'] as const) {
      expect(problems({ ...track, id: '', ns: '' }, mode)).toBe('id: must not be empty; ns: must not be empty')
      expect(problems({ ...track, event_type: 'identify' }, mode)).toMatch(
        /^event_type: expected one of trace, metric, log/,
      )
    }
    expect(problems('text')).toBe('expected an object, got a string of 4 characters')
  })

  it('judges a batch event by event, full and lazy (X3-08)', () => {
    const batch = [track, { ...track, id: 5 }, { ...track, duration_ms: true }, null]
    const full = validateEvents(batch)
    expect(full.valid).toEqual([track])
    expect(full.errors.map((each) => each.index)).toEqual([1, 2, 3])
    const lazy = validateEvents(batch, 'lazy')
    expect(lazy.valid).toHaveLength(2)
    expect(lazy.errors.map((each) => [each.index, formatValidationError(each.error)])).toEqual([
      [1, 'id: expected a string, got 5'],
      [3, 'expected an object, got null'],
    ])
  })

  it('formats issues in a line and names each wrong field once (X3-08)', () => {
    const error = {
      issues: [
        { path: 'id', message: 'must not be empty' },
        { path: 'ns', message: 'expected a string, got 5' },
        { path: 'id', message: 'again' },
      ],
    }
    expect(formatValidationError(error)).toBe('id: must not be empty; ns: expected a string, got 5; id: again')
    expect(getInvalidFields(error)).toEqual(['id', 'ns'])
  })

  it('takes 64-bit integers in each exact form, and refuses larger ones', () => {
    const nanos = (timestamp_ns: unknown) => problems({ ...track, timestamp_ns })
    expect([1, -5n, 9223372036854775807n, '9223372036854775807'].map(nanos)).toEqual(['', '', '', ''])
    expect(
      [2n ** 63n, '9223372036854775808', 1.5, 2 ** 60, 'x']
        .map(nanos)
        .every((problem) => problem.startsWith('timestamp_ns: expected')),
    ).toBe(true)
  })

  it('ends without an exception and without text of the event, whatever comes', () => {
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom('full', 'strict', 'lazy'), (input, mode) => {
        const { valid, errors } = validateEvents([input, { ...track, properties: input, http_url: input }], mode)
        expect(valid.length + errors.length).toBe(2)
      }),
    )
    expect(problems({ ...track, duration_ms: 'secret', id: { name: 'secret' } })).not.toContain('secret')
  })
})
