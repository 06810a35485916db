import { stripVTControlCharacters } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { exitCodes } from './exit.ts'
import { chooseFormat, formats, type Format, printable, printRows, type Row, table, wholeNumber } from './output.ts'

afterEach(() => vi.restoreAllMocks())

function printed(rows: readonly Row[], format: Format, columns?: readonly string[]): string {
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  printRows(rows, format, columns)
  return out
}

const rows = [
  { name: 'Signed Up', n: 12, more: { a: [1] } },
  { name: 'x', n: null, more: {} },
]

describe('formats', () => {
  it('are NDJSON in a pipe, a table in a terminal, else what is asked for', () => {
    const isTTY = process.stdout.isTTY
    try {
      process.stdout.isTTY = false
      expect(chooseFormat({})).toBe('ndjson')
      process.stdout.isTTY = true
      expect(chooseFormat({})).toBe('table')
    } finally {
      process.stdout.isTTY = isTTY
    }
    expect(formats.map((output) => chooseFormat({ output }))).toEqual(formats)
    expect(chooseFormat({ json: true, output: 'csv' })).toBe('json')
    expect(() => chooseFormat({ output: 'xml' })).toThrow(expect.objectContaining({ exitCode: exitCodes.usage }))
  })

  it('write the same rows each in its own way', () => {
    expect(printed(rows, 'ndjson')).toBe(
      '{"name":"Signed Up","n":12,"more":{"a":[1]}}\n{"name":"x","n":null,"more":{}}\n',
    )
    expect(JSON.parse(printed(rows, 'json'))).toEqual(rows)
    expect(printed(rows, 'csv')).toBe('name,n,more\r\nSigned Up,12,"{""a"":[1]}"\r\nx,,{}\n')
    expect(() => printed(rows, 'parquet')).toThrow(/parquet needs a query/)
  })

  it('are silent, or an empty list, when there are no rows', () => {
    expect(printed([], 'ndjson')).toBe('')
    expect(printed([], 'json')).toBe('[]\n')
    expect(printed([], 'csv', ['a', 'b'])).toBe('a,b\n')
  })
})

it.each([
  ['a,b', '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ['two\nlines', '"two\nlines"'],
  ['cr\r', '"cr\r"'],
  ['plain', 'plain'],
  ['', ''],
  [0, '0'],
  [false, 'false'],
])('quotes %j in CSV where it must', (value, cell) => {
  expect(printed([{ a: value }], 'csv', ['a'])).toBe(`a\r\n${cell}\n`)
})

describe('a table', () => {
  const lines = (given: readonly Row[], columns: readonly string[]) =>
    stripVTControlCharacters(table(given, columns)).split('\n')

  it('aligns text left and numbers right', () => {
    expect(lines(rows, ['name', 'n'])).toEqual(['name        n', 'Signed Up  12', 'x'])
    expect(lines([{ n: '9' }, { n: '1000' }, { n: '-1.5' }], ['n'])).toEqual(['   n', '   9', '1000', '-1.5'])
  })

  it('cuts what is too long and says so', () => {
    const [, row] = lines([{ a: 'x'.repeat(5000) }], ['a'])
    expect(row).toMatch(/^x+…$/)
    expect(row!.length).toBeLessThan(1000)
  })

  it('says when there is nothing', () => {
    expect(lines([], ['a'])).toEqual(['no rows'])
  })

  it('lets neither values nor column names steer the terminal', () => {
    const evil = '\u001b]0;title\u0007\u009b2J\u202e\r\n'
    const text = table([{ [evil]: evil, b: { [evil]: 1 } }], [evil, 'b'])
    expect(stripVTControlCharacters(text)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    expect(text.split('\n')).toHaveLength(2)
  })
})

it('leaves letters of every language printable', () => {
  expect(printable('Zürich 東京 🙂 שלום')).toBe('Zürich 東京 🙂 שלום')
})

it.each(['', 'x', '0', '-1', '1.5', '1e99', ' '])('refuses --batch %j', (text) => {
  expect(() => wholeNumber('batch', text, 1)).toThrow(
    expect.objectContaining({ exitCode: exitCodes.usage, message: expect.stringContaining('--batch') as string }),
  )
})
