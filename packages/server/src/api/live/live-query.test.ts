import { expect, it } from 'vitest'
import { mayChange } from './live-query.ts'

it.each([
  ['select count() from events', 'track.Signed_Up', true],
  ["select count() from events where event_type = 'track'", 'track.Signed_Up', true],
  ["select count() from events where event_type = 'page'", 'track.Signed_Up', false],
  ["select count() from events where event_type in ('page', 'track')", 'track.x', true],
  ["select count() from events where event_name = 'Signed Up'", 'track.Signed_Up', true],
  ["select '{topic:track.Signed_Up}' as topic, count() from events", 'track.Signed_Up', true],
  ["select '{topic:track.Signed_Up}' as topic, count() from events", 'track.Other', false],
])('%s may change with an event of %s: %s', (sql, topic, expected) => expect(mayChange(sql, topic)).toBe(expected))
