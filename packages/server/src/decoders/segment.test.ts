import { describe, expect, it } from 'vitest'
import { decodeSegment } from './segment.ts'

const decode = (message: object) =>
  decodeSegment(Buffer.from(JSON.stringify({ batch: [message] })), {
    headers: {},
    kind: 'batch',
    contentType: 'application/json',
  }).events[0]!

describe('a Segment message of no known type', () => {
  const all = {
    messageId: 'm-1',
    userId: 'u-1',
    anonymousId: 'a-1',
    timestamp: '2026-01-01T00:00:00.000Z',
    context: { page: { url: 'https://shop.example/' } },
    properties: { zero: 0 },
    event: 'Kept',
  }
  const columns = {
    id: 'm-1',
    actor_id: 'u-1',
    anonymous_id: 'a-1',
    timestamp: Date.UTC(2026, 0, 1),
    http_url: 'https://shop.example/',
    properties: { zero: 0 },
    data: { event: 'Kept' },
  }

  it('is an issue under its own id, time and people', () => {
    expect(decode({ ...all, type: 'tarck' })).toMatchObject({
      columns,
      issues: ['/type: expected track, identify, page, screen, group, alias, got string(5)'],
    })
    expect(decode(all)).toMatchObject({ columns, issues: ['/type: required'] })
    expect(decode({ ...all, type: 7 }).columns.id).toBe('m-1')
  })

  it('has no id when that is bad too', () => {
    const event = decode({ ...all, type: null, messageId: {} })
    expect(event.columns.id).toBeUndefined()
    expect(event.issues).toEqual([
      '/messageId: expected string, got object',
      '/type: expected track, identify, page, screen, group, alias, got null',
    ])
  })
})
