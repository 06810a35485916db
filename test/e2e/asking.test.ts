import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask, createInstance, eventually, getJson, type Instance } from '../support/instance.ts'
import { post, send, settled } from '../support/pipeline.ts'

let instance: Instance
let api: string

beforeAll(async () => {
  instance = createInstance({
    args: ['--set', 'query.seconds=2', '--set', 'query.rows=1000', '--set', 'query.memory=200 MB'],
  })
  const { collector, api: address } = await instance.start()
  api = address
  const span = (id: string, parent: string) => ({
    id,
    event_type: 'trace',
    event_name: id,
    trace_id: 't-1',
    span_id: id,
    parent_id: parent,
    duration_ms: 5,
  })
  const spans = [span('root', ''), span('child', 'root'), span('leaf', 'child')]
  const body = [...spans, { id: 'one', event_name: 'e', properties: { n: 9_007_199_254_740_991, text: 'a,"b"\nc' } }]
  expect(await send(`${collector}/v1/events`, JSON.stringify(body))).toMatchObject({ stored: 4 })
  await settled(api)
})
afterAll(() => instance.dispose())

const sql = (query: string, headers: Record<string, string> = {}, params: object = {}) =>
  post(`${api}/api/v1/sql`, JSON.stringify({ query, params }), headers)

it('answers with columns, rows and statistics; 64-bit integers are strings', async () => {
  const response = await sql(
    `SELECT id, properties.n::Int64 AS n, duration_ms, timestamp > 0 AS past FROM events WHERE id = 'one'`,
  )
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
  expect(await response.json()).toEqual({
    columns: [
      { name: 'id', type: 'String' },
      { name: 'n', type: 'Int64' },
      { name: 'duration_ms', type: 'Nullable(Float64)' },
      { name: 'past', type: 'UInt8' },
    ],
    rows: [{ id: 'one', n: '9007199254740991', duration_ms: null, past: 1 }],
    statistics: { rows_read: expect.any(Number), bytes_read: expect.any(Number), elapsed_ms: expect.any(Number) },
  })
})

it('tells by `why` that a row is in the tables, and no time for it that nobody has noted', async () => {
  const answer = (await (await fetch(`${api}/api/v1/events/one/why`)).json()) as Record<string, unknown>
  expect(answer).toMatchObject({ outcome: 'stored', in_tables: true, stored_at: null })
})

it('takes parameters digit for digit, and times as they are everywhere else', async () => {
  const response = await post(
    `${api}/api/v1/sql`,
    `{"query":"SELECT toString({id:UInt64}) AS id, toUnixTimestamp64Milli({at:DateTime64(3)}) AS at","params":{"id":18446744073709551615,"at":"2026-11-21T10:00:00.250Z"}}`,
  )
  expect(await response.json()).toMatchObject({ rows: [{ id: '18446744073709551615', at: '1795255200250' }] })
})

it.each([
  ['application/x-ndjson', (bytes: Buffer) => expect(bytes.toString()).toBe('{"id":"one","text":"a,\\"b\\"\\nc"}\n')],
  ['text/csv', (bytes: Buffer) => expect(bytes.toString()).toBe('"id","text"\n"one","a,""b""\nc"\n')],
  ['application/vnd.apache.parquet', (bytes: Buffer) => expect(bytes.toString('latin1', 0, 4)).toBe('PAR1')],
  ['application/vnd.apache.arrow.stream', (bytes: Buffer) => expect(bytes.readUInt32LE(0)).toBe(0xffffffff)],
])('answers in the format that Accept names: %s', async (accept, check) => {
  const response = await sql(`SELECT id, properties.text::String AS text FROM events WHERE id = 'one'`, { accept })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toContain(accept)
  check(Buffer.from(await response.arrayBuffer()))
})

it('has the graph of spans in trace_spans', async () => {
  expect(
    await ask(api, `SELECT id, depth, is_root, is_leaf FROM trace_spans WHERE trace_id = 't-1' ORDER BY depth`),
  ).toMatchObject([
    { id: 'root', depth: 0, is_root: true, is_leaf: false },
    { id: 'child', depth: 1, is_root: false, is_leaf: false },
    { id: 'leaf', depth: 2, is_root: false, is_leaf: true },
  ])
})

it.each([
  ['more rows than are allowed', 'SELECT number FROM numbers(1001)'],
  ['longer than is allowed', 'SELECT sum(sipHash64(number)) FROM numbers(1000000000000)'],
  ['more memory than is allowed', 'SELECT groupArray(number) FROM numbers(10000000000)'],
])('stops a query at its limits and says which: %s', async (_name, query) => {
  const response = await sql(query)
  expect(response.status).toBe(422)
  expect(await response.json()).toMatchObject({ code: 'limit_exceeded', detail: expect.stringMatching(/\d/) })
  expect(await ask(api, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

it.each([
  [`SELECT * FROM file('/etc/passwd', 'LineAsString')`],
  [`SELECT file('/etc/passwd')`],
  [`SELECT * FROM url('http://127.0.0.1:1/', 'CSV')`],
  [`SELECT * FROM system.parts`],
  [`SELECT sealed FROM quarantine`],
  [`INSERT INTO events (id) VALUES ('x')`],
  [`SELECT 1 SETTINGS max_memory_usage = 0`],
  [`SELECT * FROM mergeTreeIndex(currentDatabase(), events)`],
])('refuses what could reach beyond the project: %s', async (query) => {
  const response = await sql(query)
  expect([400, 403]).toContain(response.status)
  expect(await response.text()).not.toContain('root:')
})

it('notices that its client has left', async () => {
  const leaving = new AbortController()
  const asked = fetch(`${api}/api/v1/sql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"}',
    signal: leaving.signal,
  }).catch(() => 'left')
  setTimeout(() => leaving.abort(), 200)
  expect(await asked).toBe('left')
  await eventually(async () => {
    const metrics = await (await fetch(`${api}/metrics`)).text()
    return /^millrace_requests_total\{dialect="sql",status="499"[^}]*\} 1$/m.test(metrics) || undefined
  })
})

it('says 5xx with Retry-After while the engine is away, and answers again by itself', async () => {
  const before = instance.pid('engine')
  instance.kill9('engine')
  const response = await sql('SELECT 1 AS one')
  if (response.status !== 200) {
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await response.json()).toMatchObject({ code: 'unavailable' })
  }
  await eventually(async () => {
    if (instance.pid('engine') === before) return undefined
    return (await sql('SELECT 1 AS one')).status === 200 || undefined
  })
  expect((await getJson(`${api}/api/v1/events/one`)).status).toBe(200)
})
