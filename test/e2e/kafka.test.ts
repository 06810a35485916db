import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openSocket, readSse } from '../../packages/server/src/api/live/live.fixture.ts'
import { ask, createInstance, eventually, type Instance, pause } from '../support/instance.ts'
import { type Broker, createBroker, kafkaMissing } from '../support/kafka.ts'
import { ledger, post, send, settled, why } from '../support/pipeline.ts'

const missing = kafkaMissing()
const title = (name: string) => `${name}${missing === undefined ? '' : ` (SKIPPED: ${missing})`}`
const events = (name: string, size: number, from = 0) =>
  JSON.stringify(
    Array.from({ length: size }, (_, at) => ({ id: `${name}-${from + at}`, event_name: name, actor_id: `a${at % 7}` })),
  )
const ids = (name: string, size: number) => Array.from({ length: size }, (_, at) => `${name}-${at}`)

describe.skipIf(missing !== undefined)(title('a whole pipeline on Kafka'), () => {
  let broker: Broker
  let instance: Instance
  let collector: string
  let api: string

  beforeAll(async () => {
    broker = await createBroker()
    await broker.start()
    instance = createInstance({ env: { MILLRACE_LOG_BROKERS: broker.address } })
    ;({ collector, api } = await instance.start())
  })
  afterAll(async () => {
    await instance?.dispose()
    await broker?.dispose()
  })

  const stored = async (name: string): Promise<[number, number]> => {
    const [row] = await ask<{ n: string; ids: string }>(
      api,
      `SELECT count() AS n, uniqExact(id) AS ids FROM events WHERE event_name = {name:String}`,
      { name },
    )
    return [Number(row?.n), Number(row?.ids)]
  }

  it('answers 503 while the broker does not answer, keeps what that left open, and takes the same body when it answers again', async () => {
    await send(`${collector}/v1/events`, events('halted', 20))
    broker.signal('SIGSTOP')
    try {
      // Two at once: one whose append is under way, one that comes behind it.
      const refused = await Promise.all([
        post(`${collector}/v1/events`, events('halted', 20, 20)),
        pause(300).then(() => post(`${collector}/v1/events`, events('halted', 20, 40))),
      ])
      for (const answer of refused) {
        expect(answer.status).toBe(503)
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
        expect(await answer.json()).toMatchObject({ code: 'unavailable' })
      }
    } finally {
      broker.signal('SIGCONT')
    }
    await eventually(
      async () => (await post(`${collector}/v1/events`, events('halted', 60))).ok || undefined,
      60_000,
      'an answer after the halt',
    )
    await settled(api)
    expect(await stored('halted')).toEqual([60, 60])
    expect((await fetch(`${collector}/health/ready`)).status).toBe(200)
  })

  it('balances in every answer and tells each event however busy the log is', async () => {
    const stop = new AbortController()
    const refused: string[] = []
    const writers = ids('busy', 4).map(async (name) => {
      for (let batch = 0; !stop.signal.aborted; batch++)
        await send(`${collector}/v1/events`, events(name, 5, batch * 5))
    })
    for (let look = 0; look < 10; look++) {
      await send(`${collector}/v1/events`, events('told', 1, look))
      expect(await why(api, `told-${look}`)).toMatchObject({ outcome: 'stored' })
      const { balanced, sums, in_flight } = await ledger(api)
      const { received, stored: kept, duplicate, dropped, quarantined } = sums
      if (!balanced || received !== kept + duplicate + dropped + quarantined + in_flight)
        refused.push(JSON.stringify({ balanced, sums, in_flight }))
    }
    stop.abort()
    await Promise.all(writers)
    expect(refused).toEqual([])
    await settled(api)
  })

  it('shows every event once, in its partition’s order, to subscribers who come back over a restart of the broker', async () => {
    const topic = 'topic=track.through'
    const first = await openSocket(`${api}/api/v1/live?${topic}`)
    await first.until('connected')
    await send(`${collector}/v1/events`, events('through', 30))
    await first.untilEvents(30)
    const { cursor } = first.events().at(-1)!
    first.webSocket.close()
    const stayed = await openSocket(`${api}/api/v1/live?${topic}`)
    await stayed.until('connected')

    await broker.kill9()
    const waiting = eventually(
      async () => (await post(`${collector}/v1/events`, events('through', 30, 30))).ok || undefined,
      60_000,
      'an answer after the restart',
    )
    await broker.start()
    await waiting
    await send(`${collector}/v1/events`, events('through', 30, 60))

    // One that was there all the time, one that comes back by its cursor, and one by server-sent events.
    const back = await openSocket(`${api}/api/v1/live?${topic}&lastEventId=${cursor}`)
    await Promise.all([stayed.untilEvents(60), back.untilEvents(60)])
    const sse = await readSse(`${api}/api/v1/live/sse?${topic}&lastEventId=${cursor}`, 2)
    const wanted = ids('through', 90).slice(30)
    for (const seen of [stayed, back]) {
      expect(new Set(seen.ids())).toEqual(new Set(wanted))
      expect(seen.ids()).toHaveLength(wanted.length)
      expect(seen.told.filter(({ type }) => type === 'gap' || type === 'warning')).toEqual([])
      seen.webSocket.close()
    }
    const again = sse.flatMap(
      ({ data }) => (data['events'] ?? (data['event'] ? [data] : [])) as { event: { id: string } }[],
    )
    expect(again.length).toBeGreaterThan(0)
    expect(wanted).toEqual(expect.arrayContaining(again.map(({ event }) => event.id)))
    expect(new Set(again.map(({ event }) => event.id)).size).toBe(again.length)
  })
})

describe.skipIf(missing !== undefined)(title('a Kafka that cannot be used'), () => {
  const open: { dispose(): Promise<void> }[] = []
  afterEach(async () => {
    for (const each of open.splice(0)) await each.dispose()
  })

  it.each([
    ['nobody', 'n', /refuses the right to see topic millrace\.events: grant this user Describe, Read and Write/],
    ['app', 'wrong', /refuses the user or password of log\.sasl/],
  ])('ends the start of %s with its reason in one sentence', async (username, password, says) => {
    const broker = await createBroker({ users: { admin: 'a', app: 'secret', nobody: 'n' } })
    open.push(broker)
    await broker.start()
    const instance = createInstance({
      env: {
        MILLRACE_LOG_BROKERS: broker.saslAddress,
        MILLRACE_LOG_SASL_MECHANISM: 'PLAIN',
        MILLRACE_LOG_SASL_USERNAME: username,
        MILLRACE_LOG_SASL_PASSWORD: password,
      },
    })
    open.unshift(instance)
    await expect(instance.start()).rejects.toThrow(says)
    expect(await instance.stop()).toBe(3)
    expect(instance.log()).not.toContain(password === 'n' ? '"n"' : password)
  })
})
