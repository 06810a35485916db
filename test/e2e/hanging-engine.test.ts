import { afterAll, beforeAll, expect, it } from 'vitest'
import { createInstance, getJson, type Instance } from '../support/instance.ts'
import { post, send, settled } from '../support/pipeline.ts'

/** An engine that hangs (stopped, swapped out) keeps its connections open and says nothing. */
let instance: Instance
let collector: string
let api: string
let engine: number
beforeAll(async () => {
  instance = createInstance({ args: ['--set', 'query.seconds=2'] })
  const ready = await instance.start()
  ;({ collector, api } = ready)
  engine = ready.pid.engine!
  await send(`${collector}/v1/events`, '{"id":"one","event_name":"x"}')
  await settled(api)
  process.kill(engine, 'SIGSTOP')
})
afterAll(() => {
  process.kill(engine, 'SIGCONT')
  return instance.dispose()
})

it('is named by the status, soon', async () => {
  const start = performance.now()
  const { body } = await getJson<{ problems: string[]; engine_version: null }>(`${api}/api/v1/status`)
  expect(performance.now() - start).toBeLessThan(4500)
  expect(body.engine_version).toBeNull()
  expect(body.problems).toContain('engine: no answer within 2.5 s')
})

it('keeps no question waiting for long', async () => {
  const asked = async (question: Promise<Response>) => {
    const start = performance.now()
    const response = await question
    const { code, detail } = (await response.json()) as { code: string; detail: string }
    return { status: response.status, code, detail, isSoon: performance.now() - start < 16_000 }
  }
  const answers = await Promise.all([
    asked(post(`${api}/api/v1/sql`, JSON.stringify({ query: 'SELECT 1' }))),
    asked(fetch(`${api}/api/v1/events/one`)),
    asked(fetch(`${api}/api/v1/events/one/why`)),
    asked(fetch(`${api}/api/v1/ledger`)),
    asked(fetch(`${api}/api/v1/quarantine`)),
  ])
  for (const answer of answers)
    expect(answer).toMatchObject({
      status: 503,
      code: 'unavailable',
      detail: expect.stringMatching(/did not answer within/),
      isSoon: true,
    })
}, 30_000)

it('keeps no event waiting', async () => {
  expect(await send(`${collector}/v1/events`, '{"id":"two","event_name":"x"}')).toMatchObject({ stored: 1 })
})
