import { styleText } from 'node:util'
import { CliError, exitCodes } from './exit.ts'

export const formats = ['table', 'json', 'ndjson', 'csv', 'parquet'] as const
export type Format = (typeof formats)[number]
export type Row = Readonly<Record<string, unknown>>

/** A whole number of a flag, at least `least`. */
export function wholeNumber(flag: string, text: string, least: number): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value
  throw new CliError(`--${flag} ${JSON.stringify(text)}: expected a whole number from ${least} on`, exitCodes.usage)
}

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
  const titles = columns.map((name) => clip(printable(name), room))
  const widths = titles.map((title, at) => Math.max(title.length, ...cells.map((line) => line[at]!.length)))
  const numeric = columns.map((name) =>
    rows.every((row) => row[name] === null || /^-?\d+(\.\d+)?$/.test(String(row[name]))),
  )
  const line = (texts: readonly string[]) =>
    texts
      .map((text, at) => (numeric[at] ? text.padStart(widths[at]!) : text.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd()
  return [styleText('bold', line(titles)), ...cells.map(line)].join('\n')
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

/** Text of an event on a terminal: what would steer it (control characters, changes of direction) becomes a dot. */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '·')
}

function clip(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, room - 1).replace(/[\ud800-\udbff]$/, '')}…` : text
}

function csvCell(value: unknown): string {
  const text =
    value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
