import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EventColumns } from '@millrace/protocol'
import { expect, it } from 'vitest'
import type { RawBatch } from '../core/batch.ts'
import { goodEvent, openGateUnderTest, rawBatch, testNow } from '../testing/gate-under-test.ts'
import { type GateBatch, openBatch, sliceEvents } from './gate-batch.ts'
import { judge, judgeInSlices } from './gate.ts'

const never = new AbortController().signal

/** Of every kind that a step treats in its own way, spread over several slices. */
function mixed(count: number): EventColumns[] {
  return Array.from({ length: count }, (_, at) => {
    const event = goodEvent(`e-${at}`, { timestamp: testNow - 600_000 - at, started_at: testNow - 600_000 })
    if (at % 7 === 1) return { ...event, event_type: 'nonsense' }
    if (at % 7 === 2) return { ...event, timestamp: testNow - 40 * 86_400_000 }
    if (at % 7 === 3) return { id: `e-${at}`, event_type: 'page', event_name: 'seen' }
    if (at % 7 === 4) return { ...event, properties: { text: 'x'.repeat(1_100_000 * Number(at % 70 === 4)) } }
    if (at % 7 === 5) return { ...event, http_url: 'https://shop.example/a?utm_source=b', context: { millrace: {} } }
    return event
  })
}

function opened(raw: RawBatch): GateBatch {
  const batch = openBatch(raw)
  for (const [at, event] of batch.events.entries()) batch.ids[at] = event.id as string
  return batch
}

it('a batch judged in slices is judged as at once, its clock’s error found over all of it', async () => {
  const raw = () => rawBatch(mixed(3 * sliceEvents + 17), { sentAt: testNow - 300_000 })
  const atOnce = opened(raw())
  judge(atOnce)
  const inSlices = opened(raw())
  await judgeInSlices(inSlices)
  expect(inSlices).toEqual(atOnce)
  expect(atOnce.clockShift).toBe(300_000)
  expect(atOnce.rejected).toBeGreaterThan(400)
})

it('others have their turns while a large batch passes, and its receipts are those of a small one', async () => {
  const { gate } = await openGateUnderTest()
  const count = 20_000
  // Without ids: the dearest way, for each is made from the whole event. The last ones repeat the first, the last two are refused.
  const event = (at: number): EventColumns => ({
    event_type: at >= count - 2 ? 'nonsense' : 'log',
    event_name: 'otel.log',
    timestamp: testNow - at,
    log_message: `line ${at} of a service`,
    attributes: { route: '/cart', status: 200, nested: { at } },
  })
  const events = Array.from({ length: count }, (_, at) => event(at))
  let turns = 0
  let isDone = false
  const others = (async () => {
    while (!isDone) {
      await nextTurn()
      turns++
    }
  })()
  const receipts = await gate.accept(rawBatch(events), never)
  isDone = true
  await others
  // One without slices.
  expect(turns).toBeGreaterThan(5)
  expect(receipts.map(({ index }) => index)).toEqual(events.map((_, at) => at))
  expect(receipts.filter(({ outcome }) => outcome === 'stored')).toHaveLength(count - 2)
  expect(receipts.slice(-2).map(({ outcome }) => outcome)).toEqual(['quarantined', 'quarantined'])
  const again = await gate.accept(rawBatch(Array.from({ length: 3000 }, (_, at) => event(at))), never)
  expect(new Set(again.map(({ outcome }) => outcome))).toEqual(new Set(['duplicate']))
  await gate.stop()
})
