import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/deps.ts'
import { createLoad } from '../jobs/load.ts'
import { createRunner } from '../jobs/runner.ts'
import type { Log } from '../log/log.ts'
import { createClickHouseStore } from '../stores/clickhouse/driver.ts'
import type { Store } from '../stores/store.ts'
import { type EngineUnderTest, startEngine } from '../testing/engine-store.ts'
import { groupCommit, trafficStart } from '../testing/log-traffic.ts'
import { memoryLog } from '../testing/memory-log.ts'
import { ledgerView } from './ledger-view.ts'

const live = new AbortController().signal
const dayMs = 86_400_000
const window = { project: 'default', from: trafficStart, to: trafficStart + 3_600_000 }

async function loadAll(log: Log, store: Store): Promise<void> {
  const deps = { clock: systemClock, logger: silentLogger, metrics: new Registry() }
  const runner = createRunner({ job: createLoad(store, deps), log, limits: { ms: 5 } }, deps)
  await runner.start(live)
  while ((await runner.status()).lag.events > 0) await systemClock.sleep(10, live)
  await runner.stop()
}

describe('the ledger of rows whose retention has ended', () => {
  let engine: EngineUnderTest
  let store: Store
  beforeAll(async () => {
    engine = await startEngine()
    store = createClickHouseStore({ address: { embedded: engine.runFile }, migrates: false })
    await store.start(live)
  })
  afterAll(async () => {
    await store.stop()
    await engine.close()
  })

  it('balances before they are gone and after, and says how many they are', async () => {
    const now = Date.now()
    const log = memoryLog()
    const soon = (index: number) => (index % 2 === 0 ? { expires_at: now - 1000 } : { expires_at: now + 400 * dayMs })
    for (let batch = 1; batch <= 5; batch++)
      await log.append(groupCommit({ batch, events: 4, quarantined: 2, duplicates: 3, columns: soon }), {}, live)
    const sums = { received: 45, stored: 20, quarantined: 10, duplicate: 15, dropped: 0 }
    const inFlight = await ledgerView(log, store, window, now, live)
    expect(inFlight).toMatchObject({ balanced: true, expired: 0, in_flight: 45 })

    await engine.sql('SYSTEM STOP MERGES')
    await loadAll(log, store)
    expect(await ledgerView(log, store, window, now, live)).toMatchObject({ balanced: true, expired: 10, sums })

    await engine.sql('SYSTEM START MERGES')
    await engine.sql('OPTIMIZE TABLE events FINAL')
    expect(await engine.rows('SELECT count() AS n FROM events')).toEqual([{ n: '10' }])
    expect(await ledgerView(log, store, window, now, live)).toMatchObject({ balanced: true, expired: 10, sums })
  })

  it('takes the collector at its word for quarantined, duplicate and dropped ones of days that the tables have let go', async () => {
    const log = memoryLog()
    for (let batch = 10; batch <= 12; batch++)
      await log.append(groupCommit({ batch, events: 1, quarantined: 2, duplicates: 1 }), {}, live)
    await engine.sql('TRUNCATE TABLE ledger')
    for (const table of ['events', 'expiries', 'outcomes', 'quarantine']) await engine.sql(`TRUNCATE TABLE ${table}`)
    await loadAll(log, store)
    const view = (days: number) => ledgerView(log, store, window, trafficStart + days * dayMs, live)
    expect(await view(29)).toMatchObject({ balanced: true, expired: 0, sums: { quarantined: 6 } })

    await engine.sql('TRUNCATE TABLE quarantine')
    expect(await view(29)).toMatchObject({ balanced: false, expired: 0, sums: { quarantined: 0 } })
    expect(await view(30)).toMatchObject({ balanced: true, expired: 6, sums: { quarantined: 6, duplicate: 3 } })

    await engine.sql('TRUNCATE TABLE outcomes')
    expect(await view(89)).toMatchObject({ balanced: false })
    expect(await view(90)).toMatchObject({ balanced: true, expired: 9, sums: { quarantined: 6, duplicate: 3 } })
  })

  it('begins where there still are counts, and says so', async () => {
    const log = memoryLog()
    const view = await ledgerView(log, store, window, window.to + 400 * dayMs, live)
    expect(view).toMatchObject({ from: view.to, balanced: true, sums: { received: 0, stored: 0 } })
  })

  it('still notices a stored event that is missing', async () => {
    const log = memoryLog({ epoch: 9 })
    await log.append(groupCommit({ batch: 20, events: 3 }), {}, live)
    await loadAll(log, store)
    expect((await ledgerView(log, store, window, Date.now(), live)).balanced).toBe(true)
    await engine.sql("DELETE FROM events WHERE id = 'event-20-1'")
    expect((await ledgerView(log, store, window, Date.now(), live)).balanced).toBe(false)
  })
})
