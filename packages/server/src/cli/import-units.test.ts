import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { createJsonSplitter, formOf, type Unit, unitsOf } from './import-units.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-import-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The units of a text that arrives in pieces cut at these places. */
function split(text: string, cuts: readonly number[] = []): Unit[] {
  const splitter = createJsonSplitter()
  const places = cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b)
  const units: Unit[] = []
  let from = 0
  for (const to of [...places, text.length]) {
    units.push(...splitter.push(text.slice(from, to)))
    from = to
  }
  units.push(...splitter.end())
  return units
}

const texts = (units: readonly Unit[]) => units.map(({ text }) => text)

describe('JSON is cut into its events', () => {
  const a = '{"a":1}'
  const b = '{"b":{"x":"}]\\"{"}}'

  it.each([
    ['lines', `${a}\n${b}\n`, ['line 1', 'line 2']],
    ['lines without an end, with empty ones between', `\n${a}\r\n\n${b}`, ['line 2', 'line 4']],
    ['values over several lines', `{\n"a":1\n}\n${b}`, ['line 1', 'line 4']],
    ['an array', `[${a},\n ${b}]`, ['line 1', 'line 2']],
    ['an array over lines', `[\n${a}\n,\n${b}\n]\n`, ['line 2', 'line 4']],
    ['a batch', `{"batch":[${a},${b}],"sentAt":"x"}`, ['line 1', 'line 1']],
    ['wrapped events', `{ "events" : [\n${a},\n${b}\n]}`, ['line 2', 'line 3']],
  ])('%s', (_form, text, places) => {
    const units = split(text)
    expect(units.map((unit) => JSON.parse(unit.text) as unknown)).toEqual([JSON.parse(a), JSON.parse(b)])
    expect(units.map(({ place }) => place)).toEqual(places)
  })

  it('a broken line spoils only itself', () => {
    expect(texts(split(`${a}\n{"cut":\n${b}\n`))).toEqual([a, '{"cut":', b])
  })

  it('a list that is cut says so, after its whole events', () => {
    const splitter = createJsonSplitter()
    expect(texts([...splitter.push(`[${a},{"b"`)])).toEqual([a])
    expect(() => [...splitter.end()]).toThrow('it is cut')
  })

  it('an empty text has none, and an empty list has none', () => {
    expect([...split(''), ...split(' \n\n'), ...split('[]'), ...split('{"batch":[]}')]).toEqual([])
  })

  it('the same wherever the pieces are cut', () => {
    const value = fc.jsonValue({ maxDepth: 3 }).filter((json) => typeof json === 'object' && json !== null)
    const form = fc.constantFrom(
      (all: readonly string[]) => all.map((one) => `${one}\n`).join(''),
      (all: readonly string[]) => `[${all.join(',')}]`,
      (all: readonly string[]) => `{"batch":[${all.join(', ')}]}`,
    )
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 5 }),
        form,
        fc.array(fc.nat()),
        fc.boolean(),
        (all, wrap, cuts, isWide) => {
          // The first event decides whether a file is read by lines; a list at its beginning is a list of events.
          const events = all.map((one) => ({ e: one }))
          const text = wrap(events.map((one) => JSON.stringify(one, undefined, isWide ? 1 : undefined)))
          expect(split(text, cuts).map((unit) => JSON.parse(unit.text) as unknown)).toEqual(
            JSON.parse(JSON.stringify(events)),
          )
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('a file', () => {
  async function read(name: string, content: string | Buffer): Promise<{ units: Unit[]; bytes: number }> {
    const file = join(folder, name)
    writeFileSync(file, content)
    let bytes = 0
    const units: Unit[] = []
    for await (const unit of unitsOf(file, formOf(name), (more) => (bytes += more))) units.push(unit)
    return { units, bytes }
  }

  it('of CSV gives a row each, with quoted line breaks, and its line', async () => {
    const { units } = await read('a.csv', '\ufeffevent_name,properties.note\nx,"two\nlines"\ny\n')
    expect(units).toEqual([
      { text: '', cells: { event_name: 'x', 'properties.note': 'two\nlines' }, place: 'line 3' },
      { text: '', cells: { event_name: 'y' }, place: 'line 4' },
    ])
  })

  it('of CSV loses no cell, no row and no neighbour', async () => {
    const lines = ['a,a,,d', '1,2,3,4,5', 'x "y" z,2', 'caf\ufffd', '"open,1']
    const { units } = await read('odd.csv', lines.join('\n'))
    expect(units.map(({ cells, text }) => cells ?? text)).toEqual([
      { a: '1', a_2: '2', column_3: '3', d: '4', column_5: '5' },
      { a: 'x "y" z', a_2: '2' },
      '"a row that is not UTF-8"',
      '"a row that is no CSV"',
    ])
  })

  it('of CSV whose quote is never closed does not fill the memory, and all of it is no CSV', async () => {
    const { units } = await read('endless.csv', `a\n"${'x\n'.repeat(34 * 1024 * 1024)}`)
    expect(units.length).toBeGreaterThan(1)
    expect(new Set(units.map(({ text }) => text))).toEqual(new Set(['"a row that is no CSV"']))
  })

  it('that is gzipped is unpacked, and tells how much of it was read', async () => {
    const packed = gzipSync('\ufeff{"ä":"€"}\n'.repeat(50_000))
    const { units, bytes } = await read('a.ndjson.gz', packed)
    expect([units.length, units[49_999]?.text, bytes]).toEqual([50_000, expect.stringContaining('"€"'), packed.length])
  })

  it('that is broken is an error, not an end', async () => {
    await expect(read('cut.ndjson.gz', gzipSync('{"a":1}\n'.repeat(1000)).subarray(0, 40))).rejects.toThrow()
    await expect(read('no.csv.gz', 'no gzip')).rejects.toThrow()
  })
})
