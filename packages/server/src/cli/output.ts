import { styleText } from 'node:util'
import { CliError, exitCodes } from './exit.ts'

export const formats = ['table', 'json', 'ndjson', 'csv', 'parquet'] as const
export type Format = (typeof formats)[number]
export type Row = Readonly<Record<string, unknown>>

/** `-o`, `--json`, else a table for people and NDJSON for pipes. */
export function chooseFormat(flags: { readonly output?: string; readonly json?: boolean }): Format {
  if (flags.json) return 'json'
  const format = flags.output ?? (process.stdout.isTTY ? 'table' : 'ndjson')
  if (!formats.includes(format as Format))
    throw new CliError(`unknown output format ${JSON.stringify(format)}; one of ${formats.join(', ')}`, exitCodes.usage)
  return format as Format
}

/** Rows to stdout; an empty result prints nothing (or `[]`), and is success. */
export function printRows(
  rows: readonly Row[],
  format: Format,
  columns: readonly string[] = Object.keys(rows[0] ?? {}),
): void {
  if (format === 'json') print(JSON.stringify(rows, undefined, 2))
  else if (format === 'ndjson') for (const row of rows) print(JSON.stringify(row))
  else if (format === 'csv')
    print(
      [columns, ...rows.map((row) => columns.map((name) => row[name]))]
        .map((cells) => cells.map(csvCell).join(','))
        .join('\r\n'),
    )
  else if (format === 'table') print(table(rows, columns))
  else throw new CliError('parquet needs a query: `millrace query "…" -o parquet > file.parquet`', exitCodes.usage)
}

export function print(line: string): void {
  if (line !== '') process.stdout.write(`${line}\n`)
}

/** Hints and progress: never on stdout. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

export function table(rows: readonly Row[], columns: readonly string[]): string {
  if (rows.length === 0) return styleText('dim', 'no rows')
  const room = Math.max(20, Math.floor((process.stdout.columns || 120) / Math.min(columns.length, 6)))
  const cells = rows.map((row) => columns.map((name) => clip(cell(row[name]), room)))
  const widths = columns.map((name, at) => Math.max(name.length, ...cells.map((line) => line[at]!.length)))
  const numeric = columns.map((name) =>
    rows.every((row) => row[name] === null || /^-?\d+(\.\d+)?$/.test(String(row[name]))),
  )
  const line = (texts: readonly string[]) =>
    texts
      .map((text, at) => (numeric[at] ? text.padStart(widths[at]!) : text.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd()
  return [styleText('bold', line(columns)), ...cells.map(line)].join('\n')
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)).replaceAll(/[\u0000-\u001f\u007f]/g, '·')
}

function clip(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, room - 1)}…` : text
}

function csvCell(value: unknown): string {
  const text =
    value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
