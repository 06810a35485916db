import { packLogPosition } from '@millrace/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import { FixedColumn, StringColumn } from './native-column.ts'
import { LowCardinalityColumn } from './native-low-cardinality.ts'
import type { Block, PositionRange, Store } from './store.ts'

export interface StoreHarness {
  /** Started; its tables are empty. */
  readonly store: Store
  close(): Promise<void>
}

export const never: AbortSignal = new AbortController().signal

export const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof PipelineError ? error.code : `no PipelineError: ${String(error)}`),
  )

export interface EventRow {
  readonly id: string
  readonly project: string
  readonly timestamp: number
  readonly position: bigint
  readonly revenue?: number
}

const noon = Date.UTC(2026, 4, 1, 12)

/** Rows of `events` with a few of its columns; the rest is the table's default. */
export function eventsBlock(rows: readonly EventRow[]): Block {
  const id = new StringColumn('id')
  const project = new LowCardinalityColumn('project')
  const timestamp = new FixedColumn('timestamp', "DateTime64(3, 'UTC')", 8, false)
  const expires = new FixedColumn('expires_at', "DateTime('UTC')", 4, false)
  const position = new FixedColumn('log_position', 'UInt64', 8, false)
  const revenue = new FixedColumn('duration_ms', 'Float64', 8, true)
  rows.forEach((row, index) => {
    id.appendText(index, row.id)
    project.appendText(index, row.project)
    timestamp.appendInteger(index, row.timestamp)
    expires.appendInteger(index, 4_000_000_000)
    position.appendU64(index, row.position)
    if (row.revenue !== undefined) revenue.appendFloat(index, row.revenue)
  })
  const columns = [id, project, timestamp, expires, position, revenue].map((column) => column.finish(rows.length))
  return { table: 'events', rows: rows.length, columns }
}

/** `count` rows of one record of the log, all with the same project. */
export function recordRows(project: string, offset: number, count: number, timestamp = noon): EventRow[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${project}-${offset}-${index}`,
    project,
    timestamp: timestamp + index,
    position: packLogPosition({ epoch: 1, partition: 0, offset, index }),
  }))
}

export function recordRange(offset: number): PositionRange {
  return {
    first: packLogPosition({ epoch: 1, partition: 0, offset, index: 0 }),
    last: packLogPosition({ epoch: 1, partition: 0, offset, index: 65_535 }),
  }
}

/** Every driver of `Store` keeps this. Each case works in a project and a range of offsets of its own. */
export function testStore(name: string, open: () => Promise<StoreHarness>): void {
  describe(name, () => {
    let harness: StoreHarness
    let store: Store
    beforeAll(async () => {
      harness = await open()
      store = harness.store
    })
    afterAll(async () => {
      await harness.close()
    })
    const rowsOf = async (project: string) => {
      const rows = await store.query(
        'SELECT count() AS n, uniqExact(id) AS ids FROM events WHERE project = {project:String}',
        { project },
        {},
        never,
      )
      return rows[0]
    }

    it('answers with a row as soon as its insert has resolved', async () => {
      await store.insert(eventsBlock(recordRows('soon', 1, 3)), 'soon/events/0', never)
      expect(await rowsOf('soon')).toEqual({ n: '3', ids: '3' })
    })

    it('stores a block once however often its token comes', async () => {
      const block = eventsBlock(recordRows('once', 2, 100))
      for (let time = 0; time < 3; time++) await store.insert(block, 'once/events/0', never)
      expect(await rowsOf('once')).toEqual({ n: '100', ids: '100' })
    })

    it('stores the same rows again under another token', async () => {
      const block = eventsBlock(recordRows('again', 3, 5))
      await store.insert(block, 'again/events/0', never)
      await store.insert(block, 'again/events/1', never)
      expect(await rowsOf('again')).toEqual({ n: '10', ids: '5' })
    })

    it('takes a block of a hundred days, once', async () => {
      const rows = Array.from({ length: 100 }, (_, day) => ({
        id: `day-${day}`,
        project: 'days',
        timestamp: noon - day * 86_400_000,
        position: packLogPosition({ epoch: 1, partition: 0, offset: 4, index: day }),
      }))
      await store.insert(eventsBlock(rows), 'days/events/0', never)
      await store.insert(eventsBlock(rows), 'days/events/0', never)
      expect(await rowsOf('days')).toEqual({ n: '100', ids: '100' })
    })

    it('fills columns that a block leaves out', async () => {
      const rows = [
        { ...recordRows('left-out', 5, 1)[0]!, revenue: 0 },
        recordRows('left-out', 6, 1, noon + 3_600_000)[0]!,
      ]
      await store.insert(eventsBlock(rows), 'left-out/events/0', never)
      const found = await store.query(
        'SELECT day, hour, duration_ms, event_name, is_duplicate, properties FROM events WHERE project = {p:String} ORDER BY timestamp',
        { p: 'left-out' },
        {},
        never,
      )
      expect(found).toEqual([
        { day: '2026-05-01', hour: 12, duration_ms: 0, event_name: '', is_duplicate: false, properties: {} },
        { day: '2026-05-01', hour: 13, duration_ms: null, event_name: '', is_duplicate: false, properties: {} },
      ])
    })

    it('says which positions it holds, ascending, repeated ones repeated', async () => {
      await store.insert(eventsBlock(recordRows('where', 8, 3)), 'where/events/0', never)
      await store.insert(eventsBlock(recordRows('where', 7, 2)), 'where/events/1', never)
      await store.insert(eventsBlock(recordRows('where', 7, 1)), 'where/events/2', never)
      const at = (offset: number, index: number) => packLogPosition({ epoch: 1, partition: 0, offset, index })
      const found = await store.positions('events', [recordRange(8), recordRange(7), recordRange(9)], never)
      expect([...found]).toEqual([at(7, 0), at(7, 0), at(7, 1), at(8, 0), at(8, 1), at(8, 2)])
      expect(await store.positions('events', [recordRange(1_000_000)], never)).toHaveLength(0)
      expect(await store.positions('events', [], never)).toHaveLength(0)
    })

    it('looks for some hundred ranges at once', async () => {
      await store.insert(eventsBlock(recordRows('many', 20_000, 2)), 'many/events/0', never)
      const ranges = Array.from({ length: 800 }, (_, index) => recordRange(20_000 + index * 2))
      expect(await store.positions('events', ranges, never)).toHaveLength(2)
    })

    it('refuses a block that the table cannot take, for good', async () => {
      const good = eventsBlock(recordRows('bad', 10, 1))
      const unknown = {
        ...good,
        columns: good.columns.map((column) => (column.name === 'id' ? { ...column, name: 'nobody_knows' } : column)),
      }
      const cut = { ...good, columns: good.columns.map((column) => ({ ...column, data: [] })) }
      for (const block of [unknown, cut, { ...good, table: 'no_such_table' }]) {
        const error: unknown = await store
          .insert(block, `bad/${crypto.randomUUID()}`, never)
          .catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(PipelineError)
        expect(error).toMatchObject({ code: 'malformed', retry: 'never' })
      }
      expect(await rowsOf('bad')).toEqual({ n: '0', ids: '0' })
    })

    it('shows keys whose dots were escaped as they were sent', async () => {
      const sql = `SELECT '{"a%2Eb":1,"a":{"b":2}}'::JSON AS json`
      expect(await store.query(sql, {}, {}, never)).toEqual([{ json: { 'a.b': 1, a: { b: 2 } } }])
    })

    it('gives 64-bit integers as strings and everything else as JSON has it', async () => {
      const rows = await store.query(
        `SELECT toUInt64(18446744073709551615) AS big, toInt64(-5) AS small, toUInt32(7) AS number, [toUInt64(1)] AS list, map('a', toInt64(2)) AS map,
           NULL AS nothing, {text:String} AS text, {words:Array(String)} AS words, 1.5 AS half, true AS yes,
           toDateTime64('2026-05-01 12:00:00.250', 3, 'UTC') AS time, '{"n":12,"long":9007199254740993}'::JSON AS json`,
        { text: "it's \\ \n ✓ {x}", words: ['a', "b'c"] },
        {},
        never,
      )
      expect(rows).toEqual([
        {
          big: '18446744073709551615',
          small: '-5',
          number: 7,
          list: ['1'],
          map: { a: '2' },
          nothing: null,
          text: "it's \\ \n ✓ {x}",
          words: ['a', "b'c"],
          half: 1.5,
          yes: true,
          time: '2026-05-01T12:00:00.250Z',
          json: { n: 12, long: '9007199254740993' },
        },
      ])
    })

    it('keeps the limits of a query', async () => {
      expect(await codeOf(store.query('SELECT number FROM numbers(100)', {}, { rows: 10 }, never))).toBe(
        'limit_exceeded',
      )
      expect(
        await codeOf(
          store.query(
            'SELECT count() FROM numbers(1e12) WHERE NOT ignore(sipHash64(number))',
            {},
            { seconds: 0.3 },
            never,
          ),
        ),
      ).toBe('limit_exceeded')
      expect(
        await codeOf(store.query('SELECT groupArray(number) FROM numbers(1e9)', {}, { memoryBytes: 50e6 }, never)),
      ).toBe('limit_exceeded')
    })

    it('says that a wrong query failed and why', async () => {
      const error: unknown = await store
        .query('SELECT nonsense FROM events', {}, {}, never)
        .catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'query_failed', retry: 'never' })
      expect(String(error)).toContain('nonsense')
    })

    it('ends a query in the store when its signal aborts', async () => {
      const mark = `left-${crypto.randomUUID()}`
      const running = () =>
        store.query(
          `SELECT query FROM system.processes WHERE query LIKE {like:String} AND query_id != queryID()`,
          { like: `%${mark}%` },
          {},
          never,
        )
      const leaving = new AbortController()
      const query = store.query(
        `SELECT '${mark}', count() FROM numbers(1e13) WHERE NOT ignore(sipHash64(number))`,
        {},
        { seconds: 60 },
        leaving.signal,
      )
      const code = codeOf(query)
      await expect.poll(running).toHaveLength(1)
      leaving.abort(new Error('enough'))
      expect(await code).toBe('cancelled')
      await expect.poll(running, { timeout: 5000 }).toHaveLength(0)
    })

    it('stops every query whose id begins with the one given, and no other', async () => {
      const id = crypto.randomUUID()
      const long = `SELECT count() FROM numbers(1e13) WHERE NOT ignore(sipHash64(number), '${id}')`
      const leaving = new AbortController()
      const query = store.query(long, {}, { seconds: 60 }, leaving.signal)
      const outcome = codeOf(query)
      const ids = async () =>
        (
          await store.query(
            `SELECT query_id FROM system.processes WHERE query LIKE {like:String} AND query_id != queryID()`,
            { like: `%${id}%` },
            {},
            never,
          )
        ).map((row) => String(row['query_id']))
      await expect.poll(ids).toHaveLength(1)
      const [queryId = ''] = await ids()
      await store.stopQuery(queryId.slice(0, -1), never)
      expect(await ids()).toEqual([queryId])
      await store.stopQuery(queryId, never)
      expect(await ids()).toEqual([])
      expect(['cancelled', 'query_failed']).toContain(await outcome)
    })
  })
}
