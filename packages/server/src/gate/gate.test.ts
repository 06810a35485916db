import { decodeEventsRecord, type EventColumns } from '@millrace/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RawBatch } from '../core/batch.ts'
import type { Receipt } from '../core/outcome.ts'
import { goodEvent, openGateUnderTest, rawBatch, testNow } from '../testing/gate-under-test.ts'
import type { AppendFate } from '../testing/memory-log.ts'

type Kind = 'good' | 'no-name' | 'wrong-type' | 'undecoded' | 'expired' | 'old' | 'ahead' | 'no-id' | 'deep'

const kind = fc.constantFrom<Kind>(
  'good',
  'good',
  'good',
  'no-name',
  'wrong-type',
  'undecoded',
  'expired',
  'old',
  'ahead',
  'no-id',
  'deep',
)
const entry = fc.record({ kind, id: fc.integer({ min: 0, max: 12 }) })
const batches = fc.array(fc.array(entry, { maxLength: 12 }), { maxLength: 8 })

function nested(levels: number): Record<string, unknown> {
  let value: Record<string, unknown> = { leaf: 1 }
  for (let i = 0; i < levels; i++) value = { a: value }
  return value
}

function columnsOf(kind: Kind, id: string): EventColumns {
  switch (kind) {
    case 'no-name':
      return { ...goodEvent(id), event_name: '' }
    case 'wrong-type':
      return { ...goodEvent(id), duration_ms: 'long' as unknown as number }
    case 'expired':
      return goodEvent(id, { event_type: 'log', log_level: 'error', timestamp: testNow - 30 * 86_400_000 })
    case 'old':
      return goodEvent(id, { timestamp: testNow - 31 * 86_400_000 })
    case 'ahead':
      return goodEvent(id, { timestamp: testNow + 3_700_000 })
    case 'no-id':
      return { ...goodEvent(id), id: undefined, properties: { number: id } }
    case 'deep':
      return goodEvent(id, { properties: nested(50) })
    case 'good':
    case 'undecoded':
      return goodEvent(id)
    default:
      return kind satisfies never
  }
}

function batchOf(entries: readonly { kind: Kind; id: number }[], more: Partial<RawBatch> = {}): RawBatch {
  const batch = rawBatch(
    entries.map(({ kind, id }) => columnsOf(kind, `e${id}`)),
    more,
  )
  return {
    ...batch,
    events: batch.events.map((event, i) =>
      entries[i]?.kind === 'undecoded' ? { ...event, issues: ['/properties: must be an object'] } : event,
    ),
  }
}

function outcomesOf(receipts: readonly Receipt[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome } of receipts) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

function sorted(all: readonly { readonly id?: string | undefined }[]): string[] {
  return all.map(({ id }) => id ?? '').toSorted((a, b) => a.localeCompare(b))
}

describe('gate', () => {
  it('gives every event one receipt, one outcome in the log and one place in the counts', async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 4 }), fc.boolean(), async (plan, partitions, named) => {
        const test = await openGateUnderTest({ partitions })
        const sent = plan.map((entries, i) => batchOf(entries, named ? { batchId: `b${i}` } : {}))
        const answers = await Promise.all(sent.map((batch) => test.accept(batch)))
        await test.gate.stop()

        const receipts = answers.flat()
        expect(answers.map((answer) => answer.length)).toEqual(plan.map((entries) => entries.length))
        answers.forEach((answer) => expect(answer.map(({ index }) => index)).toEqual(answer.map((_, i) => i)))

        const told = outcomesOf(receipts)
        const counted: Record<string, number> = {}
        for (const { outcome, events } of test.counts()) counted[outcome] = (counted[outcome] ?? 0) + events
        expect(counted).toEqual(told)
        const rows = test.rows().reduce((sum, row) => sum + row.count, 0)
        expect(rows).toBe(receipts.length - (told['stored'] ?? 0))

        const stored = receipts.filter(({ outcome }) => outcome === 'stored').map(({ id }) => id)
        expect(new Set(stored).size).toBe(stored.length)
        expect(sorted(test.events())).toEqual(sorted(receipts.filter(({ outcome }) => outcome === 'stored')))
        expect(sorted(test.quarantined())).toEqual(sorted(receipts.filter(({ outcome }) => outcome === 'quarantined')))
        expect(test.dedup.openClaims()).toBe(0)
        // What a duplicate repeats is stored.
        for (const { id, outcome } of receipts) if (outcome === 'duplicate') expect(stored).toContain(id)
      }),
      { numRuns: 150 },
    )
  })

  it('keeps the fingerprint of each event beside its record, in order', async () => {
    const test = await openGateUnderTest({ partitions: 3 })
    await Promise.all([
      test.accept(
        rawBatch(
          Array.from({ length: 50 }, (_, i) => goodEvent(`a${i}`)),
          { batchId: 'b' },
        ),
      ),
      test.accept(rawBatch(Array.from({ length: 5 }, (_, i) => goodEvent(`b${i}`)))),
      test.accept(rawBatch([goodEvent('a3'), goodEvent('c')])),
    ])
    let seen = 0
    for (const record of test.log.all('events')) {
      const { events } = decodeEventsRecord(record.value)
      expect(record.fingerprints?.length).toBe(events.length * 16)
      events.forEach((event, i) => {
        const wanted = new Uint8Array(16)
        test.dedup.fingerprint('shop', event.id as string, wanted, 0)
        expect(Buffer.from(record.fingerprints?.subarray(i * 16, i * 16 + 16) as Uint8Array)).toEqual(
          Buffer.from(wanted),
        )
        seen++
      })
    }
    expect(seen).toBe(56)
    await test.gate.stop()
  })

  it('confirms claims in the order of their records', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.boolean(), fc.constantFrom('a', 'b')), {
          minLength: 1,
          maxLength: 12,
        }),
        async (plan) => {
          const test = await openGateUnderTest({ partitions: 2 })
          let next = 0
          await Promise.all(
            plan.map(([count, named, project], i) =>
              test.accept(
                rawBatch(
                  Array.from({ length: count }, () => goodEvent(`e${next++}`)),
                  { project, ...(named ? { batchId: `b${i}` } : {}) },
                ),
              ),
            ),
          )
          const last = new Map<number, number>()
          for (const positions of test.dedup.confirms)
            for (const { topic, partition, offset } of positions) {
              expect(topic).toBe('events')
              expect(offset).toBeGreaterThanOrEqual(last.get(partition) ?? 0)
              last.set(partition, offset)
            }
          await test.gate.stop()
        },
      ),
      { numRuns: 50 },
    )
  })

  it('stores each id once however many requests bring it at the same time, whichever appends fail', async () => {
    const fates = fc.array(fc.constantFrom<AppendFate>('store', 'store', 'refuse', 'lose-answer', 'unknown'), {
      maxLength: 12,
    })
    const requests = fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 10,
    })
    await fc.assert(
      fc.asyncProperty(requests, fates, fc.boolean(), async (plan, fates, named) => {
        const test = await openGateUnderTest({ onAppend: (call) => fates[call - 1] ?? 'store' })
        const send = (ids: readonly number[], i: number) =>
          test.accept(
            rawBatch(
              ids.map((id) => goodEvent(`e${id}`)),
              named ? { batchId: `b${i}` } : {},
            ),
          )
        const isThere = (id: string) => test.events().some((event) => event.id === id)

        const answers = await Promise.allSettled(
          plan.map(async (ids, i) => {
            // Some at once, some a few turns of the event loop later.
            for (let turn = 0; turn < i % 4; turn++) await new Promise((resolve) => setImmediate(resolve))
            const receipts = await send(ids, i)
            // What is answered as stored or duplicate is in the log at that very moment.
            for (const { id, outcome } of receipts) if (outcome !== 'retry') expect(isThere(id)).toBe(true)
            return receipts
          }),
        )
        for (const answer of answers)
          if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'unavailable', retry: 'later' })

        // Everybody sends again until all is well, as clients do: each id ends up stored exactly once.
        for (const [i, ids] of plan.entries()) {
          for (let attempt = 0; ; attempt++) {
            const receipts = await send(ids, i).catch(() => undefined)
            if (receipts?.every(({ outcome }) => outcome === 'stored' || outcome === 'duplicate')) break
            expect(attempt).toBeLessThan(20)
          }
        }
        const ids = sorted(test.events())
        expect(ids).toEqual(sorted([...new Set(plan.flat())].map((id) => ({ id: `e${id}` }))))
        expect(test.dedup.openClaims()).toBe(0)
        const counted = test.counts().filter(({ outcome }) => outcome === 'stored')
        expect(counted.reduce((sum, { events }) => sum + events, 0)).toBe(ids.length)
        await test.gate.stop()
      }),
      { numRuns: 150 },
    )
  })

  it('refuses no event of a request that failed when it is sent again', async () => {
    const test = await openGateUnderTest({ onAppend: (call) => (call === 1 ? 'refuse' : 'store') })
    const send = () => test.accept(rawBatch([goodEvent('a'), goodEvent('b')]))
    await expect(send()).rejects.toMatchObject({ code: 'unavailable', retry: 'later', retryAfterSeconds: 2 })
    expect(test.events()).toEqual([])
    expect(outcomesOf(await send())).toEqual({ stored: 2 })
    expect(outcomesOf(await send())).toEqual({ duplicate: 2 })
    await test.gate.stop()
  })

  it('writes the batches that arrive during a sync with the next one, in one append', async () => {
    const calls: number[] = []
    const test = await openGateUnderTest({
      onAppend: (_, records) => {
        calls.push(records.filter(({ topic }) => topic === 'events').length)
        return 'store'
      },
    })
    const first = test.accept(rawBatch([goodEvent('first')], { batchId: 'first' }))
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    const rest = Array.from({ length: 20 }, (_, i) => test.accept(rawBatch([goodEvent(`e${i}`)], { batchId: `b${i}` })))
    await Promise.all([first, ...rest])
    expect(calls).toEqual([1, 20])
    await test.gate.stop()
  })

  it('lets single events of one project and source share a record, and a batch with an id keep its own', async () => {
    const test = await openGateUnderTest()
    await Promise.all([
      ...Array.from({ length: 10 }, (_, i) => test.accept(rawBatch([goodEvent(`e${i}`)]))),
      test.accept(rawBatch([goodEvent('n')], { batchId: 'named' })),
      test.accept(rawBatch([goodEvent('o')], { project: 'other' })),
    ])
    const records = test.log.all('events').map(({ value }) => decodeEventsRecord(value))
    expect(
      records.map(({ envelope, events }) => [envelope.project, envelope.batchId === 'named', events.length]),
    ).toEqual([
      ['shop', true, 1],
      ['shop', false, 10],
      ['other', false, 1],
    ])
    await test.gate.stop()
  })

  it('answers unavailable while stopping, and finishes what it took', async () => {
    const test = await openGateUnderTest()
    const taken = test.accept(rawBatch([goodEvent('a')]))
    await test.gate.stop()
    expect(outcomesOf(await taken)).toEqual({ stored: 1 })
    await expect(test.accept(rawBatch([goodEvent('b')]))).rejects.toMatchObject({ code: 'unavailable' })
    await test.gate.stop()
  })

  it('stores what it was handed though the client leaves before the answer', async () => {
    const test = await openGateUnderTest()
    const leaving = new AbortController()
    const taken = test.accept(rawBatch([goodEvent('a')]), leaving.signal)
    leaving.abort()
    expect(outcomesOf(await taken)).toEqual({ stored: 1 })
    expect(test.events()).toHaveLength(1)
    await test.gate.stop()
  })

  it('fails an event that no record can hold alone, not its neighbours of the same commit', async () => {
    const test = await openGateUnderTest()
    const unwritable = {
      toJSON() {
        throw new Error('no')
      },
    }
    const columns = goodEvent('bad', { properties: unwritable })
    const good = [test.accept(rawBatch([goodEvent('a')])), test.accept(rawBatch([goodEvent('b')]))]
    const bad = test.accept({ ...rawBatch([]), events: [{ columns, original: {} }] })
    await expect(bad).rejects.toMatchObject({ code: 'internal' })
    expect((await Promise.all(good)).flat().map(({ outcome }) => outcome)).toEqual(['stored', 'stored'])
    expect(outcomesOf(await test.accept(rawBatch([goodEvent('bad')])))).toEqual({ stored: 1 })
    await test.gate.stop()
  })

  it('stores what another request, for which it waited, could not', async () => {
    let letGo: (fate: AppendFate) => void = () => {}
    const held = new Promise<AppendFate>((resolve) => {
      letGo = resolve
    })
    const test = await openGateUnderTest({ onAppend: (call) => (call === 1 ? held : 'store') })
    const first = test.accept(rawBatch([goodEvent('a')]))
    await new Promise((resolve) => setImmediate(resolve))
    const second = test.accept(rawBatch([goodEvent('a'), goodEvent('b')]))
    letGo('refuse')
    await expect(first).rejects.toMatchObject({ code: 'unavailable' })
    expect((await second).map(({ outcome }) => outcome)).toEqual(['stored', 'stored'])
    await test.gate.stop()
  })

  it('tells what is stored, and what is to be sent again, when its wait for another request is given up', async () => {
    const test = await openGateUnderTest()
    const asked = new Uint8Array(16)
    test.dedup.fingerprint('shop', 'a', asked, 0)
    const other = test.dedup.claim(asked, testNow)
    const leaving = new AbortController()
    const answer = test.accept(rawBatch([goodEvent('a'), goodEvent('b'), goodEvent('a')]), leaving.signal)
    await expect.poll(() => test.events().length).toBe(1)
    leaving.abort()
    expect((await answer).map(({ outcome }) => outcome)).toEqual(['retry', 'stored', 'retry'])
    other.release()
    expect((await test.accept(rawBatch([goodEvent('a')])))[0]?.outcome).toBe('stored')
    await test.gate.stop()
  })

  it('counts a duplicate that comes many times within one commit in one row', async () => {
    const test = await openGateUnderTest()
    await test.accept(rawBatch(Array.from({ length: 100 }, () => goodEvent('same'))))
    expect(test.events()).toHaveLength(1)
    expect(test.rows()).toMatchObject([{ id: 'same', outcome: 'duplicate', count: 99 }])
    await test.gate.stop()
  })

  it('splits what a record cannot hold', async () => {
    const test = await openGateUnderTest()
    const receipts = await test.accept(rawBatch(Array.from({ length: 25_000 }, (_, i) => goodEvent(`e${i}`))))
    expect(outcomesOf(receipts)).toEqual({ stored: 25_000 })
    expect(test.log.all('events').length).toBeGreaterThanOrEqual(3)
    expect(test.events()).toHaveLength(25_000)
    await test.gate.stop()
  })

  it('counts events by project, source, outcome and reason as metrics', async () => {
    const test = await openGateUnderTest()
    await test.accept(
      batchOf([
        { kind: 'good', id: 1 },
        { kind: 'good', id: 1 },
        { kind: 'no-name', id: 2 },
        { kind: 'expired', id: 3 },
      ]),
    )
    const text = await test.deps.metrics.metrics()
    expect(text).toContain('millrace_events_total{project="shop",source="millrace",outcome="stored",reason=""} 1')
    expect(text).toContain('millrace_events_total{project="shop",source="millrace",outcome="duplicate",reason=""} 1')
    expect(text).toContain(
      'millrace_events_total{project="shop",source="millrace",outcome="quarantined",reason="schema"} 1',
    )
    expect(text).toContain(
      'millrace_events_total{project="shop",source="millrace",outcome="dropped",reason="expired"} 1',
    )
    expect(text).toMatch(/millrace_log_append_seconds_count 1/)
    await test.gate.stop()
  })
})
