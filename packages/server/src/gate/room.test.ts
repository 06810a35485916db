import { type EventColumns, encodeEventsRecord, encodeDeadLetter, encodeOutcomesRecord } from '@millrace/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../core/clock.ts'
import type { Position } from '../log/log.ts'
import { goodEvent, openGateUnderTest, rawBatch, testDeps, testNow } from '../testing/gate-under-test.ts'
import { type MemoryLog, memoryLog } from '../testing/memory-log.ts'
import { createAdmission } from './admission.ts'
import { trimLog } from './trim-log.ts'

const hour = 3_600_000
const never = new AbortController().signal

function record(at: number, event: EventColumns = goodEvent('a')): Uint8Array {
  const envelope = { project: 'p', batchId: 'b', source: 's', ingestedAt: at, schemaVersion: 1, planVersion: 0 }
  return encodeEventsRecord(envelope, [event])
}

async function fill(log: MemoryLog, ages: readonly number[]): Promise<void> {
  for (const age of ages)
    await log.append([{ topic: 'events', partition: 0, value: record(testNow - age * hour) }], {}, never)
}

async function load(log: MemoryLog, offset: number): Promise<void> {
  const membership = await log.join('load', ['events', 'outcomes'], async () => {}, never)
  await log.commit(membership, [{ topic: 'events', partition: 0, offset }])
  await membership.leave()
}

const trim = (log: MemoryLog, sealed: readonly Position[], retention = { hours: 10, bytes: 1e9 }) =>
  trimLog({ log, dedup: { sealedBefore: () => sealed }, retention, now: testNow, signal: never })

const eventsAt = (offset: number): Position => ({ topic: 'events', partition: 0, offset })
const firstOf = async (log: MemoryLog) => (await log.bounds('events'))[0]?.first

describe('trim', () => {
  it('forgets what is too old, and only that', async () => {
    const log = memoryLog()
    await fill(log, [30, 20, 11, 9, 5, 1])
    await load(log, 6)
    expect(await trim(log, [eventsAt(6)])).toBe(3)
    expect(await firstOf(log)).toBe(3)
    expect(await trim(log, [eventsAt(6)])).toBe(0)
  })

  it('forgets the oldest of a log that grows full', async () => {
    const log = memoryLog()
    await fill(
      log,
      Array.from({ length: 100 }, () => 1),
    )
    await load(log, 100)
    const bytes = await log.bytes()
    await trim(log, [eventsAt(100)], { hours: 10, bytes })
    expect(await log.bytes()).toBeLessThanOrEqual(bytes * 0.81)
    expect(await log.bytes()).toBeGreaterThan(bytes * 0.75)
  })

  it('never goes beyond what is loaded or what the dedup index needs, however old or full', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 30 }),
        fc.nat(30),
        fc.nat(30),
        fc.integer({ min: 1, max: 3000 }),
        async (ages, loaded, sealed, bytes) => {
          const log = memoryLog()
          const sortedAges = ages.toSorted((a, b) => b - a)
          await fill(log, sortedAges)
          await load(log, Math.min(loaded, ages.length))
          await trim(log, [eventsAt(sealed)], { hours: 10, bytes })
          const first = (await firstOf(log)) ?? 0
          expect(first).toBeLessThanOrEqual(Math.min(loaded, sealed))
          const old = sortedAges.filter((age) => age > 10).length
          expect(first).toBeGreaterThanOrEqual(Math.min(loaded, sealed, old))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('touches nothing while nobody has loaded or sealed', async () => {
    const log = memoryLog()
    await fill(log, [100, 100])
    expect(await trim(log, [eventsAt(2)])).toBe(0)
    await load(log, 2)
    expect(await trim(log, [])).toBe(0)
  })

  it('trims outcomes by the minute that they count', async () => {
    const log = memoryLog()
    for (const age of [20, 1]) {
      const count = {
        project: 'p',
        minute: testNow - age * hour,
        source: 's',
        outcome: 'stored',
        reason: '',
        events: 1,
      } as const
      await log.append(
        [{ topic: 'outcomes', partition: 0, value: encodeOutcomesRecord({ rows: [], counts: [count] }) }],
        {},
        never,
      )
    }
    const membership = await log.join('load', ['outcomes'], async () => {}, never)
    await log.commit(membership, [{ topic: 'outcomes', partition: 0, offset: 2 }])
    expect(await trim(log, [])).toBe(1)
  })

  it('is not kept from trimming by a record that cannot be read', async () => {
    const log = memoryLog()
    await fill(log, [30, 25])
    await log.append([{ topic: 'events', partition: 0, value: new Uint8Array(20) }], {}, never)
    await fill(log, [24, 23, 1])
    await load(log, 6)
    for (let look = 0; look < 6; look++) await trim(log, [eventsAt(6)])
    expect(await firstOf(log)).toBe(5)
  })

  describe('dead letters', () => {
    const letters = async (log: MemoryLog, ages: readonly number[]) => {
      for (const age of ages) {
        const value = encodeDeadLetter({
          topic: 'events',
          partition: 0,
          offset: 0,
          job: 'load',
          failedAt: testNow - age * hour,
          attempts: 5,
          error: 'malformed',
          value: new Uint8Array(1000),
        })
        await log.append([{ topic: 'deadletters', partition: 0, value }], {}, never)
      }
    }
    const loadAll = async (log: MemoryLog) => {
      const topics = ['events', 'deadletters'] as const
      const membership = await log.join('load', topics, async () => {}, never)
      const ends = await Promise.all(
        topics.map(async (topic) => ({ topic, end: (await log.bounds(topic))[0]?.next ?? 0 })),
      )
      const positions = ends.map(({ topic, end }) => ({ topic, partition: 0, offset: end }))
      await log.commit(membership, positions)
    }
    const firstLetter = async (log: MemoryLog) => (await log.bounds('deadletters'))[0]?.first

    it('wait for a person longer than the log keeps events, but not for ever', async () => {
      const log = memoryLog()
      await letters(log, [31 * 24, 29 * 24, 1])
      expect(await trim(log, [])).toBe(0) // not loaded: not told to anybody yet
      await loadAll(log)
      expect(await trim(log, [])).toBe(1)
      expect(await firstLetter(log)).toBe(1)
    })

    it('make room only when nothing else can', async () => {
      const log = memoryLog()
      await letters(log, [3, 2, 1])
      await fill(
        log,
        Array.from({ length: 100 }, () => 1),
      )
      await loadAll(log)
      const bytes = await log.bytes()
      await trim(log, [eventsAt(100)], { hours: 10, bytes })
      expect(await firstLetter(log)).toBe(0)
      expect(await firstOf(log)).toBeGreaterThan(0)
      await trim(log, [eventsAt(100)], { hours: 0, bytes: 1e9 })
      expect(await firstOf(log)).toBe(100)
      await trim(log, [eventsAt(100)], { hours: 10, bytes: 100 })
      expect(await firstLetter(log)).toBe(3)
    })
  })
})

/** A clock whose sleepers wake when the test says so. */
function steppedClock(): Clock & { step(): Promise<void> } {
  let sleepers: (() => void)[] = []
  return {
    now: () => testNow,
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        sleepers.push(resolve)
      }),
    async step() {
      const waking = sleepers
      sleepers = []
      for (const wake of waking) wake()
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('admission', () => {
  async function open(log: MemoryLog, retentionBytes: number, room: { free: number }) {
    const clock = steppedClock()
    const deps = testDeps(clock)
    const admission = createAdmission({
      log,
      dataDir: '/data',
      minFreeBytes: 100,
      retentionBytes,
      freeBytes: async () => room.free,
      deps,
    })
    await admission.start(never)
    return { admission, clock, deps }
  }

  it('refuses while the disk is nearly full, and takes events again', async () => {
    const room = { free: 1000 }
    const { admission, clock, deps } = await open(memoryLog(), 1e9, room)
    admission.check()
    room.free = 99
    await clock.step()
    expect(() => admission.check()).toThrow(expect.objectContaining({ code: 'unavailable', retryAfterSeconds: 10 }))
    expect(() => admission.check()).toThrow(/99 bytes free .*log\.minFreeBytes is 100/)
    expect(await deps.metrics.metrics()).toContain('millrace_admission_refusing 1')
    room.free = 100
    await clock.step()
    admission.check()
    await admission.stop()
  })

  it('refuses while the log is full of what is not loaded', async () => {
    const log = memoryLog()
    await fill(log, [1, 1, 1])
    const { admission, clock } = await open(log, 10, { free: 1000 })
    expect(() => admission.check()).toThrow(expect.objectContaining({ code: 'unavailable' }))
    await load(log, 2)
    await clock.step()
    expect(() => admission.check()).toThrow(/not all loaded/)
    await load(log, 3)
    await clock.step()
    admission.check()
    await admission.stop()
  })

  it.each(['quarantine', 'outcomes', 'deadletters'] as const)(
    'refuses while the log is full of %s alone',
    async (topic) => {
      const log = memoryLog()
      const value = new Uint8Array(100)
      await log.append([{ topic, partition: 0, value }], {}, never)
      const { admission, clock } = await open(log, 10, { free: 1000 })
      expect(() => admission.check()).toThrow(/not all loaded/)
      const membership = await log.join('load', [topic], async () => {}, never)
      await log.commit(membership, [{ topic, partition: 0, offset: 1 }])
      await clock.step()
      admission.check()
      await admission.stop()
    },
  )

  it('is asked before anything of a request is stored', async () => {
    const test = await openGateUnderTest({ config: { minFreeBytes: 2, freeBytes: async () => 1 } })
    await expect(test.accept(rawBatch([goodEvent('a')]))).rejects.toMatchObject({ code: 'unavailable' })
    expect(test.events()).toEqual([])
    await test.gate.stop()
  })
})
