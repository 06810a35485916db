import { expect, it } from 'vitest'
import { createTurns } from './bounded.ts'

it('lets so many in at once and the others in their order', async () => {
  const turns = createTurns(2)
  const order: string[] = []
  await turns.take()
  await turns.take()
  const third = turns.take().then(() => order.push('third'))
  const fourth = turns.take().then(() => order.push('fourth'))
  expect([turns.taken, turns.waiting]).toEqual([2, 2])
  turns.give()
  await third
  expect(order).toEqual(['third'])
  turns.give()
  await fourth
  turns.give()
  turns.give()
  expect([order, turns.taken, turns.waiting]).toEqual([['third', 'fourth'], 0, 0])
})

it('forgets who does not want to wait any longer', async () => {
  const turns = createTurns(1)
  await turns.take()
  const impatient = new AbortController()
  const waiting = turns.take(impatient.signal)
  const patient = turns.take()
  impatient.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await expect(turns.take(impatient.signal)).rejects.toThrow('enough')
  turns.give()
  await patient
  expect([turns.taken, turns.waiting]).toEqual([1, 0])
})
