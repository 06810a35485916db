import { describe, expect, expectTypeOf, it } from 'vitest'
import { columnGroups } from './columns/registry.ts'
import {
  isCdcEvent,
  isLogEvent,
  isMetricEvent,
  isPageEvent,
  isReplayEvent,
  isSnippetEvent,
  isTailEvent,
  isTraceEvent,
  isTrackEvent,
  isVitalEvent,
} from './event-guards.ts'
import { type EventType, eventTypes, isEventType, primaryGroups, requiredColumns } from './event-type.ts'
import {
  type AnyEvent,
  createUnifiedEvent,
  toEventColumns,
  type UnifiedEvent,
  unifiedColumns,
} from './unified-event.ts'

const core = (event_type: EventType) => ({ id: 'e1', event_type, event_name: 'x.y', ns: 'shop' })

/** An event of each type with exactly what the type requires. */
const sound: Readonly<Record<EventType, UnifiedEvent>> = {
  trace: createUnifiedEvent({ ...core('trace'), trace_id: 't', span_id: 's' }),
  metric: createUnifiedEvent({ ...core('metric'), metric_name: 'm' }),
  log: createUnifiedEvent({ ...core('log'), log_level: 'info' }),
  cdc: createUnifiedEvent({ ...core('cdc'), db_operation: 'insert', db_table: 't' }),
  track: createUnifiedEvent(core('track')),
  page: createUnifiedEvent({ ...core('page'), http_url: 'https://a.example/' }),
  vital: createUnifiedEvent({ ...core('vital'), vital_name: 'CLS', vital_value: 0 }),
  replay: createUnifiedEvent({ ...core('replay'), session_id: 's', replay_type: 'full' }),
  tail: createUnifiedEvent({ ...core('tail'), service_name: 'w' }),
  snippet: createUnifiedEvent({ ...core('snippet'), snippet_request_id: 'r' }),
}

const guards: Readonly<Record<EventType, (event: UnifiedEvent) => boolean>> = {
  trace: isTraceEvent,
  metric: isMetricEvent,
  log: isLogEvent,
  cdc: isCdcEvent,
  track: isTrackEvent,
  page: isPageEvent,
  vital: isVitalEvent,
  replay: isReplayEvent,
  tail: isTailEvent,
  snippet: isSnippetEvent,
}

describe('event types', () => {
  it('are ten, without identify (X3-04)', () => {
    expect(eventTypes).toEqual(['trace', 'metric', 'log', 'cdc', 'track', 'page', 'vital', 'replay', 'tail', 'snippet'])
    expect([...eventTypes].every(isEventType)).toBe(true)
    expect(['identify', '', 'toString', null, 5].some(isEventType)).toBe(false)
  })

  it('have primary groups that exist, CoreIdentity first (X3-09)', () => {
    const known = columnGroups.map((group): string => group.name)
    for (const type of eventTypes) {
      expect(primaryGroups[type][0]).toBe('CoreIdentity')
      for (const group of primaryGroups[type]) expect(known).toContain(group)
    }
    expect(primaryGroups.trace).toEqual(['CoreIdentity', 'CausalityChain', 'Timing', 'HttpContext', 'ServiceInfra'])
    expect(primaryGroups.vital).toEqual(['CoreIdentity', 'WebVitals', 'ClientDevice'])
    expect(primaryGroups.cdc).toEqual(['CoreIdentity', 'Timing', 'DatabaseCdc', 'Resource'])
  })
})

describe('createUnifiedEvent', () => {
  it('fills every missing one of the 175 columns with null, and keeps 0 and false (X3-05)', () => {
    const event = createUnifiedEvent({ ...core('track'), duration_ms: 0, bot_verified: false, properties: { a: 1 } })
    expect(Object.keys(event)).toEqual(unifiedColumns)
    expect(unifiedColumns).toHaveLength(175)
    expect(Object.values(event).filter((value) => value === null)).toHaveLength(175 - 7)
    expect(event).toMatchObject({ ...core('track'), duration_ms: 0, bot_verified: false, properties: { a: 1 } })
  })

  it('refuses a missing or empty core column, and an unknown type (X3-05, X3-08)', () => {
    expect(() => createUnifiedEvent({ ...core('track'), id: '' })).toThrow('id must be a non-empty string')
    expect(() => createUnifiedEvent({ ...core('track'), event_type: 'identify' as 'track' })).toThrow(
      'event_type must be one of',
    )
  })

  it('becomes the sparse event of the pipeline', () => {
    expect(toEventColumns(sound.vital)).toEqual({ ...core('vital'), vital_name: 'CLS', vital_value: 0 })
  })
})

describe('the ten guards', () => {
  it.each(eventTypes)('know a %s event from all others (X3-06)', (type) => {
    for (const other of eventTypes) expect(guards[other](sound[type])).toBe(other === type)
  })

  it.each(eventTypes)('refuse a %s event without a column that it requires (X3-06)', (type) => {
    for (const name of requiredColumns[type]) {
      expect(guards[type]({ ...sound[type], [name]: null })).toBe(false)
    }
  })

  it('narrow, and the union is told apart by event_type (X3-06)', () => {
    const event = sound.vital
    if (isVitalEvent(event)) expectTypeOf(event.vital_value).toEqualTypeOf<number>()
    const read = (any: AnyEvent): string =>
      any.event_type === 'trace' ? any.span_id : any.event_type === 'page' ? any.http_url : ''
    expect(read(sound.page as AnyEvent)).toBe('https://a.example/')
    expectTypeOf<Extract<AnyEvent, { event_type: 'track' }>['actor_id']>().toEqualTypeOf<string | null>()
  })
})
