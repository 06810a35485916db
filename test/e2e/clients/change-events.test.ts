import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, createInstance, type Instance } from '../../support/instance.ts'
import { ledger, send, settled, storedEvent } from '../../support/pipeline.ts'

/** Change events, domain events and Workers' tails: no client library sends them, so the forms are those of their documents. */
let instance: Instance
let collector: string
let api: string

beforeAll(async () => {
  instance = createInstance()
  ;({ collector, api } = await instance.start())
})
afterAll(() => instance.dispose())

const at = Date.now() - 60_000
const sum = { dropped: 0, quarantined: 0 }

describe('POST /v1/cdc', () => {
  const source = (lsn: number | string, more: object = {}) => ({
    version: '3.0.0.Final',
    connector: 'postgresql',
    name: 'shop',
    ts_ms: at,
    snapshot: false,
    db: 'postgres',
    schema: 'public',
    table: 'customers',
    txId: 556,
    lsn,
    ...more,
  })
  const anne = {
    id: 9_007_199_254_740_991,
    first_name: 'Anne',
    balance: '12345678901234567890.10',
    visits: 0,
    note: null,
  }
  /** As an HTTP sink of Kafka Connect posts it: values in an array, with and without their schema; and records with keys. */
  const batch = JSON.stringify([
    {
      schema: { type: 'struct', fields: [] },
      payload: { op: 'c', before: null, after: anne, source: source(101), ts_ms: at },
    },
    { op: 'u', before: anne, after: { ...anne, visits: 1 }, source: source(102, { ts_ns: 'NS' }), ts_ms: at },
    { op: 'd', before: { id: 7 }, after: null, source: source('BIG'), ts_ms: at },
    { op: 'r', before: null, after: { id: 8 }, source: source(104, { snapshot: 'last' }), ts_ms: at },
    { topic: 'shop.public.customers', partition: 0, offset: 42, timestamp: at, key: { id: 7 }, value: null },
    {
      op: 'UPDATE',
      table: 'orders',
      schema: 'main',
      key: { order: 1, line: 2 },
      after: { n: 0 },
      lsn: '0/16B3748',
      ts: at,
    },
  ])
    .replace('"NS"', `${at}863769`)
    .replace('"BIG"', '18446744073709551615')

  it('stores each change, and each of them again is a duplicate', async () => {
    expect(await send(`${collector}/v1/cdc`, batch)).toMatchObject({ ...sum, stored: 6, duplicate: 0 })
    const body = gzipSync(batch)
    const again = await send(`${collector}/v1/cdc`, body, { 'content-encoding': 'gzip' })
    expect(again).toMatchObject({ ...sum, stored: 0, duplicate: 6 })
  })

  it('takes them as lines and one by one, as the same changes', async () => {
    const changes = JSON.parse(batch) as object[]
    const exact = batch.slice(1, -1).split(/(?<=\}),(?=\{"(?:op|topic|schema)")/)
    expect(exact.length).toBe(changes.length)
    const lines = await send(`${collector}/v1/cdc`, exact.join('\n'), { 'content-type': 'application/x-ndjson' })
    expect(lines).toMatchObject({ ...sum, duplicate: 6 })
    expect(await send(`${collector}/v1/cdc`, exact[1] as string)).toMatchObject({ ...sum, duplicate: 1 })
  })

  it('answers SQL with the right columns, in the order of the log', async () => {
    await settled(api)
    const rows = await ask(
      api,
      `SELECT event_type, event_name, db_system, db_name, db_table, db_operation, db_row_id, db_lsn, transaction_id, ns,
         labels.schema::String AS schema, JSONExtractString(db_after, 'balance') AS balance,
         JSONExtractRaw(db_after, 'id') AS id_after, toString(timestamp_ns) AS ns_exact, resource_id
       FROM events WHERE event_source = 'cdc' AND db_system = 'postgresql' ORDER BY length(db_lsn), db_lsn`,
    )
    const common = {
      event_type: 'cdc',
      db_system: 'postgresql',
      db_name: 'postgres',
      db_table: 'customers',
      schema: 'public',
    }
    expect(rows).toMatchObject([
      { ...common, db_operation: 'INSERT', db_lsn: '101', balance: anne.balance, id_after: '9007199254740991' },
      { ...common, db_operation: 'UPDATE', db_lsn: '102', transaction_id: '556', ns: 'shop', ns_exact: `${at}863769` },
      { ...common, db_operation: 'READ', db_lsn: '104', db_row_id: '8' },
      { ...common, event_name: 'customers.DELETE', db_lsn: '18446744073709551615', resource_id: 'shop/customers/7' },
    ])
    const [plain] = await ask(api, `SELECT * FROM events WHERE db_table = 'orders'`)
    expect(plain).toMatchObject({ event_name: 'orders.UPDATE', db_system: 'sqlite', db_row_id: '{"order":1,"line":2}' })
    const [tombstone] = await ask(api, `SELECT event_name, db_row_id FROM events WHERE db_operation = 'TOMBSTONE'`)
    expect(tombstone).toEqual({ event_name: 'customers.TOMBSTONE', db_row_id: '7' })
  })

  it('takes a snapshot of long ago only as history', async () => {
    const old = Date.now() - 40 * 86_400_000
    const body = JSON.stringify({ op: 'r', after: { id: 9 }, source: source(105, { snapshot: 'true', ts_ms: old }) })
    expect(await send(`${collector}/v1/cdc`, body)).toMatchObject({ stored: 0, quarantined: 1 })
    expect(await send(`${collector}/v1/cdc`, body, { 'x-millrace-historical': '1' })).toMatchObject({
      ...sum,
      stored: 1,
    })
  })

  it('quarantines what says nothing, and stores its neighbours', async () => {
    const body = JSON.stringify([null, { op: 'c', table: 't', key: 1, ts: at }, { op: 'x', source: source(1) }])
    const answer = await send(`${collector}/v1/cdc`, body)
    expect(answer).toMatchObject({ stored: 1, quarantined: 2 })
    expect(await send(`${collector}/v1/cdc`, 'null')).toMatchObject({ stored: 0, quarantined: 1 })
    expect(answer.receipts.map(({ index, issues }) => [index, issues?.[0]?.split(':')[0]])).toEqual([
      [0, '/'],
      [2, '/op'],
    ])
  })
})

describe('POST /v1/do', () => {
  const body = JSON.stringify({
    ns: 'https://app.example/',
    events: [{ id: 'e1', verb: 'signup', source: 'Customer/1', sourceType: 'Customer', actionId: 'a1', createdAt: at }],
    actions: [
      {
        id: 'a1',
        verb: 'create',
        status: 'completed',
        durability: 'do',
        target: 'Customer/1',
        startedAt: at,
        completedAt: at + 250,
      },
      { id: 'a2', verb: 'create', status: 'pending', durability: 'do', startedAt: at },
    ],
  })

  it('stores events and finished actions, once', async () => {
    expect(await send(`${collector}/v1/do`, body)).toMatchObject({ stored: 2, quarantined: 1 })
    expect(await send(`${collector}/v1/do`, body)).toMatchObject({ stored: 0, duplicate: 2, quarantined: 1 })
    expect(await storedEvent(api, 'do_event_e1')).toMatchObject({
      event_type: 'track',
      event_name: 'signup',
      event_source: 'do_event',
      ns: 'https://app.example',
      trace_id: 'a1',
      resource_id: 'https://app.example/Customer/1',
    })
    expect(await storedEvent(api, 'a1')).toMatchObject({
      event_type: 'trace',
      event_name: 'action.create',
      event_source: 'do_action',
      outcome: 'success',
      duration_ms: 250,
      action_durability: 'do',
      trace_id: 'a1',
    })
  })
})

describe('POST /v1/tail', () => {
  const item = {
    scriptName: 'shop',
    outcome: 'exception',
    eventTimestamp: at,
    event: {
      request: {
        url: 'https://shop.example/cart?x=1',
        method: 'GET',
        headers: { cookie: 'sid=s3cret', 'cf-connecting-ip': '203.0.113.7', 'user-agent': 'curl/8' },
        cf: { country: 'DE', colo: 'FRA', asn: 64496 },
      },
      response: { status: 500 },
    },
    logs: [{ level: 'log', message: ['hit'], timestamp: at }],
    exceptions: [{ name: 'TypeError', message: 'x is undefined', timestamp: at }],
    cpuTime: 0,
    wallTime: 11,
  }
  const line = {
    ScriptName: 'shop',
    EventTimestampMs: at,
    EventType: 'scheduled',
    Outcome: 'ok',
    Event: { Cron: '0 * * * *' },
  }

  it('stores what a Tail Worker posts, two alike as two, and the same body again as duplicates', async () => {
    const body = JSON.stringify([item, item])
    const type = { 'content-type': 'text/plain;charset=UTF-8' }
    expect(await send(`${collector}/v1/tail`, body, type)).toMatchObject({ ...sum, stored: 2 })
    expect(await send(`${collector}/v1/tail`, body, type)).toMatchObject({ ...sum, stored: 0, duplicate: 2 })
  })

  it('stores the compressed lines of Logpush', async () => {
    const body = gzipSync(`${JSON.stringify(line)}\n${JSON.stringify({ ...line, Outcome: 'exceededCpu' })}\n`)
    const headers = { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' }
    expect(await send(`${collector}/v1/tail`, body, headers)).toMatchObject({ ...sum, stored: 2 })
  })

  it('answers SQL with the right columns, and has nobody’s cookie anywhere', async () => {
    await settled(api)
    const rows = await ask(api, `SELECT * FROM events WHERE event_type = 'tail' ORDER BY event_name, outcome`)
    expect(rows).toMatchObject([
      ...[1, 2].map(() => ({
        event_name: 'workers.fetch',
        ns: 'workers://shop',
        service_name: 'shop',
        outcome: 'error',
        error_type: 'TypeError',
        http_host: 'shop.example',
        http_path: '/cart',
        http_status: 500,
        http_user_agent: 'curl/8',
        geo_country: 'DE',
        cpu_time_ms: 0,
        duration_ms: 11,
      })),
      { event_name: 'workers.scheduled', outcome: 'exceeded_cpu' },
      { event_name: 'workers.scheduled', outcome: 'success' },
    ])
    expect(JSON.stringify(rows)).not.toMatch(/s3cret|203\.0\.113/)
  })

  it('and everything that was received is accounted for', async () => {
    await settled(api)
    const { rows } = await ledger(api)
    const bySource = new Map<string, number>()
    for (const { source, outcome, events } of rows)
      bySource.set(`${source} ${outcome}`, (bySource.get(`${source} ${outcome}`) ?? 0) + events)
    expect(Object.fromEntries(bySource)).toEqual({
      'cdc stored': 8,
      'cdc duplicate': 13,
      'cdc quarantined': 4,
      'do_event stored': 2,
      'do_event duplicate': 2,
      'do_event quarantined': 2,
      'workers_tail stored': 4,
      'workers_tail duplicate': 2,
    })
  })
})
