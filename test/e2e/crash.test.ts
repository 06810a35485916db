import { createServer } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ask,
  createInstance,
  eventually,
  freePort,
  type Instance,
  isAlive,
  pause,
  type Role,
} from '../support/instance.ts'
import { type Answer, post, settled, why } from '../support/pipeline.ts'
import { cli } from '../support/cli.ts'

/**
 * Senders that never give up, and remember what was acknowledged. Each body has one event that must be quarantined, and is now and
 * then sent once more although it was answered.
 */
function load(instance: Instance, name: string, writers: number) {
  const stop = new AbortController()
  const acked = new Set<string>()
  const wrong: string[] = []
  let retries = 0
  const deliver = async (body: string, size: number, first: boolean) => {
    for (;;) {
      let response: Response | undefined
      try {
        response = await post(`${instance.ready().collector}/v1/events`, body)
        const text = await response.text()
        if (response.status === 200) {
          const answer = JSON.parse(text) as Answer
          if (answer.stored + answer.duplicate !== size || answer.quarantined !== 1) wrong.push(text)
          if (!first && answer.stored !== 0) wrong.push(`a repeat was stored anew: ${text}`)
          return
        }
        if (response.status !== 503) wrong.push(`${response.status}: ${text}`)
      } catch {
        // The collector is away: no answer, so it is sent again.
      }
      retries++
      await pause(10)
    }
  }
  const writer = async (number: number) => {
    for (let batch = 0; !stop.signal.aborted; batch++) {
      const ids = Array.from({ length: 1 + ((batch * 7) % 40) }, (_, at) => `${name}-${number}-${batch}-${at}`)
      const events = ids.map((id) => ({ id, event_name: name, actor_id: `w${number}`, properties: { batch } }))
      const body = JSON.stringify([
        ...events,
        { id: `${name}-${number}-${batch}-bad`, event_name: name, timestamp: 'x' },
      ])
      await deliver(body, ids.length, true)
      for (const id of ids) acked.add(id)
      if (batch % 9 === 4) await deliver(body, ids.length, false)
      await pause(2)
    }
  }
  const all = Promise.all(Array.from({ length: writers }, (_, number) => writer(number)))
  return {
    acked,
    wrong,
    retries: () => retries,
    async end() {
      stop.abort()
      await all
    },
  }
}

async function nothingLostNothingTwice(instance: Instance, name: string, acked: ReadonlySet<string>): Promise<void> {
  const { api } = instance.ready()
  const view = await settled(api)
  const [sums] = await ask<{ n: string; ids: string }>(
    api,
    'SELECT count() AS n, uniqExact(id) AS ids FROM events WHERE event_name = {name:String}',
    { name },
  )
  expect(sums?.n).toBe(sums?.ids)
  const rows = await ask<{ id: string }>(api, 'SELECT id FROM events WHERE event_name = {name:String}', { name })
  const stored = new Set(rows.map(({ id }) => id))
  expect([...acked].filter((id) => !stored.has(id))).toEqual([])
  expect(view.sums.received).toBe(
    view.sums.stored + view.sums.duplicate + view.sums.dropped + view.sums.quarantined + view.in_flight,
  )
}

describe('kill -9 of a child under load', () => {
  let instance: Instance
  beforeAll(async () => {
    instance = createInstance() // any free ports: a role is found at its old address again
    await instance.start()
  })
  afterAll(() => instance.dispose())

  it.each(['collector', 'worker', 'engine'] as const)(
    '%s is running again soon, nothing acknowledged is missing or there twice, and the ledger balances',
    async (role) => {
      const senders = load(instance, `kill-${role}`, 3)
      for (let kill = 0; kill < 3; kill++) {
        const enough = senders.acked.size + 150
        await eventually(() => (senders.acked.size >= enough ? true : undefined))
        const before = instance.pid(role)
        const others = roles.filter((other) => other !== role).map((other) => instance.pid(other))
        expect(instance.kill9(role)).toBe(true)
        const killedAt = Date.now()
        await eventually(() => serves(instance, role, before))
        expect(Date.now() - killedAt).toBeLessThan(10_000) // 2 s is the promise; `npm run chaos` prints the longest
        expect(roles.filter((other) => other !== role).map((other) => instance.pid(other))).toEqual(others)
      }
      await senders.end()
      expect(senders.wrong).toEqual([])
      if (role === 'collector') expect(senders.retries()).toBeGreaterThan(0)
      await nothingLostNothingTwice(instance, `kill-${role}`, senders.acked)
      const [id] = senders.acked
      expect((await why(instance.ready().api, id!)).outcome).toBe('stored')
    },
  )
})

describe('kill -9 of the supervisor under load', () => {
  let instance: Instance
  beforeAll(async () => {
    instance = createInstance({ ports: { collector: await freePort(), api: await freePort() } })
    await instance.start()
  })
  afterAll(() => instance.dispose())

  it('ends its children by themselves, and the next start recovers everything', async () => {
    const senders = load(instance, 'kill-supervisor', 3)
    for (let kill = 0; kill < 3; kill++) {
      const enough = senders.acked.size + 150
      await eventually(() => (senders.acked.size >= enough ? true : undefined))
      const children = roles.map((role) => instance.pid(role))
      expect(children.every((pid) => isAlive(pid))).toBe(true)
      instance.kill9('supervisor')
      await instance.ended()
      await eventually(() => (children.some((pid) => isAlive(pid)) ? undefined : true), 1500, 'the end of all children')
      await instance.start()
    }
    await senders.end()
    expect(senders.wrong).toEqual([])
    expect(senders.retries()).toBeGreaterThan(0)
    await nothingLostNothingTwice(instance, 'kill-supervisor', senders.acked)
  })

  it('is no hindrance when children live on for a moment: a start right after the kill is ready too', async () => {
    instance.kill9('supervisor')
    await instance.ended()
    const { api } = await instance.start()
    await settled(api)
  })
})

describe('a start that cannot succeed', () => {
  const quiet = { MILLRACE_COLLECTOR_OTLP_PORT: '0', MILLRACE_COLLECTOR_GRPC_PORT: '0' }

  it.each([
    ['collector', '--port', '--api-port', 'collector.port'],
    ['API', '--api-port', '--port', 'api.port'],
  ])(
    'ends with exit code 3 and a sentence that names the key when the port of the %s is taken',
    async (_name, busy, other, key) => {
      const instance = createInstance()
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as { port: number }
      const ended = await cli(['start', '--data', instance.dataDir, busy, String(port), other, '0'], { env: quiet })
      server.close()
      expect([ended.code, ended.stdout]).toEqual([3, ''])
      const last = ended.stderr.trim().split('\n').at(-1)
      expect(last).toMatch(/^millrace: /)
      expect(last).toContain(`another process listens on 127.0.0.1:${port}`)
      expect(last).toContain(key)
      expect(roles.filter((role) => isAlive(instance.pid(role)))).toEqual([])
      await instance.dispose()
    },
  )

  it.each([
    ['a port that is none', ['--port', '70000'], /collector\.port.*70000/],
    ['a key that does not exist', ['--set', 'colector.port=1'], /colector\.port.*collector\.port/],
    ['open to the network', ['--set', 'auth=open', '--host', '0.0.0.0'], /auth.*0\.0\.0\.0/],
    ['a wrong word', ['--set', 'auth=opne'], /auth.*opne/],
  ])('ends with exit code 3, the key and the value: %s', async (_name, flags, says) => {
    const instance = createInstance()
    const ended = await cli(['start', '--data', instance.dataDir, ...flags], { env: quiet })
    expect(ended.code).toBe(3)
    expect(ended.stdout).toBe('')
    expect(ended.stderr).toMatch(says)
    expect(ended.stderr).not.toMatch(/\n\s+at /)
    await instance.dispose()
  })

  it.each([
    ['millrace.config.json', '{"collector": {"port": "eighty"}}', /collector\.port.*eighty.*millrace\.config\.json/s],
    ['millrace.config.json', '{"collector": ', /millrace\.config\.json/],
    ['millrace.config.json', '{"collectr": {}}', /collectr.*unknown key|unknown key.*collectr/s],
    ['millrace.config.js', 'export default { api: { port: -1 } }', /api\.port.*-1/],
  ])('ends with exit code 3 for a file %s that says %s', async (file, text, says) => {
    const instance = createInstance()
    writeFileSync(join(instance.dataDir, file), text)
    const ended = await cli(['start', '--data', instance.dataDir], { env: quiet, cwd: instance.dataDir })
    expect([ended.code, ended.stdout]).toEqual([3, ''])
    expect(ended.stderr).toMatch(says)
    await instance.dispose()
  })

  it('refuses a data directory that a newer release has written', async () => {
    const instance = createInstance()
    writeFileSync(join(instance.dataDir, 'FORMAT'), '{"log":99,"kv":1,"store":1}\n')
    const ended = await cli(['start', '--data', instance.dataDir, '--port', '0', '--api-port', '0'], { env: quiet })
    expect([ended.code, ended.stdout]).toEqual([1, ''])
    expect(ended.stderr.trim().split('\n').at(-1)).toMatch(
      /newer release \(log format 99, this release reads up to \d+\)/,
    )
    await instance.dispose()
  })
})

const roles = ['collector', 'worker', 'engine'] as const satisfies readonly Role[]

/** The role answers, from another process than before. */
async function serves(instance: Instance, role: Role, before: number | undefined): Promise<true | undefined> {
  const now = instance.pid(role)
  if (now === undefined || now === before || !isAlive(now)) return undefined
  const { collector, api } = instance.ready()
  try {
    if (role === 'collector') return (await fetch(`${collector}/health/ready`)).ok ? true : undefined
    if (role === 'worker') return (await fetch(`${api}/health/ready`)).ok ? true : undefined
    return (await ask(api, 'SELECT 1 AS one')).length === 1 ? true : undefined
  } catch {
    return undefined
  }
}
