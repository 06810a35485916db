import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PipelineError } from '../../core/errors.ts'
import type { Ask } from '../ask.ts'
import { never } from '../store.contract.ts'
import type { Store } from '../store.ts'
import { createClickHouseAsk } from './ask.ts'
import { createClickHouseStore } from './driver.ts'
import { type EngineFixture, engineFixture } from './engine.fixture.ts'

let engine: EngineFixture
let store: Store
let ask: Ask
beforeAll(async () => {
  engine = engineFixture({ ask: { seconds: 1, memoryBytes: 200e6, rows: 1000 } })
  await engine.start()
  const address = { embedded: engine.runFile }
  store = createClickHouseStore({ address })
  await store.start(never)
  ask = createClickHouseAsk({ address, seconds: 1, rows: 1000 })
  await ask.start(never)
  await asked()
})
afterAll(async () => {
  engine.child().kill('SIGCONT')
  await ask.stop()
  await store.stop()
  await engine.close()
})

async function asked(query = 'SELECT 1 AS n'): Promise<string> {
  let text = ''
  const { body } = await ask.ask('default', query, {}, 'json', never)
  for await (const piece of body) text += Buffer.from(piece).toString()
  return text
}

async function failure(question: Promise<unknown>): Promise<{ code: string; message: string; ms: number }> {
  const start = performance.now()
  const error = await question.then(
    () => undefined,
    (caught: unknown) => caught as PipelineError,
  )
  return { code: error?.code ?? 'none', message: error?.message ?? '', ms: performance.now() - start }
}

describe('an engine that hangs', () => {
  it('ends every question soon after its own time, and says so', async () => {
    engine.child().kill('SIGSTOP')
    const failures = await Promise.all([failure(asked()), failure(store.query('SELECT 1', {}, { seconds: 1 }, never))])
    engine.child().kill('SIGCONT')
    for (const { code, message, ms } of failures) {
      expect([code, message]).toEqual(['unavailable', expect.stringMatching(/^the store did not answer within \d+ s/)])
      expect(ms).toBeLessThan(10_000)
    }
  })

  it('answers again when it goes on', async () => {
    expect(await asked()).toContain('"rows":[{"n":1}]')
  })
})
