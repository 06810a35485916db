import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { createSequenceGaps } from './sequence-gaps.ts'

async function total(metrics: Registry): Promise<number> {
  const values = (await metrics.getSingleMetric('millrace_sequence_gaps_total')?.get())?.values ?? []
  return values.reduce((sum, { value }) => sum + value, 0)
}

it('forgets the device heard of longest ago when it knows too many', async () => {
  const metrics = new Registry()
  const gaps = createSequenceGaps(metrics, 2)
  const note = (device: string, number: number) => gaps.note('p', 's0', { device, number })
  note('a', 1)
  note('b', 1)
  note('a', 2)
  note('c', 1) // b goes
  note('b', 9) // not known any more, so no gap; a goes
  expect(await total(metrics)).toBe(0)
  note('c', 9)
  expect(await total(metrics)).toBe(1)
})

it('ignores what cannot be a device or a number', async () => {
  const metrics = new Registry()
  const gaps = createSequenceGaps(metrics)
  for (const device of ['', 'x'.repeat(257)]) for (const number of [1, 9]) gaps.note('p', 's0', { device, number })
  for (const number of [1, Number.NaN, 2 ** 60]) gaps.note('p', 's0', { device: 'd', number })
  expect(await total(metrics)).toBe(0)
})

it('keeps projects apart', async () => {
  const metrics = new Registry()
  const gaps = createSequenceGaps(metrics)
  gaps.note('p', 's0', { device: 'd', number: 1 })
  gaps.note('q', 's0', { device: 'd', number: 5 })
  expect(await total(metrics)).toBe(0)
})
