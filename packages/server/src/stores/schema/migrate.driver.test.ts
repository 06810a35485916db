import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PipelineError } from '../../core/errors.ts'
import { createClickHouseStore } from '../clickhouse/driver.ts'
import { type EngineFixture, engineFixture } from '../clickhouse/engine.fixture.ts'
import { codeOf, eventsBlock, never, recordRows } from '../store.contract.ts'
import type { Store } from '../store.ts'
import { currentSchema, migrate, type Schema, type SchemaConnection } from './migrate.ts'

let engine: EngineFixture
beforeAll(async () => {
  engine = engineFixture()
  await engine.start()
})
afterAll(() => engine.close())

/** As the owner of a database of the test's own; `failAt` throws before that statement is run. */
function connection(database: string, failAt = Infinity): SchemaConnection & { statements(): number } {
  let statements = 0
  const post = async (sql: string, params: Readonly<Record<string, unknown>>) => {
    const { url, service } = engine.run()
    const search = new URLSearchParams(
      Object.entries(params).map(([name, value]): [string, string] => [`param_${name}`, String(value)]),
    )
    const answer = await fetch(`${url}/?${search.toString()}`, {
      method: 'POST',
      body: sql,
      headers: { 'X-ClickHouse-User': service.user, 'X-ClickHouse-Key': service.password },
    })
    const text = await answer.text()
    if (!answer.ok) throw new PipelineError('query_failed', text.slice(0, 500))
    return text
  }
  return {
    database,
    statements: () => statements,
    async execute(sql) {
      if (++statements >= failAt) throw new PipelineError('unavailable', 'killed here')
      await post(sql, {})
    },
    async ask(sql, params) {
      const text = await post(`${sql} FORMAT JSON`, params)
      return (JSON.parse(text) as { data: Record<string, unknown>[] }).data
    },
  }
}

async function shape(database: string): Promise<unknown> {
  const to = connection(database)
  const columns = await to.ask(
    'SELECT table, name, type, default_kind, default_expression FROM system.columns WHERE database = {database:String} ORDER BY table, position',
    { database },
    never,
  )
  const indexes = await to.ask(
    'SELECT table, name, type_full, expr FROM system.data_skipping_indices WHERE database = {database:String} ORDER BY table, name',
    { database },
    never,
  )
  const done = await to.ask(
    `SELECT kind, number, checksum FROM ${database}.schema_migrations FINAL ORDER BY kind, number`,
    {},
    never,
  )
  return { columns, indexes, done }
}

/** An earlier release: without three columns and an index, and with its own highest column number. */
const earlier: Schema = {
  ...currentSchema,
  tables: currentSchema.tables.map((table) =>
    table.name === 'events'
      ? {
          ...table,
          columns: table.columns.filter(({ name }) => !['event_name', 'is_duplicate', 'traits'].includes(name)),
          indexes: table.indexes.filter(({ name }) => name !== 'by_trace_id'),
        }
      : table,
  ),
  known: { ...currentSchema.known, column: currentSchema.known.column - 1 },
  views: () => [],
}

describe('migrate', () => {
  it('brings an existing database to the same schema as a new one, and keeps its rows', async () => {
    await migrate(connection('fresh'), never)
    await migrate(connection('older'), never, earlier)
    await connection('older').execute(
      "INSERT INTO older.events (id, project, timestamp, expires_at, log_position) VALUES ('kept', 'p', now(), now() + 1000, 7)",
      never,
    )
    await migrate(connection('older'), never)
    const { columns, indexes } = (await shape('older')) as { columns: unknown[]; indexes: unknown[] }
    expect({ columns, indexes }).toEqual(
      (({ columns, indexes }) => ({ columns, indexes }))(
        (await shape('fresh')) as { columns: unknown[]; indexes: unknown[] },
      ),
    )
    expect(await connection('older').ask('SELECT id, event_name, is_duplicate FROM older.events', {}, never)).toEqual([
      { id: 'kept', event_name: '', is_duplicate: false },
    ])
  })

  it('changes nothing the second time', async () => {
    await migrate(connection('twice'), never)
    const before = await shape('twice')
    await migrate(connection('twice'), never)
    expect(await shape('twice')).toEqual(before)
  })

  it('is mended by the next start wherever it was killed', async () => {
    const whole = connection('whole')
    await migrate(whole, never)
    const expected = (await shape('whole')) as object
    for (let at = 1; at <= whole.statements(); at++) {
      const database = `killed_${at}`
      expect(await codeOf(migrate(connection(database, at), never))).toBe('unavailable')
      await migrate(connection(database), never)
      expect(await shape(database)).toEqual(expected)
    }
  })

  it('runs a step once, in order, and a killed one again', async () => {
    const step = (number: number, statement: string) => ({ number, name: `step ${number}`, statements: [statement] })
    const schema: Schema = {
      tables: [],
      views: () => [],
      known: { migration: 3, column: 1 },
      migrations: [
        step(1, 'CREATE TABLE IF NOT EXISTS {db}.steps (n UInt8) ENGINE = MergeTree ORDER BY n'),
        step(2, 'INSERT INTO {db}.steps VALUES (2)'),
        step(3, 'INSERT INTO {db}.steps VALUES (3)'),
      ],
    }
    // Statements: database, journal, then a step and its note each; killed before step 3.
    expect(await codeOf(migrate(connection('steps', 7), never, schema))).toBe('unavailable')
    await migrate(connection('steps'), never, schema)
    await migrate(connection('steps'), never, schema)
    expect(await connection('steps').ask('SELECT n FROM steps.steps ORDER BY n', {}, never)).toEqual([
      { n: 2 },
      { n: 3 },
    ])
  })

  it('refuses data of a newer release in one sentence, and leaves it as it is', async () => {
    await migrate(connection('newer'), never)
    const before = await shape('newer')
    const error: unknown = await migrate(connection('newer'), never, earlier).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'newer_version', retry: 'never' })
    expect(String(error)).toMatch(
      /written by a newer release \(column \d+, this release knows \d+\): start that release or a newer one$/,
    )
    expect(
      await codeOf(
        migrate(connection('newer'), never, { ...currentSchema, known: { ...currentSchema.known, migration: 0 } }),
      ),
    ).toBe('newer_version')
    expect(await shape('newer')).toEqual(before)
  })

  it('refuses a step that was changed after it ran', async () => {
    await migrate(connection('changed'), never)
    const changed = { ...currentSchema, migrations: [{ number: 1, name: 'first schema', statements: ['SELECT 1'] }] }
    await expect(migrate(connection('changed'), never, changed)).rejects.toThrow(
      /migration 1 \(first schema\) was changed after it ran/,
    )
  })
})

describe('trace_spans', () => {
  let store: Store
  beforeAll(async () => {
    store = createClickHouseStore({ address: { embedded: engine.runFile } })
    await store.start(never)
  })
  afterAll(() => store.stop())

  interface Span {
    readonly span: number
    readonly parent: number | undefined
  }
  /** The definition, followed span by span. */
  function expectedGraph(spans: readonly Span[]): Map<number, { depth: number; is_leaf: boolean; is_root: boolean }> {
    const parents = new Map(spans.map(({ span, parent }) => [span, parent]))
    const named = new Set(spans.map(({ parent }) => parent))
    const depthOf = (span: number, seen: ReadonlySet<number>): number | undefined => {
      const parent = parents.get(span)
      if (parent === undefined) return 0
      if (!parents.has(parent)) return 1
      if (seen.has(parent)) return undefined
      const above = depthOf(parent, new Set([...seen, parent]))
      return above === undefined ? undefined : above + 1
    }
    return new Map(
      spans.map(({ span, parent }) => [
        span,
        { depth: depthOf(span, new Set([span])) ?? 1, is_leaf: !named.has(span), is_root: parent === undefined },
      ]),
    )
  }

  async function insertTraces(traces: readonly (readonly Span[])[], prefix: string): Promise<void> {
    const values = traces.flatMap((spans, trace) =>
      spans.map(
        ({ span, parent }, index) =>
          `('p', '${prefix}${trace}-${index}', 'trace', '${prefix}${trace}', 'span${span}', '${parent === undefined ? '' : `span${parent}`}', now64(3), now() + 10000, ${index})`,
      ),
    )
    for (let from = 0; from < values.length; from += 500)
      await connection('millrace').execute(
        `INSERT INTO millrace.events (project, id, event_type, trace_id, span_id, parent_id, timestamp, expires_at, log_position) VALUES ${values.slice(from, from + 500).join(',')}`,
        never,
      )
  }

  async function graphOf(prefix: string): Promise<Map<string, Map<number, unknown>>> {
    const rows = await store.query(
      'SELECT trace_id, span_id, depth, is_leaf, is_root FROM trace_spans WHERE startsWith(trace_id, {prefix:String})',
      { prefix },
      {},
      never,
    )
    const graph = new Map<string, Map<number, unknown>>()
    for (const { trace_id, span_id, ...rest } of rows) {
      const trace = graph.get(String(trace_id)) ?? new Map<number, unknown>()
      graph.set(String(trace_id), trace.set(Number(String(span_id).slice(4)), rest))
    }
    return graph
  }

  it('is exact for any graph, whatever the order of its spans', async () => {
    const span = fc.record({
      span: fc.integer({ min: 0, max: 40 }),
      parent: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
    })
    const trace = fc.uniqueArray(span, { selector: (one) => one.span, maxLength: 40, minLength: 1 })
    const traces = fc.sample(trace, { numRuns: 300, seed: 7 })
    await insertTraces(traces, 'any')
    const graph = await graphOf('any')
    for (const [index, spans] of traces.entries())
      expect([...graph.get(`any${index}`)!].toSorted(([a], [b]) => a - b)).toEqual(
        [...expectedGraph(spans)].toSorted(([a], [b]) => a - b),
      )
  })

  it('follows long chains', async () => {
    const chain = Array.from({ length: 1500 }, (_, index) => ({
      span: index,
      parent: index === 0 ? undefined : index - 1,
    }))
    await insertTraces([chain.toReversed()], 'chain')
    const graph = (await graphOf('chain')).get('chain0')!
    expect(graph.get(1499)).toEqual({ depth: 1499, is_leaf: true, is_root: false })
    expect(graph.get(0)).toEqual({ depth: 0, is_leaf: false, is_root: true })
  })

  it('changes when a missing parent comes late', async () => {
    await insertTraces([[{ span: 2, parent: 1 }]], 'late')
    expect((await graphOf('late')).get('late0')!.get(2)).toEqual({ depth: 1, is_leaf: true, is_root: false })
    await insertTraces(
      [
        [
          { span: 1, parent: 0 },
          { span: 0, parent: undefined },
        ],
      ],
      'late',
    )
    expect((await graphOf('late')).get('late0')!.get(2)).toEqual({ depth: 2, is_leaf: true, is_root: false })
  })

  it('has no spans of other event types', async () => {
    await store.insert(eventsBlock(recordRows('plain', 1, 3)), 'plain/events/0', never)
    expect(await store.query("SELECT count() AS n FROM trace_spans WHERE project = 'plain'", {}, {}, never)).toEqual([
      { n: '0' },
    ])
  })
})
