import { eventually, getJson, pause } from '../test/support/instance.ts'
import { payloadOf, type Witness } from './writers.ts'

export interface Reconciliation {
  readonly acked: number
  readonly stored: number
  readonly lost: number
  readonly twice: number
  /** Everything else that must hold and does not. */
  readonly broken: readonly string[]
}

interface Ledger {
  readonly balanced: boolean
  readonly in_flight: number
  readonly sums: {
    readonly received: number
    readonly stored: number
    readonly duplicate: number
    readonly dropped: number
    readonly quarantined: number
  }
}

export interface Reconciling {
  readonly api: string
  readonly collector: string
  /** Runs SQL; `database` stands before its tables, with a point. */
  ask<Row>(sql: string): Promise<readonly Row[]>
  readonly database: string
  readonly witness: Witness
  readonly startedAt: number
}

/** Waits until everything that was acknowledged is in the tables; what hinders it. */
export async function drained(api: string): Promise<string[]> {
  try {
    await eventually(async () => ((await lagOf(api)) === 0 ? true : undefined), 120_000, 'a lag of 0')
    return []
  } catch (error) {
    return [String(error)]
  }
}

/** Compares the tables with the witness: acked ⊆ stored ⊆ sent, each once, payloads intact, the ledger balanced, events still flow. */
export async function reconcile({
  api,
  collector,
  ask,
  database,
  witness,
  startedAt,
}: Reconciling): Promise<Reconciliation> {
  const broken = [...new Set(witness.wrong)].slice(0, 10).map((text) => `a wrong answer: ${text}`)

  const rows = await ask<{ id: string; n: string; text: string; value: number | string }>(
    `SELECT id, count() AS n, any(properties.text::String) AS text, any(properties.value::Int64) AS value FROM ${database}events WHERE event_name = 'chaos' GROUP BY id`,
  )
  const stored = new Set<string>()
  let twice = 0
  let altered = 0
  let invented = 0
  for (const { id, n, text, value } of rows) {
    stored.add(id)
    if (Number(n) !== 1) twice += Number(n) - 1
    if (!witness.sent.has(id)) invented++
    const wanted = payloadOf(id)
    if (text !== wanted.text || Number(value) !== wanted.value) altered++
  }
  let acked = 0
  let lost = 0
  for (const [id, isAcked] of witness.sent) {
    if (!isAcked) continue
    acked++
    if (!stored.has(id)) lost++
  }
  if (altered > 0) broken.push(`${altered} payloads differ from what was sent`)
  if (invented > 0) broken.push(`${invented} stored ids were never sent`)

  const kept = await ask<{ id: string }>(`SELECT DISTINCT id FROM ${database}quarantine WHERE startsWith(id, 'bad-')`)
  const keptIds = new Set(kept.map(({ id }) => id))
  const missing = [...witness.quarantined].filter((id) => !keptIds.has(id)).length
  if (missing > 0) broken.push(`${missing} quarantined events are not in the quarantine`)

  const { body: ledger } = await getJson<Ledger>(
    `${api}/api/v1/ledger?from=${startedAt - 60_000}&to=${Date.now() + 60_000}`,
  )
  const { received, stored: counted, duplicate, dropped, quarantined } = ledger.sums
  if (!ledger.balanced)
    broken.push(`the ledger does not balance: ${JSON.stringify(ledger.sums)}, in flight ${ledger.in_flight}`)
  if (received !== counted + duplicate + dropped + quarantined + ledger.in_flight)
    broken.push(`received ${received} is not the sum of its parts`)
  if (counted !== rows.reduce((sum, { n }) => sum + Number(n), 0))
    broken.push(`the ledger counts ${counted} stored events, the table holds ${rows.length}`)

  const fresh = `fresh-${Date.now()}`
  await fetch(`${collector}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: fresh, event_type: 'track', event_name: 'alive', actor_id: 'chaos' }),
  })
  const flows = await eventually(
    async () =>
      (await ask(`SELECT 1 AS one FROM ${database}events WHERE id = '${fresh}'`)).length === 1 ? true : undefined,
    15_000,
  ).catch(() => false)
  if (!flows) broken.push('a fresh event does not reach the tables')
  return { acked, stored: stored.size, lost, twice, broken }
}

async function lagOf(api: string): Promise<number> {
  try {
    const { status, body } = await getJson<{ jobs: { job: string; lag_events: number }[] }>(`${api}/api/v1/status`)
    if (status !== 200) return Number.NaN
    const load = body.jobs.find(({ job }) => job === 'load')
    if (load?.lag_events === 0) await pause(100)
    return load?.lag_events ?? Number.NaN
  } catch {
    return Number.NaN
  }
}
