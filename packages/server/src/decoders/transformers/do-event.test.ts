import { describe, expect, it } from 'vitest'
import { type DoAction, doAction, transformDoAction } from './do-action.ts'
import { doEvent, transformDoEvent, transformDoEvents } from './do-event.ts'
import { TransformError } from './transformer.ts'

describe('transformDoEvent', () => {
  const event = {
    id: 'evt-123',
    verb: 'signup',
    source: 'Customer/cust-1',
    sourceType: 'Customer',
    data: { email: 'alice@example.com' },
    actionId: 'action-456',
    createdAt: new Date('2024-06-15T10:30:00Z'),
  }

  it('maps the event to its columns, under the namespace without its slash', () => {
    const copy = structuredClone(event)
    expect(transformDoEvent(event, 'https://startups.studio/')).toEqual({
      event_type: 'track',
      event_source: 'do_event',
      event_name: 'signup',
      action_verb: 'signup',
      id: 'do_event_evt-123',
      span_id: 'evt-123',
      trace_id: 'action-456',
      ns: 'https://startups.studio',
      resource_id: 'https://startups.studio/Customer/cust-1',
      resource_type: 'Customer',
      timestamp: Date.parse('2024-06-15T10:30:00Z'),
      data: { email: 'alice@example.com' },
    })
    expect(event).toEqual(copy)
  })

  it('prefers when it happened to when it was written down', () => {
    const timestamp = '2024-06-15T09:00:00Z'
    expect(transformDoEvent({ ...event, timestamp }, 'ns').timestamp).toBe(Date.parse(timestamp))
  })

  it('takes several', () => {
    expect(transformDoEvents([event, { ...event, verb: 'paid' }], 'ns').map((one) => one.event_name)).toEqual([
      'signup',
      'paid',
    ])
  })

  it('refuses an event without a verb', () => {
    expect(() => transformDoEvent({ id: 'e', source: 's' }, 'ns')).toThrow('/verb: required')
  })
})

describe('transformDoAction', () => {
  const action: DoAction = {
    id: 'act_123',
    verb: 'create',
    actor: 'Human/nathan',
    target: 'Customer/cust_456',
    durability: 'do',
    status: 'completed',
    inputVersion: 0,
    startedAt: new Date('2024-01-15T10:00:00Z'),
    completedAt: new Date('2024-01-15T10:00:01Z'),
  }

  it('maps an action that completed to a span', () => {
    expect(transformDoAction(action, 'tenant')).toEqual({
      event_type: 'trace',
      event_source: 'do_action',
      event_name: 'action.create',
      action_verb: 'create',
      id: 'act_123',
      span_id: 'act_123',
      trace_id: 'act_123',
      ns: 'tenant',
      outcome: 'success',
      actor_id: 'Human/nathan',
      action_target: 'Customer/cust_456',
      action_durability: 'do',
      action_input_version: 0,
      resource_id: 'Customer/cust_456',
      resource_type: 'Customer',
      started_at: Date.parse('2024-01-15T10:00:00Z'),
      ended_at: Date.parse('2024-01-15T10:00:01Z'),
      timestamp: Date.parse('2024-01-15T10:00:00Z'),
      duration_ms: 1000,
    })
  })

  it('writes an error object as JSON, and keeps a duration of 0', () => {
    const { startedAt: _, ...rest } = action
    expect(transformDoAction({ ...rest, status: 'failed', error: { code: 'E1' }, durationMs: 0 }, 'ns')).toMatchObject({
      outcome: 'error',
      error_message: '{"code":"E1"}',
      error_type: 'E1',
      duration_ms: 0,
    })
  })

  it.each(['pending', 'in_progress', 'canceled', ''])('refuses the status "%s": the action is not over', (status) => {
    expect(() => transformDoAction({ ...action, status }, 'ns')).toThrow(TransformError)
  })
})

it('say of themselves which events come out', () => {
  expect([doEvent.name, doEvent.eventType]).toEqual(['do-event', 'track'])
  expect([doAction.name, doAction.eventType]).toEqual(['do-action', 'trace'])
})
