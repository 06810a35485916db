import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { apiClient } from './client.ts'
import { CliError, exitCodes } from './exit.ts'
import { chooseFormat, print, type Row, table } from './output.ts'

const accepts = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
  parquet: 'application/vnd.apache.parquet',
  json: 'application/json',
  table: 'application/json',
} as const

export async function query(sql: string, flags: Readonly<Record<string, unknown>>): Promise<void> {
  const format = chooseFormat(flags)
  if (format === 'parquet' && process.stdout.isTTY)
    throw new CliError('Parquet is for files: add `> file.parquet`', exitCodes.usage)
  const params = Object.fromEntries(((flags['param'] as string[] | undefined) ?? []).map(parameter))
  const response = await apiClient(flags).post('/api/v1/sql', { query: sql, params }, { accept: accepts[format] })
  if (format === 'table' || format === 'json') {
    const { columns, rows } = (await response.json()) as { columns: { name: string }[]; rows: Row[] }
    print(
      format === 'json'
        ? JSON.stringify(rows, undefined, 2)
        : table(
            rows,
            columns.map(({ name }) => name),
          ),
    )
  } else if (response.body !== null) await pipeline(Readable.fromWeb(response.body), process.stdout, { end: false })
}

/** A list is written as JSON: `--param 'ids=["a","b"]'` for `{ids:Array(String)}`. */
function parameter(text: string): [string, unknown] {
  const at = text.indexOf('=')
  if (at < 1) throw new CliError(`--param ${JSON.stringify(text)}: expected name=value`, exitCodes.usage)
  const value = text.slice(at + 1)
  return [text.slice(0, at), value.startsWith('[') ? (listOf(value) ?? value) : value]
}

function listOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
