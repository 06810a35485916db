import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, createInstance, eventually, getJson, type Instance } from '../support/instance.ts'
import { type Answer, count, type Ledger, ledger, post, send, settled, why } from '../support/pipeline.ts'

type Outcome = 'stored' | 'duplicate' | 'dropped' | 'quarantined'
const outcomes = ['stored', 'duplicate', 'dropped', 'quarantined'] as const satisfies readonly Outcome[]
const dayMs = 86_400_000

let instance: Instance
let collector: string
let api: string
/** What the answers said. */
const told: Record<Outcome, number> = { stored: 0, duplicate: 0, dropped: 0, quarantined: 0 }

beforeAll(async () => {
  instance = createInstance()
  ;({ collector, api } = await instance.start())
})
afterAll(() => instance.dispose())

function note(answer: Answer): Answer {
  for (const outcome of outcomes) told[outcome] += answer[outcome]
  return answer
}

/** A body with some of every outcome. */
async function mix(name: string, size = 20): Promise<Answer> {
  const good = Array.from({ length: size }, (_, at) => ({
    id: `${name}-${at}`,
    event_name: 'e',
    timestamp: Date.now() - at,
  }))
  const bad = { id: `${name}-bad`, event_name: 'e', timestamp: 'x' }
  const expired = {
    id: `${name}-old`,
    event_name: 'e',
    labels: { category: 'error' },
    timestamp: Date.now() - 40 * dayMs,
  }
  const body = JSON.stringify([...good, ...good.slice(0, 3), bad, expired])
  return note(await send(`${collector}/v1/events`, body, { 'x-millrace-historical': '1' }))
}

async function counted(): Promise<Ledger> {
  const view = await settled(api)
  const { received, ...sums } = view.sums
  expect(sums).toEqual(told)
  expect(received).toBe(outcomes.reduce((sum, outcome) => sum + told[outcome], 0))
  return view
}

it('is empty and balanced before anything came', async () => {
  expect(await ledger(api)).toMatchObject({
    rows: [],
    sums: { received: 0, stored: 0, duplicate: 0, dropped: 0, quarantined: 0 },
    in_flight: 0,
    balanced: true,
  })
})

it('has a row per minute, source, outcome and reason, and its sums are those of the answers and of the tables', async () => {
  expect(await mix('first')).toMatchObject({ stored: 20, duplicate: 3, dropped: 1, quarantined: 1 })
  const segment = {
    batch: [
      { type: 'track', event: 'e', userId: 'u', messageId: 'first-0' },
      { type: 'track', event: 'e', userId: 'u', messageId: 'segment-1' },
    ],
  }
  note(await send(`${collector}/v1/batch`, JSON.stringify(segment)))
  const view = await counted()
  const byKind = new Map<string, number>()
  for (const { source, outcome, reason, events, minute } of view.rows) {
    expect(minute).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/)
    const kind = `${source} ${outcome} ${reason}`.trim()
    byKind.set(kind, (byKind.get(kind) ?? 0) + events)
  }
  expect(Object.fromEntries(byKind)).toEqual({
    'millrace stored': 20,
    'millrace duplicate': 3,
    'millrace dropped expired': 1,
    'millrace quarantined schema': 1,
    'segment stored': 1,
    'segment duplicate': 1,
  })
  expect(await count(api, '1')).toBe(told.stored)
  expect(await count(api, '1', 'quarantine')).toBe(told.quarantined)
  const rows = await ask<{ outcome: Outcome; n: string }>(
    api,
    'SELECT outcome, sum(count) AS n FROM outcomes GROUP BY outcome',
  )
  expect(Object.fromEntries(rows.map(({ outcome, n }) => [outcome, Number(n)]))).toEqual({
    duplicate: 4,
    dropped: 1,
    quarantined: 1,
  })
  const table = await ask<{ outcome: Outcome; n: string }>(
    api,
    'SELECT outcome, sum(events) AS n FROM ledger GROUP BY outcome',
  )
  expect(Object.fromEntries(table.map(({ outcome, n }) => [outcome, Number(n)]))).toEqual(told)
  const metrics = await (await fetch(`${collector}/metrics`)).text()
  expect(metrics).toMatch(
    /^millrace_events_total\{project="default",source="millrace",outcome="dropped",reason="expired",role="collector"\} 1$/m,
  )
})

it('tells of a dropped event why, and that it is gone', async () => {
  expect(await why(api, 'first-old')).toMatchObject({ outcome: 'dropped', reason: 'expired' })
  expect((await why(api, 'first-old')).steps.at(-1)).toMatchObject({ verdict: 'drop', note: 'expired' })
})

it('takes a window: from inclusive, to exclusive, by the minute; a wrong one is refused', async () => {
  const at = (ms: number) => new Date(ms).toISOString()
  const inside = await getJson<Ledger>(
    `${api}/api/v1/ledger?from=${at(Date.now() - 7_200_000)}&to=${Date.now() + 60_000}`,
  )
  expect(inside.body.sums).toMatchObject(told)
  const before = await getJson<Ledger>(
    `${api}/api/v1/ledger?from=${at(Date.now() - 7_200_000)}&to=${at(Date.now() - 3_600_000)}`,
  )
  expect(before.body).toMatchObject({ rows: [], sums: { received: 0 }, in_flight: 0, balanced: true })
})

it('counts what is not in the tables yet as in flight, and balances at every moment in between', async () => {
  const seen: number[] = []
  await eventually(async () => {
    await mix(`flight-${seen.length}`)
    const view = await ledger(api)
    expect(view.balanced).toBe(true)
    expect(view.sums.received).toBe(outcomes.reduce((sum, outcome) => sum + view.sums[outcome], view.in_flight))
    expect(view.sums.received).toBe(outcomes.reduce((sum, outcome) => sum + told[outcome], 0))
    seen.push(view.in_flight)
    return seen.some((inFlight) => inFlight >= 25) || undefined
  })
  await counted()
})

it('goes on acknowledging while the worker stands still, and everything is in the tables once it goes on', async () => {
  instance.signal('worker', 'SIGSTOP')
  const asked = ledger(api).catch((error: unknown) => error)
  try {
    for (let at = 0; at < 10; at++) expect(await mix(`stopped-${at}`)).toMatchObject({ stored: 20 })
  } finally {
    instance.signal('worker', 'SIGCONT')
  }
  expect(await asked).toMatchObject({ balanced: true })
  await counted()
  expect(await count(api, `id LIKE 'stopped-%'`)).toBe(200)
})

it('finds an event by `why` as soon as it is acknowledged, before it is in the tables', async () => {
  const verdicts = await eventually(async () => {
    const id = `early-${told.stored}`
    note(await send(`${collector}/v1/events`, JSON.stringify({ id, event_name: 'e' })))
    const told_ = await why(api, id)
    expect(told_).toMatchObject({ id, outcome: 'stored', log: { topic: 'events' } })
    return told_.in_tables ? undefined : told_.steps
  })
  expect(verdicts.at(-1)).toMatchObject({ step: 'load', verdict: 'waiting' })
  await counted()
})

describe.each(['collector', 'worker', 'engine', 'supervisor'] as const)('over a kill -9 of the %s', (role) => {
  it('what was acknowledged is counted once, what was retried as duplicate, and it balances', async () => {
    await mix(`before-${role}`)
    const sending = Promise.allSettled(
      [0, 1, 2].map((at) =>
        post(
          `${collector}/v1/events`,
          JSON.stringify(Array.from({ length: 50 }, (_, n) => ({ id: `during-${role}-${at}-${n}`, event_name: 'e' }))),
        ),
      ),
    )
    const before = instance.pid(role)
    instance.kill9(role)
    let unanswered = 0
    for (const result of await sending)
      if (result.status === 'fulfilled' && result.value.status === 200) {
        try {
          note((await result.value.json()) as Answer)
        } catch {
          unanswered++ // the answer broke off
        }
      } else unanswered++
    if (role === 'supervisor') {
      await instance.ended()
      ;({ collector, api } = await instance.start())
    } else
      await eventually(async () => {
        if (instance.pid(role) === before) return undefined
        const probes = await Promise.all(
          [collector, api].map((url) => fetch(`${url}/health/ready`).catch(() => undefined)),
        )
        return probes.every((probe) => probe?.ok) || undefined
      })
    // Sent again by everybody who has no answer: stored or known, never both.
    for (const at of [0, 1, 2]) {
      const body = JSON.stringify(
        Array.from({ length: 50 }, (_, n) => ({ id: `during-${role}-${at}-${n}`, event_name: 'e' })),
      )
      note(await send(`${collector}/v1/events`, body))
    }
    await mix(`after-${role}`)
    const view = await settled(api)
    expect(await count(api, `id LIKE 'during-${role}-%'`)).toBe(150)
    // Batches that were durable although nobody was told are the collector's to count.
    const untold = view.sums.stored - told.stored
    expect(untold % 50).toBe(0)
    expect(untold / 50).toBeLessThanOrEqual(unanswered)
    told.stored = view.sums.stored
    await counted()
    expect(await count(api, '1')).toBe(told.stored)
    expect(await ask(api, 'SELECT count() = uniqExact(id) AS once FROM events')).toEqual([{ once: 1 }])
  })
})
