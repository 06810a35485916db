import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWitness, write } from '../../chaos/writers.ts'
import { createInstance, eventually, getJson, type Instance, isAlive, pause } from '../support/instance.ts'
import { type Ledger, settled } from '../support/pipeline.ts'

/** Asks for the ledger all the time; keeps every answer that is one. */
function poll(api: string, from: number, stop: AbortSignal) {
  const answers: Ledger[] = []
  const refusals = new Map<number, number>()
  const loop = async () => {
    while (!stop.aborted) {
      try {
        const { status, body } = await getJson<Ledger>(`${api}/api/v1/ledger?from=${from}&to=${Date.now() + 60_000}`)
        if (status === 200) answers.push(body)
        else refusals.set(status, (refusals.get(status) ?? 0) + 1)
      } catch {
        // The worker is away.
      }
      await pause(50)
    }
  }
  return { answers, refusals, ended: Promise.all([loop(), loop()]) }
}

describe('the ledger while everything moves', () => {
  let instance: Instance
  beforeAll(async () => {
    instance = createInstance()
    await instance.start()
  })
  afterAll(() => instance.dispose())

  it('balances in every answer, under load and over kills of worker, engine and collector', async () => {
    const { api, collector } = instance.ready()
    const stop = new AbortController()
    const from = Date.now() - 60_000
    const witness = createWitness()
    const writers = [1, 2, 3, 4].map((number) => write(number, 77, [collector], witness, stop.signal))
    const { answers, refusals, ended } = poll(api, from, stop.signal)
    await eventually(() => (answers.length > 10 && witness.acks > 20 ? true : undefined))
    for (const role of ['worker', 'engine', 'worker', 'collector', 'engine', 'worker', 'engine'] as const) {
      const before = instance.pid(role)
      const acksBefore = witness.acks
      instance.kill9(role)
      await eventually(() => (instance.pid(role) !== before && isAlive(instance.pid(role)) ? true : undefined))
      // With answers from before, during and after the recovery of whatever was under way.
      const enough = answers.length + 15
      await eventually(() => (answers.length >= enough && witness.acks > acksBefore ? true : undefined))
    }
    stop.abort()
    await Promise.all([...writers, ended])

    expect(witness.wrong).toEqual([])
    expect(answers.filter(({ balanced }) => !balanced)).toEqual([])
    for (const { sums, in_flight } of answers)
      expect(sums.received).toBe(sums.stored + sums.duplicate + sums.dropped + sums.quarantined + in_flight)
    expect(answers.filter(({ in_flight }) => in_flight > 0).length).toBeGreaterThan(10)
    // Nothing but "not now": the engine or the log was just away.
    expect([...refusals.keys()].filter((status) => status !== 503)).toEqual([])
    expect((await settled(api)).balanced).toBe(true)
  })
})
