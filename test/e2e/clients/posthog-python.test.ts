import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PipelineError } from '../../../packages/server/src/core/errors.ts'
import { startCollector } from '../../../packages/server/src/testing/collector.ts'
import { ask, createInstance, freePort, type Instance } from '../../support/instance.ts'
import { settled } from '../../support/pipeline.ts'
import { pythonWith, runPython } from '../../support/python.ts'

/** The unchanged posthog of Python, from PyPI. */
const found = pythonWith(['posthog==7.91.1'])
const python = 'python' in found ? found.python : undefined
if ('missing' in found) process.stderr.write(`SKIPPED Python's posthog: ${found.missing}\n`)

/** Runs a program with `client` made; what it prints. Errors that the library reports end it. */
function run(host: string, options: string, program: string): Promise<string> {
  const source = `
import sys, time, datetime
from posthog import Posthog
failures = []
client = Posthog('phc_any', host='${host}', on_error=lambda error, batch: failures.append(str(error)), ${options})
${program}
client.shutdown()
print('failures', failures)
`
  return runPython(python ?? '', source)
}

describe.skipIf(python === undefined)("Python's posthog", () => {
  let instance: Instance
  let collector: string
  let api: string
  beforeAll(async () => {
    instance = createInstance({ ports: { collector: await freePort(), api: 0 } })
    ;({ collector, api } = await instance.start())
  })
  afterAll(() => instance.dispose())

  it.each(['gzip=False', 'gzip=True'])(
    'is taken with all its calls (%s), and its events answer SQL',
    async (options) => {
      const who = `ada-${options.length}`
      const out = await run(
        collector,
        options,
        `
client.capture('Order Completed', distinct_id='${who}', properties={'revenue': 12.5, 'count': 0, '$session_id': 's1'},
  timestamp=datetime.datetime.now())
client.set(distinct_id='${who}', properties={'plan': 'pro'})
client.set_once(distinct_id='${who}', properties={'first': 'x'})
client.alias(previous_id='anon-1', distinct_id='${who}')
client.group_identify('company', 'c1', {'name': 'Initech'}, distinct_id='${who}')
try:
    raise ValueError('it broke')
except ValueError as error:
    client.capture_exception(error, distinct_id='${who}')
`,
      )
      expect(out).toContain('failures []')
      await settled(api)
      const rows = await ask(
        api,
        `SELECT event_type, event_name, actor_id, session_id, resource_id, resource_name, client_name, client_type, traits, properties,
              error_type, log_message, error_stack, abs(dateDiff('second', timestamp, ingested_at)) < 60 AS is_now
       FROM events WHERE client_name = 'posthog-python' AND (actor_id = {who:String} OR resource_id = {who:String}) ORDER BY log_position`,
        { who },
      )
      for (const row of rows) expect(row).toMatchObject({ client_type: 'sdk', is_now: 1 })
      expect(rows.map(({ event_name }) => event_name)).toEqual([
        'Order Completed',
        'identify',
        'identify',
        'alias',
        'group',
        '$exception',
      ])
      expect(rows[0]).toMatchObject({ session_id: 's1', properties: { revenue: 12.5, count: 0 } })
      expect([rows[1]?.['traits'], rows[2]?.['traits']]).toEqual([{ plan: 'pro' }, { first: 'x' }])
      // To this library the older id is the one that something happens to.
      expect(rows[3]).toMatchObject({ actor_id: 'anon-1', resource_id: who })
      expect(rows[4]).toMatchObject({ resource_id: 'c1', resource_name: 'Initech' })
      expect(rows[5]).toMatchObject({
        event_type: 'log',
        error_type: 'ValueError',
        log_message: 'ValueError: it broke',
      })
      expect(rows[5]?.['error_stack']).toMatch(/^ValueError: it broke\n {4}at <module> \(.*:\d+\)/)
    },
  )

  it('finds the collector again by its own retries: nothing is lost, nothing is there twice', async () => {
    const running = run(
      collector,
      'max_retries=10, flush_at=20',
      `
for at in range(300):
    client.capture('Through A Kill', distinct_id='u%d' % at)
    time.sleep(0.01)
`,
    )
    for (const ms of [700, 1200]) {
      await new Promise((resolve) => setTimeout(resolve, ms))
      instance.kill9('collector')
    }
    expect(await running).toContain('failures []')
    await settled(api)
    const [row] = await ask(
      api,
      `SELECT count() AS n, uniqExact(id) AS ids, uniqExact(actor_id) AS who FROM events WHERE event_name = 'Through A Kill'`,
    )
    expect(row).toEqual({ n: '300', ids: '300', who: '300' })
  })
})

describe.skipIf(python === undefined)("Python's posthog, refused", () => {
  it('comes again after too many requests, and after 503, with the same ids', async () => {
    const refusals = [new PipelineError('rate_limited', 'too fast'), new PipelineError('unavailable', 'starting')]
    const collector = await startCollector({
      accept: ({ events }) => {
        const refusal = refusals.shift()
        return refusal === undefined
          ? Promise.resolve(events.map(({ columns }, index) => ({ index, id: columns.id ?? '', outcome: 'stored' })))
          : Promise.reject(refusal)
      },
    })
    try {
      expect(await run(collector.url, '', `client.capture('Refused', distinct_id='ada')`)).toContain('failures []')
      const ids = collector.batches.map(({ events }) => events.map(({ columns }) => columns.id))
      expect(ids).toHaveLength(3)
      expect(ids[0]?.[0]).toMatch(/^[0-9a-f-]{36}$/)
      expect(ids).toEqual([ids[0], ids[0], ids[0]])
    } finally {
      await collector.stop()
    }
  })
})
