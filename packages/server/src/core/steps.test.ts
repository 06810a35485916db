import { expect, it } from 'vitest'
import { steps, stepsOf } from './steps.ts'

it('shows a loaded event as passed by every step, with a note where one changed something', () => {
  const way = stepsOf('stored', '', [], { clock: 'the device was 90 s behind' }, true)
  expect(way.map(({ step }) => step)).toEqual(steps)
  expect(way.every(({ verdict }) => verdict === 'pass')).toBe(true)
  expect(way.filter(({ note }) => note !== null)).toEqual([
    { step: 'clock', verdict: 'pass', note: 'the device was 90 s behind' },
  ])
})

it('shows a durable event that is not in the tables yet as waiting for load', () => {
  expect(stepsOf('stored', '', [], {}, false).at(-1)).toEqual({
    step: 'load',
    verdict: 'waiting',
    note: 'in the log, not in the tables yet',
  })
})

it('ends the way of a duplicate at dedup', () => {
  const way = stepsOf('duplicate', '', [], {}, true)
  expect(way.at(-1)).toMatchObject({ step: 'dedup', verdict: 'duplicate' })
  expect(way.some(({ step }) => step === 'append')).toBe(false)
})

it.each([
  ['quarantined', 'schema', ['/url: expected text'], 'validate', 'quarantine'],
  ['quarantined', 'schema', ['/timestamp: 40 days old, at most 30'], 'clock', 'quarantine'],
  ['quarantined', 'schema', ['/timestamp: 2 h ahead, at most 1 h'], 'clock', 'quarantine'],
  ['quarantined', 'schema', ['/timestamp: expected a time'], 'validate', 'quarantine'],
  ['quarantined', 'too_large', [], 'limit', 'quarantine'],
  ['quarantined', 'id', [], 'identify', 'quarantine'],
  ['quarantined', 'decode', [], 'decode', 'quarantine'],
  ['quarantined', 'load_failed', [], 'load', 'failed'],
  ['dropped', 'expired', [], 'derive', 'drop'],
  ['quarantined', 'a reason of tomorrow', [], 'validate', 'quarantine'],
] as const)('ends the way of an event %s for %s %j at %s', (outcome, reason, issues, step, verdict) => {
  expect(stepsOf(outcome, reason, issues, {}, true).at(-1)).toEqual({ step, verdict, note: reason })
})
