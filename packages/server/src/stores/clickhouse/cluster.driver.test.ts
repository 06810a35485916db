import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  askingUser,
  type ClickHouseServer,
  createClickHouseCluster,
  createClusterEntrance,
} from '../../../../../test/support/clickhouse.ts'
import { insertOnce } from '../../jobs/insert-once.ts'
import { askGrants, tablesToFilter } from '../schema/access.ts'
import { databaseStatement, journalStatements, killQueries, syncReplica, tableStatements } from '../schema/cluster.ts'
import { tables } from '../schema/tables.ts'
import { traceSpansView } from '../schema/trace-spans.ts'
import { codeOf, eventsBlock, never, recordRange, recordRows, testStore } from '../store.contract.ts'
import type { Store } from '../store.ts'
import { createClickHouseAsk } from './ask.ts'
import { createClickHouseStore } from './driver.ts'
import { quoteSql } from './engine/users-xml.ts'

const cluster = { name: 'pair', replicated: false }

/** Two servers with a Distributed over them, as one store. */
async function openPair(users: readonly string[] = []) {
  const servers = await createClickHouseCluster(cluster.name, 2, users)
  await Promise.all(servers.map((server) => server.start()))
  const entrance = await createClusterEntrance(cluster.name, servers)
  const { user, password } = servers[0]!
  const login = { user, password }
  const address = {
    server: {
      url: entrance.url,
      ...login,
      database: 'millrace',
      cluster,
      asking: { default: { user: 'ask_default', password: 'a' }, near: { user: 'ask_near', password: 'a' } },
    },
  }
  const store = createClickHouseStore({ address })
  await store.start(never)
  return {
    servers,
    store,
    address,
    async close() {
      await store.stop()
      await entrance.dispose()
      await Promise.all(servers.map((server) => server.dispose()))
    },
  }
}

testStore('the store on two servers as one cluster', openPair)

describe('a cluster', () => {
  let pair: Awaited<ReturnType<typeof openPair>>
  let store: Store
  let servers: readonly ClickHouseServer[]
  const filtered = { secret: 'a', grants: askGrants('millrace', cluster) }
  beforeAll(async () => {
    pair = await openPair([
      askingUser({ name: 'ask_default', project: 'default', tables: tablesToFilter(cluster), ...filtered }),
      // The mistake that one makes: row filters on the tables one sees, not on those that hold the rows.
      askingUser({ name: 'ask_near', project: 'near', ...filtered }),
    ])
    ;({ store, servers } = pair)
  })
  afterAll(() => pair.close())
  const count = async (table: string, project: string, of: ClickHouseServer) => {
    const [row] = await of.sql<{ n: string }>(`SELECT count() AS n FROM millrace.${table} WHERE project = '${project}'`)
    return Number(row?.n)
  }

  it('spreads records over its servers, and each record whole; every server shows all of them', async () => {
    for (let record = 0; record < 20; record++)
      await store.insert(eventsBlock(recordRows('spread', record, 50)), `spread/events/${record}`, never)
    const [one, two] = (await Promise.all(servers.map((server) => count('events_local', 'spread', server)))) as [
      number,
      number,
    ]
    expect(one + two).toBe(1000)
    expect([one % 50, two % 50, one > 0, two > 0]).toEqual([0, 0, true, true])
    expect(await Promise.all(servers.map((server) => count('events', 'spread', server)))).toEqual([1000, 1000])
  })

  it('stores each row once while one of its servers is killed during inserts', async () => {
    const second = servers[1]!
    let killed: Promise<void> = Promise.resolve()
    for (let record = 0; record < 12; record++) {
      const rows = recordRows('shaken', 100 + record, 200)
      const block = () => eventsBlock(rows)
      const range = recordRange(100 + record)
      const portion = {
        table: 'events',
        token: `shaken-${record}/events/0`,
        rows: rows.length,
        block,
        positions: () => ({ of: BigUint64Array.from(rows, (row) => row.position), expired: () => false }),
        missing: (which: Uint8Array) => eventsBlock(rows.filter((_, at) => which[at] === 1)),
        ranges: () => [range],
      }
      if (record % 3 === 1) {
        await killed
        killed = second.kill9().then(() => second.start())
      }
      let attempts = 0
      for (let verify = false; ; verify = true) {
        const cx = { plan: `shaken-${record}`, epoch: 1, attempt: 1, verify, signal: never }
        const error = await insertOnce(store, portion, cx).then(
          () => undefined,
          (thrown: unknown) => thrown as { retry: string },
        )
        if (error === undefined) break
        expect(error.retry).toBe('later')
        expect(++attempts).toBeLessThan(100)
        await killed
      }
    }
    await killed
    const [row] = await store.query(
      "SELECT count() AS n, uniqExact(log_position) AS positions FROM events WHERE project = 'shaken'",
      {},
      {},
      never,
    )
    expect(row).toEqual({ n: '2400', positions: '2400' })
  })

  it('knows traces whose spans are on both servers', async () => {
    const chain = Array.from({ length: 12 }, (_, at) => at)
    await servers[0]!
      .sql(
        `INSERT INTO millrace.events (project, id, event_type, trace_id, span_id, parent_id, timestamp, expires_at, log_position) SETTINGS distributed_foreground_insert = 1 VALUES ${chain
          .map(
            (at) =>
              `('traced', 's${at}', 'trace', 't', 's${at}', '${at === 0 ? '' : `s${at - 1}`}', now64(3), now() + 1000, ${(5000 + at) * 65536})`,
          )
          .join()}`,
      )
      .catch(() => {}) // the answer of an INSERT is not rows
    expect(await count('events_local', 'traced', servers[0]!)).toBeLessThan(12)
    const rows = await store.query(
      "SELECT span_id, depth FROM trace_spans WHERE project = 'traced' ORDER BY depth",
      {},
      {},
      never,
    )
    expect(rows).toEqual(chain.map((depth) => ({ span_id: `s${depth}`, depth })))
  })

  it('shows who asks the rows of their project only, whichever server holds them', async () => {
    for (const project of ['default', 'other'])
      for (let record = 0; record < 8; record++)
        await store.insert(eventsBlock(recordRows(project, 300 + record, 10)), `${project}/events/${record}`, never)
    const ask = createClickHouseAsk({ address: pair.address, seconds: 10, rows: 100_000 })
    const read = async (sql: string) => {
      const answer = await ask.ask('default', sql, {}, 'ndjson', never)
      let text = ''
      for await (const piece of answer.body) text += Buffer.from(piece).toString()
      return text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
    }
    expect(await read('SELECT project, count() AS n FROM events GROUP BY project')).toEqual([
      { project: 'default', n: '80' },
    ])
    expect(await read('SELECT DISTINCT project FROM events_local')).toEqual([{ project: 'default' }])
    expect(await read('SELECT count() AS n FROM trace_spans')).toEqual([{ n: '0' }])
    const near = ask.ask('near', 'SELECT count() FROM events', {}, 'json', never)
    await expect(near).rejects.toThrow(/no row policy on events_local with project = 'near'/)
    expect(await codeOf(ask.ask('near', 'SELECT 1', {}, 'json', never))).toBe('unavailable')
    await ask.stop()
  })

  it('gets statements that ClickHouse can read, also those that take a Keeper', async () => {
    for (const replicated of [true, false]) {
      const of = { name: 'pair', replicated }
      const statements = [
        databaseStatement('millrace', of),
        ...journalStatements('millrace', of),
        ...tables.flatMap((table) => tableStatements('millrace', table, of)),
        traceSpansView('millrace', of),
        syncReplica('millrace', 'events', of),
        killQueries(of),
      ]
      for (const statement of statements) {
        const [row] = await store.query(`SELECT formatQuerySingleLine(${quoteSql(statement)}) AS text`, {}, {}, never)
        expect(String(row?.['text'])).toContain('ON CLUSTER')
      }
    }
  })
})
