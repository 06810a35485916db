import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PipelineError } from '../../../core/errors.ts'
import type { Ask, AskFormat } from '../../ask.ts'
import { never } from '../../store.contract.ts'
import type { Store } from '../../store.ts'
import { createClickHouseAsk } from '../ask.ts'
import { createClickHouseStore } from '../driver.ts'
import { type EngineFixture, engineFixture } from '../engine.fixture.ts'
import { allowedFunctions } from './functions.gen.ts'
import { isRefused } from './refused-functions.ts'

// Project `a` asks; everything of project `b` says `secret`. Ids of `a` are numbers, so that casting one of `b` would fail and tell.
const rows = 40
let engine: EngineFixture
let store: Store
let ask: Ask

async function sql(query: string): Promise<void> {
  const { url, service } = engine.run()
  const answer = await fetch(`${url}/?database=millrace`, {
    method: 'POST',
    body: query,
    headers: { 'X-ClickHouse-User': service.user, 'X-ClickHouse-Key': service.password },
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
}

beforeAll(async () => {
  engine = engineFixture({ projects: ['a', 'b', 'default'], ask: { seconds: 2, memoryBytes: 200e6, rows: 1000 } })
  await engine.start()
  store = createClickHouseStore({ address: { embedded: engine.runFile } })
  await store.start(never)
  const shared = `now64(3) - number AS timestamp, now() + 100000 AS expires_at, number AS log_position`
  await sql(`INSERT INTO events (project, id, event_type, event_name, actor_id, session_id, trace_id, span_id, parent_id, duration_ms, properties, timestamp, expires_at, log_position)
    SELECT 'a', toString(number), if(number % 4 = 0, 'trace', 'track'), ['view','add','buy'][number % 3 + 1], 'u' || toString(number % 5), 's' || toString(number % 7),
      't', hex(number), if(number = 0, '', hex(0)), number, '{"price":12,"tags":["x","y"],"nested":{"deep":1.5}}'::JSON, ${shared} FROM numbers(${rows})`)
  await sql(`INSERT INTO events (project, id, event_type, event_name, actor_id, session_id, trace_id, span_id, duration_ms, properties, timestamp, expires_at, log_position)
    SELECT 'b', 'secret' || toString(number), 'trace', 'secret', 'secret', 'secret', 't', 'secret' || toString(number), 1, '{"secret":"secret"}'::JSON, ${shared} FROM numbers(500)`)
  await sql(
    `INSERT INTO ledger (project, minute, source, outcome, reason, events) VALUES ('a', now(), 'segment', 'stored', '', 40), ('b', now(), 'secret', 'stored', '', 500)`,
  )
  await sql(
    `INSERT INTO outcomes (id, project, source, received_at, outcome, reason, batch_id, count) VALUES ('1', 'a', 'segment', now64(3), 'duplicate', '', '', 1), ('secret', 'b', 'secret', now64(3), 'duplicate', '', '', 1)`,
  )
  await sql(`INSERT INTO quarantine (id, project, source, received_at, batch_id, index, reason, redacted, event_type, sealed, seal_key, log_position) SETTINGS insert_allow_materialized_columns = 1
    VALUES ('1', 'a', 'segment', now64(3), '', 0, 'schema', '{}', 'track', 'sealed-secret', 'key-secret', 1), ('secret', 'b', 'secret', now64(3), '', 0, 'schema', '{}', 'track', 'x', 'y', 2)`)
  ask = createClickHouseAsk({ address: { embedded: engine.runFile }, seconds: 2, rows: 1000 })
  await ask.start(never)
})
afterAll(async () => {
  await ask.stop()
  await store.stop()
  await engine.close()
})

async function body(
  query: string,
  params: Record<string, unknown> = {},
  format: AskFormat = 'json',
  project = 'a',
  signal = never,
): Promise<Buffer> {
  const answer = await ask.ask(project, query, params, format, signal)
  const pieces: Uint8Array[] = []
  for await (const piece of answer.body) pieces.push(piece)
  return Buffer.concat(pieces)
}

interface Json {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly statistics: Readonly<Record<'rows_read' | 'bytes_read' | 'elapsed_ms', number>>
}
const json = async (query: string, params: Record<string, unknown> = {}) =>
  JSON.parse((await body(query, params)).toString()) as Json
const rowsOf = async (query: string, params: Record<string, unknown> = {}) => (await json(query, params)).rows

/** The error's code and message, or the answer. Nothing of it may ever say `secret`. */
async function outcome(query: string): Promise<{ code: string; text: string }> {
  try {
    return { code: 'answered', text: (await body(query)).toString() }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { code: error.code, text: error.message }
  }
}

/** The query itself may contain the word; then an error may repeat it. */
function showsSecret(query: string, text: string): boolean {
  return text.replaceAll(query, '').includes('secret') && !query.includes('secret')
}

describe('refuses what reaches outside the query', () => {
  it.each([
    // files
    "SELECT file('/etc/passwd')",
    "SELECT FILE('/etc/passwd')",
    "SELECT `file`('/etc/passwd')",
    "SELECT length(file('/etc/passwd'))",
    "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
    "SELECT arrayMap(file, ['/etc/passwd'])",
    "SELECT arrayMap(`file`, ['/etc/passwd'])",
    'SELECT arrayMap("file", [\'/etc/passwd\'])',
    "WITH file('/etc/passwd') AS f SELECT f",
    "WITH (SELECT file('/etc/passwd')) AS f SELECT f",
    "WITH f AS (SELECT file('/etc/passwd') AS x) SELECT x FROM f",
    "WITH x -> file(x) AS f SELECT f('/etc/passwd')",
    "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')",
    "SELECT COLUMNS('.*') APPLY(x -> file(x)) FROM (SELECT '/etc/passwd')",
    "SELECT * REPLACE(file('/etc/passwd') AS id) FROM events",
    "SELECT id FROM events WHERE id = file('/etc/passwd')",
    "SELECT id FROM events PREWHERE id = file('/etc/passwd')",
    "SELECT id FROM events GROUP BY id HAVING any(file('/etc/passwd')) != ''",
    "SELECT id FROM events ORDER BY file('/etc/passwd')",
    "SELECT id FROM events ORDER BY id LIMIT length(file('/etc/passwd'))",
    "SELECT id FROM events LIMIT 1 OFFSET length(file('/etc/passwd'))",
    "SELECT rank() OVER w FROM events WINDOW w AS (ORDER BY file('/etc/passwd'))",
    "SELECT sum(duration_ms) OVER (PARTITION BY file('/etc/passwd')) FROM events",
    "SELECT number FROM numbers(3) ORDER BY number WITH FILL FROM length(file('/etc/passwd')) INTERPOLATE (number AS length(file('/etc/passwd')))",
    "SELECT id FROM events ARRAY JOIN [file('/etc/passwd')] AS x",
    "SELECT 1 FROM events AS l JOIN (SELECT 1 AS x) AS r ON l.id = file('/etc/passwd')",
    "SELECT * FROM numbers(length(file('/etc/passwd')))",
    "SELECT * FROM view(SELECT file('/etc/passwd'))",
    "SELECT quantile(length(file('/etc/passwd')))(1)",
    "SELECT 1 UNION ALL SELECT length(file('/etc/passwd'))",
    "SELECT 1 INTERSECT SELECT length(file('/etc/passwd'))",
    "SELECT CASE WHEN file('/etc/passwd') = '' THEN 1 END",
    "SELECT file('/etc/passwd')::String",
    "SELECT [file('/etc/passwd')][1], (file('/etc/passwd'), 1).1, -length(file('/etc/passwd'))",
    'SELECT 1 AS "a) (children 1)\n ExpressionList", file(\'/etc/passwd\')',
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT 1 IN file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM fileCluster('default', '/etc/passwd', 'LineAsString')",
    "SELECT 1 INTO OUTFILE '/tmp/millrace-cage'",
    "SELECT * FROM sqlite('/tmp/x.db', 't')",
    "SELECT * FROM icebergLocal('/tmp/x')",
    "SELECT * FROM deltaLakeLocal('/tmp/x')",
    "SELECT * FROM executable('cat /etc/passwd', 'LineAsString', 'x String')",
    // the network
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM s3('http://127.0.0.1:1/b/k', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1', 'millrace.events')",
    "SELECT * FROM remoteSecure('127.0.0.1', 'millrace.events')",
    "SELECT * FROM cluster('default', 'millrace.events')",
    "SELECT * FROM clusterAllReplicas('default', 'system.one')",
    "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM mongodb('127.0.0.1:1', 'd', 'c', 'u', 'p', 'x String')",
    "SELECT * FROM redis('127.0.0.1:1', 'k', 'k String')",
    "SELECT * FROM jdbc('x', 't')",
    "SELECT * FROM hdfs('hdfs://127.0.0.1:1/x', 'CSV')",
    "SELECT aiGenerate('x', 'y')",
    // past the row filter
    'SELECT * FROM mergeTreeIndex(millrace, events)',
    'SELECT 1 IN (SELECT project FROM mergeTreeIndex(millrace, events))',
    'SELECT 1 IN mergeTreeIndex(millrace, events)',
    'SELECT * FROM mergeTreeProjection(millrace, events, p)',
    'SELECT * FROM mergeTreeAnalyzeIndexes(millrace, events)',
    'SELECT * FROM mergeTreeTextIndex(millrace, events, by_id)',
    "SELECT * FROM merge('millrace', '.*')",
    "SELECT * FROM merge(REGEXP('.*'), 'events')",
    'SELECT * FROM loop(millrace.events)',
    "SELECT * FROM dictionary('d')",
    "SELECT dictGet('d', 'x', 1)",
    "SELECT arrayMap(dictHas, ['d'], [1])",
    "SELECT joinGet('millrace.events', 'id', 'x')",
    "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT 1))",
    'SELECT * FROM (EXPLAIN SELECT 1)',
    "SELECT * FROM eval('SELECT 1')",
    "SELECT * FROM fuzzQuery('SELECT 1')",
    'SELECT sealed FROM quarantine',
    'SELECT seal_key FROM quarantine',
    'SELECT quarantine.sealed FROM quarantine',
    "SELECT COLUMNS('seal') FROM quarantine",
    'SELECT id FROM quarantine WHERE length(sealed) > 0',
    'SELECT * FROM schema_migrations',
    'SELECT * FROM millrace.schema_migrations',
    // the engine and the machine
    'SELECT * FROM system.tables',
    'SELECT * FROM `system`.`tables`',
    'SELECT * FROM "SYSTEM".parts',
    'SELECT * FROM system.one',
    'SELECT 1 IN system.one',
    'SELECT * FROM system.processes',
    'SELECT * FROM system.users',
    'SELECT * FROM system.row_policies',
    'SELECT * FROM information_schema.tables',
    'SELECT * FROM INFORMATION_SCHEMA.columns',
    'SELECT name FROM system.settings',
    'SELECT hostName(), uptime(), serverUUID()',
    'SELECT currentUser()',
    'SELECT user()',
    "SELECT getServerSetting('max_server_memory_usage')",
    "SELECT getMacro('x')",
    "SELECT getClientHTTPHeader('Authorization')",
    "SELECT hasColumnInTable('system', 'tables', 'name')",
    'SELECT showCertificate(), filesystemAvailable()',
    "SELECT addressToLine(1), addressToSymbol(1), demangle('x')",
    "SELECT initializeAggregation('sum', 1)",
    'SELECT sleep(1)',
    'SELECT sleepEachRow(0.1) FROM numbers(100)',
    // limits and other statements
    'SELECT 1 SETTINGS max_execution_time = 0',
    'SELECT 1 SETTINGS readonly = 0, max_threads = 64',
    'SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0)',
    'SELECT 1 FORMAT Native',
    'SET max_execution_time = 0',
    'INSERT INTO events (id) VALUES (1)',
    "INSERT INTO FUNCTION file('/tmp/millrace-cage') SELECT 1",
    'CREATE TABLE x (a Int8) ENGINE = Memory',
    'CREATE TEMPORARY TABLE x (a Int8)',
    'CREATE FUNCTION f AS x -> file(x)',
    'DROP TABLE events',
    'TRUNCATE TABLE events',
    'ALTER TABLE events DELETE WHERE 1',
    'DELETE FROM events WHERE 1',
    'OPTIMIZE TABLE events',
    'SYSTEM SHUTDOWN',
    'SYSTEM STOP LISTEN HTTP',
    'KILL QUERY WHERE 1',
    'GRANT SELECT ON *.* TO ask_0',
    'USE system',
    'SHOW TABLES',
    'SHOW CREATE TABLE events',
    'EXPLAIN SELECT 1',
    "BACKUP TABLE events TO Disk('x', 'y')",
    'EXECUTE AS millrace SELECT 1',
  ])('%s', async (query) => {
    const { code, text } = await outcome(query)
    expect(['query_refused', 'query_failed']).toContain(code)
    expect(showsSecret(query, text)).toBe(false)
    expect(text).not.toMatch(/root:|\/tmp\/millrace|127\.0\.0\.1:\d{5}|ask_\d/)
  })

  it.each([
    ['several statements', 'SELECT 1; SELECT 2'],
    ['a second statement behind a comment', 'SELECT 1 -- x\n; DROP TABLE events'],
    ['an empty query', '  \n '],
    ['only a comment', '-- nothing'],
    ['a settings prefix of the question for the tree', 'optimize = 1 SELECT 1'],
    ['a graph instead of the tree', "graph = 1 SELECT file('/etc/passwd')"],
    ['inline data', 'INSERT INTO events FORMAT JSONEachRow {"id":"x"}'],
    ['a table by parameter of another database', 'SELECT * FROM {t:Identifier}'],
  ])('%s', async (_title, query) => {
    const code = await body(query, query.includes('{t:') ? { t: 'system.tables' } : {}).then(
      () => 'answered',
      (error: unknown) => (error as PipelineError).code,
    )
    expect(['query_refused', 'query_failed']).toContain(code)
  })
})

describe('shows only rows of the project', () => {
  it.each([
    ['SELECT count() AS n FROM events', rows],
    ['SELECT count() AS n FROM millrace.events', rows],
    ["SELECT countIf(project = 'b') AS n FROM events", 0],
    ["SELECT count() AS n FROM events WHERE project = 'b' OR 1", rows],
    ["SELECT count() AS n FROM events PREWHERE project = 'b'", 0],
    ["SELECT count() AS n FROM events WHERE project IN (SELECT arrayJoin(['a', 'b']))", rows],
    ['SELECT count() AS n FROM (SELECT * FROM events)', rows],
    ['SELECT uniqExact(l.project) AS n FROM events AS l JOIN events AS r USING (trace_id)', 1],
    [
      "SELECT count() AS n FROM (SELECT number FROM numbers(500)) AS n LEFT JOIN events AS e ON e.log_position = n.number WHERE e.project = 'b'",
      0,
    ],
    ['SELECT count() AS n FROM (SELECT id FROM events UNION ALL SELECT id FROM events)', rows * 2],
    ['SELECT count() AS n FROM events WHERE log_position IN (SELECT log_position FROM events)', rows],
    ['WITH e AS (SELECT * FROM events) SELECT count() AS n FROM e', rows],
    ['SELECT count() AS n FROM view(SELECT * FROM events)', rows],
    ['SELECT uniqExact(project) AS n FROM trace_spans', 1],
    ['SELECT count() AS n FROM trace_spans', rows / 4],
    ['SELECT sum(events) AS n FROM ledger', rows],
    ['SELECT count() AS n FROM outcomes', 1],
    ['SELECT count() AS n FROM quarantine', 1],
    ['SELECT count() AS n FROM events AS e, events AS f WHERE e.project != f.project', 0],
    // An expression over a hidden row would fail, and tell.
    ['SELECT countIf(toUInt64(id) >= 0) AS n FROM events', rows],
    ['SELECT count() AS n FROM events WHERE toUInt64(id) >= 0', rows],
    ['SELECT count() AS n FROM events PREWHERE toUInt64(id) >= 0', rows],
    ["SELECT count() AS n FROM events WHERE throwIf(project != 'a', 'seen') = 0", rows],
    ['SELECT max(log_position) AS n FROM events', rows - 1],
    ['SELECT min(1), count() AS n FROM events WHERE 1', rows],
  ])('%s', async (query, expected) => {
    const { code, text } = await outcome(query)
    expect(code).toBe('answered')
    expect(Number((JSON.parse(text) as Json).rows[0]?.['n'])).toBe(expected)
  })

  it('lets everyone see all of quarantine but the sealed originals', async () => {
    const found = await rowsOf('SELECT * FROM quarantine')
    expect(found).toHaveLength(1)
    expect(Object.keys(found[0]!)).not.toContain('sealed')
  })

  it('gives another project its own rows', async () => {
    const text = (await body('SELECT count() AS n FROM events', {}, 'json', 'b')).toString()
    expect((JSON.parse(text) as Json).rows).toEqual([{ n: '500' }])
  })

  it('opens no SQL for a project that has no user', async () => {
    await expect(body('SELECT 1', {}, 'json', 'nobody')).rejects.toMatchObject({ code: 'unavailable', retry: 'never' })
  })
})

describe('parameters', () => {
  it('are exact integers, and times in RFC 3339', async () => {
    const query = `SELECT toString({big:UInt64}) AS big, toString({list:Array(Int64)}) AS list,
      toString({at:DateTime64(3, 'UTC')}) AS at, toString({second:DateTime('UTC')}) AS second,
      toString({old:DateTime64(3, 'UTC')}) AS old, toString({times:Array(DateTime64(3, 'UTC'))}) AS times,
      toString({plain:DateTime64(3, 'UTC')}) AS plain, {text:String} AS text`
    const at = '2026-11-21T12:00:00.250+02:00'
    const params = {
      big: 18446744073709551615n,
      list: [9007199254740993n, -9223372036854775808n],
      at,
      second: '2026-11-21T10:00:00Z',
      old: '1969-12-31T23:59:59.5Z',
      times: [at],
      plain: '2026-11-21 10:00:00.250',
      text: at,
    }
    expect(await rowsOf(query, params)).toEqual([
      {
        big: '18446744073709551615',
        list: '[9007199254740993,-9223372036854775808]',
        at: '2026-11-21 10:00:00.250',
        second: '2026-11-21 10:00:00',
        old: '1969-12-31 23:59:59.500',
        times: "['2026-11-21T10:00:00.250Z']",
        plain: '2026-11-21 10:00:00.250',
        text: at,
      },
    ])
  })
})

describe('stops at the limits', () => {
  it.each([
    ['groupArray', 'SELECT length(groupArray(number)) FROM numbers(10000000000)'],
    ['a big array', 'SELECT length(range(1000000000))'],
    ['a big string', "SELECT length(repeat('x', 1000000000))"],
    ['a cross join', 'SELECT count() FROM numbers(1000000) AS a, numbers(1000000) AS b, numbers(1000000) AS c'],
    [
      'a join with many rows of one key',
      'SELECT sum(a.x * b.x) FROM (SELECT 1 AS k, number AS x FROM numbers(10000000)) AS a JOIN (SELECT 1 AS k, number AS x FROM numbers(10000000)) AS b USING k',
    ],
    [
      'a recursion without end',
      'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t',
    ],
    [
      'a doubling recursion',
      'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n FROM (SELECT arrayJoin([n, n]) AS n FROM t)) SELECT count() FROM t',
    ],
    [
      'a regular expression over much',
      "SELECT countIf(match(concat(repeat('a', 20000), toString(number)), '(a|aa|aaa)*b')) FROM numbers(1000000)",
    ],
    ['a long sum', 'SELECT sum(sipHash64(number)) FROM numbers(1000000000000)'],
    ['many groups', 'SELECT count() FROM (SELECT number FROM numbers(1000000000) GROUP BY number)'],
    ['a big sort', 'SELECT number FROM numbers(1000000000) ORDER BY sipHash64(number) LIMIT 10 OFFSET 100000000'],
    [
      'arrays in arrays',
      'SELECT arrayMap(x -> arrayMap(y -> arrayMap(z -> z, range(10000)), range(10000)), range(10000))',
    ],
    ['too many rows', 'SELECT number FROM numbers(1001)'],
    ['endless rows', 'SELECT number FROM numbers(1000000000000)'],
    ['uniqExact of much', 'SELECT uniqExact(number) FROM numbers(10000000000)'],
    ['a fold', 'SELECT arrayFold((acc, x) -> arrayConcat(acc, acc), range(40), [1])'],
  ])('%s', async (_name, query) => {
    const began = performance.now()
    expect((await outcome(query)).code).toMatch(/^(limit_exceeded|query_failed)$/)
    expect(performance.now() - began).toBeLessThan(15_000)
    expect(await rowsOf('SELECT 1 AS alive')).toEqual([{ alive: 1 }])
  })

  it.each(['json', 'ndjson', 'csv', 'parquet', 'arrow'] as const)(
    'rows that come from no table, as %s',
    async (format) => {
      for (const query of [
        'SELECT arrayJoin(range(1001))',
        'WITH 1 AS x SELECT arrayJoin(range(3000)) + x',
        'SELECT arrayJoin(range(800)) UNION ALL SELECT arrayJoin(range(800))',
      ])
        await expect(body(query, {}, format), query).rejects.toMatchObject({
          code: 'limit_exceeded',
          message: expect.stringMatching(/^the answer has \d+ rows, at most 1000 are allowed/),
        })
      expect((await body('SELECT arrayJoin(range(1000))', {}, format)).length).toBeGreaterThan(1000)
    },
  )

  it('ends a query when its asker leaves', async () => {
    const leaving = new AbortController()
    const mark = `leaving${Date.now()}`
    const running = () =>
      store.query(
        "SELECT query FROM system.processes WHERE user LIKE 'ask%' AND query LIKE {mark:String}",
        { mark: `%${mark}%` },
        {},
        never,
      )
    const asked = body(
      `SELECT sum(sipHash64(number)) AS ${mark} FROM numbers(1000000000000)`,
      {},
      'json',
      'a',
      leaving.signal,
    )
    const end = asked.catch((error: unknown) => (error as PipelineError).code)
    await expect.poll(running).toHaveLength(1)
    leaving.abort()
    expect(await end).toBe('cancelled')
    await sleep(300)
    expect(await running()).toHaveLength(0)
  })
})

describe('answers what analysts ask', () => {
  it.each([
    [
      'groups',
      'SELECT event_name, count() AS n FROM events GROUP BY 1 ORDER BY n DESC, 1 LIMIT 1',
      [{ event_name: 'view', n: '14' }],
    ],
    [
      'windows',
      'SELECT id, lagInFrame(id) OVER (PARTITION BY actor_id ORDER BY toUInt32(id) ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before FROM events ORDER BY toUInt32(id) LIMIT 1 OFFSET 5',
      [{ id: '5', before: '0' }],
    ],
    [
      'funnels',
      "SELECT level, count() AS n FROM (SELECT actor_id, windowFunnel(3600)(toDateTime(timestamp), event_name = 'view', event_name = 'add') AS level FROM events GROUP BY actor_id) GROUP BY level ORDER BY level",
      [{ level: 2, n: '5' }],
    ],
    [
      'retention',
      "SELECT sum(r[1]) AS first FROM (SELECT actor_id, retention(event_name = 'view', event_name = 'buy') AS r FROM events GROUP BY actor_id)",
      [{ first: '5' }],
    ],
    [
      'sequences',
      "SELECT sequenceMatch('(?1).*(?2)')(toDateTime(timestamp), event_name = 'buy', event_name = 'add') AS m FROM events",
      [{ m: 1 }],
    ],
    [
      'CTEs',
      'WITH per AS (SELECT actor_id, count() AS n FROM events GROUP BY actor_id) SELECT max(n) AS n FROM per',
      [{ n: '8' }],
    ],
    [
      'recursive CTEs',
      'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT max(n) AS n FROM t',
      [{ n: '10' }],
    ],
    [
      'joins',
      'SELECT count() AS n FROM events AS e INNER JOIN (SELECT DISTINCT actor_id FROM events) AS a USING (actor_id)',
      [{ n: '40' }],
    ],
    [
      'JSON paths',
      'SELECT properties.price AS price, properties.nested.deep AS deep, properties.tags AS tags FROM events LIMIT 1',
      [{ price: 12, deep: 1.5, tags: ['x', 'y'] }],
    ],
    ['typed JSON paths', 'SELECT sum(properties.price::Float64) AS revenue FROM events', [{ revenue: 480 }]],
    [
      'whole JSON',
      'SELECT properties FROM events LIMIT 1',
      [{ properties: { price: 12, tags: ['x', 'y'], nested: { deep: 1.5 } } }],
    ],
    [
      'array joins',
      'SELECT tag, count() AS n FROM events ARRAY JOIN properties.tags.:`Array(Nullable(String))` AS tag GROUP BY tag ORDER BY tag',
      [
        { tag: 'x', n: '40' },
        { tag: 'y', n: '40' },
      ],
    ],
    ['lambdas', 'SELECT arraySum(x -> x * 2, arrayFilter(x -> x > 1, [1, 2, 3])) AS n', [{ n: '10' }]],
    ['lambdas with names', 'WITH x -> x * 2 AS double SELECT double(4) AS n', [{ n: 8 }]],
    ['functions as values', 'SELECT arrayMap(toString, [1, 2]) AS list', [{ list: ['1', '2'] }]],
    [
      'aggregates with combinators',
      "SELECT countIf(event_name = 'buy') AS a, sumOrNullIf(duration_ms, 0) AS b, uniqExactArrayIf([id], 1) AS c FROM events",
      [{ a: '13', b: null, c: '40' }],
    ],
    ['FILTER', "SELECT count() FILTER (WHERE event_name = 'buy') AS n FROM events", [{ n: '13' }]],
    [
      'quantiles',
      'SELECT quantileExact(0.5)(duration_ms) AS p50, quantiles(0.1, 0.9)(duration_ms) AS ps FROM events',
      [{ p50: 20, ps: [3.9000000000000004, 35.1] }],
    ],
    [
      'CASE and casts',
      "SELECT CASE WHEN duration_ms > 20 THEN 'slow' ELSE 'fast' END AS speed, count() AS n FROM events GROUP BY speed ORDER BY speed",
      [
        { speed: 'fast', n: '21' },
        { speed: 'slow', n: '19' },
      ],
    ],
    [
      'intervals and time zones',
      "SELECT toStartOfInterval(toDateTime64('2026-05-01 23:30:00', 3, 'UTC'), INTERVAL 1 HOUR, 'UTC') AS hour, toDate(toDateTime64('2026-05-01 23:30:00', 3, 'UTC'), 'Asia/Tokyo') AS day",
      [{ hour: '2026-05-01T23:00:00Z', day: '2026-05-02' }],
    ],
    [
      'filled gaps',
      'SELECT number FROM (SELECT arrayJoin([1, 3]) AS number) ORDER BY number WITH FILL',
      [{ number: 1 }, { number: 2 }, { number: 3 }],
    ],
    [
      'grouping sets',
      'SELECT event_type, count() AS n FROM events GROUP BY GROUPING SETS ((event_type), ()) ORDER BY n DESC LIMIT 1',
      [{ event_type: '', n: '40' }],
    ],
    ['except and replace', 'SELECT * EXCEPT (b) REPLACE (a + 1 AS a) FROM (SELECT 1 AS a, 2 AS b)', [{ a: 2 }]],
    [
      'columns by pattern',
      "SELECT COLUMNS('^event_n') FROM events ORDER BY toUInt32(id) LIMIT 1",
      [{ event_name: 'view' }],
    ],
    ['limit by', 'SELECT count() AS n FROM (SELECT id FROM events ORDER BY id LIMIT 2 BY actor_id)', [{ n: '10' }]],
    ['unions', 'SELECT sum(n) AS n FROM (SELECT 1 AS n UNION ALL SELECT 2 UNION DISTINCT SELECT 2)', [{ n: '3' }]],
    [
      'subqueries in IN and EXISTS',
      'SELECT count() AS n FROM events WHERE actor_id IN (SELECT actor_id FROM events WHERE id = {id:String}) AND EXISTS (SELECT 1)',
      [{ n: '8' }],
    ],
    [
      'values and series',
      "SELECT sum(x) AS n FROM values('x UInt8', 1, 2) WHERE x IN (SELECT generate_series FROM generate_series(1, 5))",
      [{ n: '3' }],
    ],
    [
      'parameters',
      'SELECT {text:String} AS text, {list:Array(UInt8)} AS list, {big:UInt64} AS big, {name:Identifier} AS value FROM events ORDER BY toUInt32(id) LIMIT 1',
      [{ text: "it's; -- \\ \n", list: [1, 2], big: '18446744073709551615', value: 'view' }],
    ],
    [
      'trace graphs',
      'SELECT depth, is_leaf, is_root FROM trace_spans ORDER BY toUInt32(id) LIMIT 2',
      [
        { depth: 0, is_leaf: false, is_root: true },
        { depth: 1, is_leaf: true, is_root: false },
      ],
    ],
    [
      'names of every script',
      'SELECT 1 AS `größe ✓`, \'file\' AS word, 2 AS "system of a down"',
      [{ 'größe ✓': 1, word: 'file', 'system of a down': 2 }],
    ],
    ['a trailing semicolon and comments', '/* a */ SELECT 1 AS n -- b\n;', [{ n: 1 }]],
    ['dictionaries of nothing', "SELECT map('a', 1)['a'] AS n, tuple(1, 'x').2 AS x", [{ n: 1, x: 'x' }]],
    ['describing a table', 'DESCRIBE TABLE ledger', undefined],
  ])('%s', async (_name, query, expected) => {
    const answer = await json(query, {
      text: "it's; -- \\ \n",
      list: [1, 2],
      big: '18446744073709551615',
      name: 'event_name',
      id: '3',
    })
    if (expected === undefined) expect(answer.rows.length).toBeGreaterThan(0)
    else expect(answer.rows).toEqual(expected)
  })

  it('says of what columns an answer is and what it cost', async () => {
    const answer = await json('SELECT id, count() AS n FROM events GROUP BY id LIMIT 0')
    expect(answer.columns).toEqual([
      { name: 'id', type: 'String' },
      { name: 'n', type: 'UInt64' },
    ])
    expect(answer.rows).toEqual([])
    expect((await json('SELECT * FROM events')).statistics).toMatchObject({
      rows_read: expect.any(Number),
      bytes_read: expect.any(Number),
      elapsed_ms: expect.any(Number),
    })
    expect((await json('SELECT id FROM events')).statistics.rows_read).toBeGreaterThanOrEqual(rows)
  })

  it('answers in each format', async () => {
    const query = 'SELECT id, log_position, properties FROM events ORDER BY toUInt32(id) LIMIT 2'
    const lines = (await body(query, {}, 'ndjson')).toString().trim().split('\n')
    expect(JSON.parse(lines[0]!)).toEqual({
      id: '0',
      log_position: '0',
      properties: { price: 12, tags: ['x', 'y'], nested: { deep: 1.5 } },
    })
    expect(lines).toHaveLength(2)
    expect((await body("SELECT 1 AS a, 'x\"y' AS b", {}, 'csv')).toString()).toBe('"a","b"\n1,"x""y"\n')
    expect((await body('SELECT 1 AS a', {}, 'parquet')).subarray(0, 4).toString()).toBe('PAR1')
    expect((await body('SELECT 1 AS a', {}, 'arrow')).readUInt32LE(0)).toBe(0xffffffff)
    expect((await ask.ask('a', 'SELECT 1', {}, 'parquet', never)).contentType).toBe('application/vnd.apache.parquet')
  })

  it('gives a thousand wide rows piece by piece', async () => {
    const answer = await ask.ask('a', "SELECT number, repeat('x', 1000) AS text FROM numbers(1000)", {}, 'json', never)
    let pieces = 0
    let text = ''
    for await (const piece of answer.body) {
      pieces++
      text += Buffer.from(piece).toString()
    }
    expect(pieces).toBeGreaterThan(3)
    expect((JSON.parse(text) as Json).rows).toHaveLength(1000)
  })

  it.each([
    ['SELEC 1', 'Syntax error'],
    ['SELECT nonsense FROM events', 'nonsense'],
    ['SELECT * FROM evnts', 'evnts'],
    ['SELECT 1 + ', 'Syntax error'],
    ["SELECT toUInt8('x')", 'x'],
    ['SELECT nofunction(1)', 'nofunction'],
    ['SELECT {missing:String}', 'missing'],
  ])('says what is wrong with %s', async (query, part) => {
    const { code, text } = await outcome(query)
    expect(code).toBe('query_failed')
    expect(text).toContain(part)
    expect(text).not.toMatch(/version|DB::Exception|Code: \d|\/tmp\//)
    expect(text.length).toBeLessThan(800)
  })

  it('refuses a query that is too long before it is sent', async () => {
    expect((await outcome(`SELECT '${'x'.repeat(300_000)}'`)).code).toBe('limit_exceeded')
  })
})

describe('on a server by URL', () => {
  const askOf = (project: string, login: { user: string; password: string }) => {
    const { url, service, database } = engine.run()
    return createClickHouseAsk({
      address: { server: { url, ...service, database, asking: { [project]: login } } },
      seconds: 10,
      rows: 1000,
    })
  }

  it('asks as the user that was made for the project', async () => {
    const server = askOf('a', engine.run().asking['a']!)
    const answer = await server.ask('a', 'SELECT count() AS n FROM events', {}, 'ndjson', never)
    for await (const piece of answer.body) expect(Buffer.from(piece).toString()).toBe('{"n":"40"}\n')
    await server.stop()
  })

  it('opens no SQL to a user who is not confined, and says what is missing', async () => {
    const server = askOf('a', engine.run().service)
    const error: unknown = await server.ask('a', 'SELECT 1', {}, 'json', never).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'unavailable', retry: 'never' })
    expect(String(error)).toMatch(/not confined.*readonly is 0.*no row policy on events/)
    await server.stop()
  })

  it("opens no SQL to another project's user", async () => {
    const server = askOf('a', engine.run().asking['b']!)
    await expect(server.ask('a', 'SELECT 1', {}, 'json', never)).rejects.toMatchObject({ code: 'unavailable' })
    await server.stop()
  })
})

describe('the list of allowed functions', () => {
  it('is that of the bundled engine without the refused ones (write functions.gen.ts anew from this difference)', async () => {
    const names = await store.query('SELECT name FROM system.functions', {}, {}, never)
    const expected = new Set(
      names
        .map((row) => String(row['name']))
        .filter((name) => !isRefused(name))
        .map((name) => name.toLowerCase()),
    )
    expect([...expected].filter((name) => !allowedFunctions.has(name))).toEqual([])
    expect([...allowedFunctions].filter((name) => !expected.has(name))).toEqual([])
  })
})
