import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DemoEvent, demoSession, seeded } from './demo-story.ts'

function story(seed: number, sessions: number, badShare = 0): DemoEvent[][] {
  const random = seeded(seed)
  return Array.from({ length: sessions }, (_, session) => demoSession(random, 'demo', session, badShare))
}

const count = (sessions: readonly DemoEvent[][], event: string) =>
  sessions.filter((events) => events.some((each) => each.event === event)).length

describe('the story of the demo', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(story(42, 200, 0.1)).toEqual(story(42, 200, 0.1))
    expect(story(42, 20)).not.toEqual(story(43, 20))
  })

  it('has an id of its own for every event', () => {
    const ids = story(7, 2000).flatMap((events) => events.map(({ messageId }) => messageId))
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('tells a funnel that drops at every step', () => {
    const sessions = story(1, 4000)
    const steps = [
      sessions.length,
      ...['Signed Up', 'Activated', 'Purchase Completed'].map((event) => count(sessions, event)),
    ]
    const shares = steps.slice(1).map((step, at) => step / steps[at]!)
    expect(shares[0]).toBeCloseTo(0.35, 1)
    expect(shares[1]).toBeCloseTo(0.6, 1)
    expect(shares[2]).toBeCloseTo(0.3, 1)
  })

  it('has a bad release only where one is out, with its own version', () => {
    expect(
      story(1, 500)
        .flat()
        .some(({ isBadRelease }) => isBadRelease),
    ).toBe(false)
    const events = story(1, 2000, 0.2).flat()
    const versions = new Set(
      events.map(({ isBadRelease, context }) => `${isBadRelease} ${(context['app'] as { version: string }).version}`),
    )
    expect(versions).toEqual(new Set(['true 2.4.0', 'false 2.3.1']))
    const share = events.filter(({ isBadRelease }) => isBadRelease).length / events.length
    expect(share).toBeGreaterThan(0.15)
    expect(share).toBeLessThan(0.25)
  })

  it('sends some messages twice', () => {
    const events = story(3, 3000).flat()
    const share = events.filter(({ isRetried }) => isRetried).length / events.length
    expect(share).toBeGreaterThan(0.01)
    expect(share).toBeLessThan(0.03)
  })

  it('goes forward in time, names the person only once known, and fits into its day', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        for (const events of story(seed, 20)) {
          const times = events.map(({ afterMs }) => afterMs)
          expect(times).toEqual(times.toSorted((a, b) => a - b))
          expect(times.at(-1)!).toBeLessThan(3_600_000)
          const known = events.findIndex(({ userId }) => userId !== undefined)
          expect(events.every(({ userId }, at) => (userId !== undefined) === (known >= 0 && at >= known))).toBe(true)
          expect(new Set(events.map(({ anonymousId }) => anonymousId)).size).toBe(1)
        }
      }),
      { numRuns: 50 },
    )
  })
})

it('draws numbers from 0 up to 1, evenly', () => {
  const random = seeded(5)
  const drawn = Array.from({ length: 10_000 }, random)
  expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true)
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length
  expect(mean).toBeCloseTo(0.5, 1)
})
