import type { EventColumns } from '@millrace/protocol'
import { describe, expect, it } from 'vitest'
import { partitionKey, partitionOf } from './partition.ts'

describe('partition', () => {
  it('keeps a trace together, else a person, else a session', () => {
    const event: EventColumns = {
      id: 'i',
      event_type: 'trace',
      trace_id: 't',
      actor_id: 'a',
      anonymous_id: 'n',
      session_id: 's',
    }
    expect(partitionKey(event)).toBe('t')
    expect(partitionKey({ ...event, event_type: 'log' })).toBe('t')
    expect(partitionKey({ ...event, event_type: 'metric' })).toBe('t')
    expect(partitionKey({ ...event, event_type: 'track' })).toBe('a')
    expect(partitionKey({ ...event, trace_id: '' })).toBe('a')
    expect(partitionKey({ id: 'i', event_type: 'page', anonymous_id: 'n', session_id: 's' })).toBe('n')
    expect(partitionKey({ id: 'i', event_type: 'page', actor_id: '', session_id: 's' })).toBe('s')
    expect(partitionKey({ id: 'i', event_type: 'page' })).toBe('i')
  })

  it('is the same for ever: the order of events on their way depends on it', () => {
    const of = (id: string) => partitionOf({ id, event_type: 'page' }, 8)
    expect(['a', 'user-1', 'user-2', 'usr_1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed', 'ü€😀'].map(of)).toEqual([
      7, 7, 7, 5, 3,
    ])
  })

  it('spreads keys evenly, also short ones that count up', () => {
    for (const partitions of [2, 7, 8, 200]) {
      const counts = Array.from({ length: partitions }, () => 0)
      for (let i = 0; i < partitions * 1000; i++) {
        const partition = partitionOf({ id: `u${i}`, event_type: 'page' }, partitions)
        counts[partition] = (counts[partition] ?? 0) + 1
      }
      expect(Math.min(...counts)).toBeGreaterThan(800)
      expect(Math.max(...counts)).toBeLessThan(1200)
    }
  })
})
