import { parseJson, stringifyJson } from '@millrace/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventById } from '../../query/event-by-id.ts'
import type { Ask, AskFormat } from '../ask.ts'
import { JsonColumn } from '../native-json.ts'
import { eventsBlock, never, recordRows } from '../store.contract.ts'
import type { Store } from '../store.ts'
import { createClickHouseAsk } from './ask.ts'
import { createClickHouseStore } from './driver.ts'
import { type EngineFixture, engineFixture } from './engine.fixture.ts'

let engine: EngineFixture
let store: Store
let ask: Ask
let offset = 0
beforeAll(async () => {
  engine = engineFixture({ projects: ['default'], ask: { seconds: 10, memoryBytes: 512e6, rows: 10_000 } })
  await engine.start()
  store = createClickHouseStore({ address: { embedded: engine.runFile } })
  await store.start(never)
  ask = createClickHouseAsk({ address: { embedded: engine.runFile }, seconds: 10, rows: 10_000 })
  await ask.start(never)
})
afterAll(async () => {
  await ask.stop()
  await store.stop()
  await engine.close()
})

/** Store each text as the properties of an event; gives the events' ids. */
async function storeProperties(texts: readonly string[]): Promise<readonly string[]> {
  const rows = recordRows('default', ++offset, texts.length)
  const properties = new JsonColumn('properties')
  for (const [row, text] of texts.entries()) {
    const bytes = Buffer.from(text)
    properties.append(row, bytes, 0, bytes.length)
  }
  const block = eventsBlock(rows)
  const columns = [...block.columns, properties.finish(rows.length)]
  await store.insert({ ...block, columns }, `dotted/events/${offset}`, never)
  return rows.map(({ id }) => id)
}

async function answerTo(sql: string, params: Record<string, unknown>, format: AskFormat): Promise<string> {
  const { body } = await ask.ask('default', sql, params, format, never)
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

/** The properties of these events as each way of asking gives them, in the order of the ids. */
async function everyWay(ids: readonly string[]): Promise<Record<'json' | 'ndjson' | 'event', unknown[]>> {
  const sql = 'SELECT properties FROM events WHERE id IN {ids:Array(String)} ORDER BY log_position'
  const json = parseJson(await answerTo(sql, { ids }, 'json')) as { rows: { properties: unknown }[] }
  const ndjson = (await answerTo(sql, { ids }, 'ndjson')).trimEnd().split('\n')
  // One by one only some of them: each is a query of its own.
  const rows = await store.query(sql, { ids }, {}, never)
  const event = rows.map((row) => row['properties'])
  for (let row = 0; row < ids.length; row += 20)
    event[row] = (await eventById(store, 'default', ids[row]!, never))?.['properties'] ?? {}
  return {
    json: json.rows.map((row) => row.properties),
    ndjson: ndjson.map((line) => (JSON.parse(line) as { properties: unknown }).properties),
    event,
  }
}

it.each([
  ['{"error":true,"error.type":"Timeout"}', { error: true, 'error.type': 'Timeout' }],
  ['{"error.type":"Timeout","error":true}', { error: true, 'error.type': 'Timeout' }],
  ['{"error":true,"error-x":1,"error.type":2}', { error: true, 'error-x': 1, 'error.type': 2 }],
  ['{"a":1,"a.b":{"c":2,"d":3}}', { a: 1, 'a.b.c': 2, 'a.b.d': 3 }],
  ['{"a":1,"a.b":2,"a.b.c":3}', { a: 1, 'a.b': 2, 'a.b.c': 3 }],
  ['{"x":{"a":[1],"a.b":2,"c.d":3}}', { x: { a: [1], 'a.b': 2, c: { d: 3 } } }],
  ['{"list":[{"a":1,"a.b":2},{"a.b":3}]}', { list: [{ a: 1, 'a.b': 2 }, { a: { b: 3 } }] }],
  ['{"x.y":1,"x":{"y":2}}', { x: { y: 2 }, 'x.y': 1 }],
  ['{"x.y":{"z":1},"x":{"y":{"z":2}}}', { x: { y: { z: 2 } }, 'x.y': { z: 1 } }],
  ['{"x%2Ey":1}', { 'x%2Ey': 1 }],
  ['{"a":{"b":5,"b.c":2},"a.b":{"c":1}}', { a: { b: 5, 'b.c': 1, 'b%2Ec': 2 } }],
  ['{"http.method":"GET","http":{"status":200}}', { http: { method: 'GET', status: 200 } }],
  ['{"":1,".":2}', { '': 1, '.': 2 }],
  ['{"__proto__":1,"__proto__.a":2}', JSON.parse('{"__proto__":1,"__proto__.a":2}')],
  ['{"q\\"":1,"q\\".b":"\\",\\"b\\":{"}', { 'q"': 1, 'q".b': '","b":{' }],
  ['{"n":9007199254740993,"n.m":-0.5}', { n: '9007199254740993', 'n.m': -0.5 }],
])('gives %s whole, whichever way it is asked for', async (text, shown) => {
  const ways = await everyWay(await storeProperties([text]))
  expect(ways).toEqual({ json: [shown], ndjson: [shown], event: [shown] })
})

const leaf = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.string({ maxLength: 4 }),
  fc.constantFrom('":{', '"a":', '\\', '%2E', 'a.b'),
)
const plainKeys = ['a', 'b', 'c', 'a-x', 'é"\\']
const objects = (keys: readonly string[]) =>
  fc.letrec<{ value: unknown; object: object }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      tie('object'),
      fc.array(tie('object'), { maxLength: 2 }),
    ),
    object: fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 5 }),
  })).object

/** Every value of an object under its whole path, sorted: what is to be the same however the keys are cut. An object in an array has paths of its own. */
function flat(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(flat)
  if (typeof value !== 'object' || value === null) return value
  return leavesOf(value)
    .map(([keys, inner]) => [keys.join('.').replaceAll('%2E', '.').replace(/%+$/, ''), flat(inner)])
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

function leavesOf(object: object): (readonly [keys: readonly string[], value: unknown])[] {
  return Object.entries(object).flatMap(([key, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? leavesOf(value).map(([keys, inner]) => [[key, ...keys], inner] as const)
      : [[[key], value] as const],
  )
}

/** What the guide says, for objects in which no path comes twice. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal)
  return typeof value === 'object' && value !== null ? nested(leavesOf(value).map(([k, v]) => [k.join('.'), v])) : value
}

function nested(leaves: readonly (readonly [path: string, value: unknown])[]): object {
  const byKey = Map.groupBy(leaves, ([path]) => path.split('.')[0] as string)
  return Object.fromEntries(
    [...byKey].flatMap(([key, under]) =>
      under.some(([path]) => path === key)
        ? under.map(([path, value]) => [path, normal(value)] as const)
        : [[key, nested(under.map(([path, value]) => [path.slice(key.length + 1), value]))] as const],
    ),
  )
}

function repeatsPath(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(repeatsPath)
  if (typeof value !== 'object' || value === null) return false
  const leaves = leavesOf(value)
  return (
    new Set(leaves.map(([keys]) => keys.join('.'))).size < leaves.length ||
    leaves.some(([, inner]) => repeatsPath(inner))
  )
}

const keys = [...plainKeys, 'a.b', 'b.c', 'a.b.c', 'c.a']

it('loses no value of any object, and gives it in the form that the guide describes', async () => {
  for (const seed of [1, 2, Date.now()]) {
    const sent = fc.sample(objects(keys), { numRuns: 400, seed })
    const ways = await everyWay(await storeProperties(sent.map((each) => JSON.stringify(each))))
    expect(ways.ndjson).toEqual(ways.json)
    expect(ways.event).toEqual(ways.json)
    for (const [row, each] of sent.entries()) {
      const message = `seed ${seed}: ${JSON.stringify(each)}`
      expect(flat(ways.json[row]), message).toEqual(flat(each))
      if (!repeatsPath(each)) expect(ways.json[row], message).toEqual(normal(each))
    }
  }
})

it('finds each value under its path, whatever is above and below it', async () => {
  const paths = ['a', 'b', 'c', 'a.a', 'a.b', 'b.c', 'a.b.c', 'c.a', 'c.a.b', 'b.c.a.b']
  const sent = fc.sample(objects(keys), { numRuns: 500, seed: 7 })
  const ids = await storeProperties(sent.map((each) => JSON.stringify(each)))
  const columns = paths.map((path) => `properties.${path.replaceAll(/\w+/g, '`$&`')} AS \`${path}\``)
  const answer = await answerTo(
    `SELECT ${columns.join(', ')} FROM events WHERE id IN {ids:Array(String)} ORDER BY log_position`,
    { ids },
    'json',
  )
  const { rows } = JSON.parse(answer) as { rows: Record<string, unknown>[] }
  for (const [row, each] of sent.entries()) {
    const leaves = leavesOf(each)
    for (const path of paths) {
      const under = leaves.filter(([k]) => k.join('.') === path).toSorted(([a], [b]) => b.length - a.length)
      const [first, second] = under
      // Two with as many dots: either of them.
      if (second !== undefined && first?.[0].length === second[0].length) continue
      expect(flat(rows[row]?.[path]), `${path} of ${JSON.stringify(each)}`).toEqual(flat(first?.[1] ?? null))
    }
  }
})

it('gives an event with a key of very many dots, and all beside it', async () => {
  for (const dots of [200, 4_000, 50_000]) {
    const long = 'a.'.repeat(dots) + 'x'
    const sent = { [long]: 9_007_199_254_740_993n, [`${long}.y`]: 2, b: { c: 3 } }
    const ways = await everyWay(await storeProperties(['{"b":1}', stringifyJson(sent)]))
    for (const [first, deep] of Object.values(ways)) {
      expect(first).toEqual({ b: 1 })
      const leaves = new Map(leavesOf(deep as object).map(([keys, value]) => [keys.join('.'), value]))
      expect(leaves).toEqual(
        new Map<string, unknown>([
          [long, '9007199254740993'],
          [`${long}.y`, 2],
          ['b.c', 3],
        ]),
      )
    }
  }
})
