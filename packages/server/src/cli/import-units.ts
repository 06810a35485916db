import { createReadStream } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { parse } from 'csv-parse'
import { CliError, exitCodes } from './exit.ts'

/** One event of a file. */
export interface Unit {
  /** Its JSON text, or the cells of its CSV row. */
  readonly text: string
  readonly cells?: Readonly<Record<string, string>>
  /** Where the user finds it. */
  readonly place: string
}

export type FileForm = 'json' | 'csv'

/** By the name, without `.gz`: `.csv` is CSV, all else JSON. */
export function formOf(file: string): FileForm {
  return /\.csv(\.gz)?$/i.test(file) ? 'csv' : 'json'
}

/** Far beyond what an event may be; a file that is no list of events ends here instead of in memory. */
const maxUnitLength = 64 * 1024 * 1024

/**
 * The events of a file, in its order, whatever its form: JSON lines, JSON values one after another (also over several lines), one
 * array, `{"batch":[…]}` or `{"events":[…]}`; CSV with a header. `.gz` is unpacked. `onBytes` hears how much of the file was read.
 */
export async function* unitsOf(file: string, form: FileForm, onBytes: (bytes: number) => void): AsyncGenerator<Unit> {
  const raw = createReadStream(file)
  raw.on('data', (chunk) => onBytes(chunk.length))
  // A pipeline ends its reader, and with it this loop, when the unpacker fails; errors come out of the loop.
  const bytes = /\.gz$/i.test(file) ? pipeline(raw, createGunzip(), () => undefined) : raw
  try {
    if (form === 'csv') yield* rows(bytes)
    else yield* jsonUnits(texts(bytes))
  } finally {
    raw.destroy()
  }
}

/** Rows as cells by the header's names. A row that is no CSV, or no UTF-8, is a JSON text: no event in any dialect, so it is quarantined. */
async function* rows(bytes: NodeJS.ReadableStream): AsyncGenerator<Unit> {
  const skipped: Unit[] = []
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    // A quote that is never closed would take the rest of the file into memory; what is beyond is no CSV, piece by piece.
    max_record_size: maxUnitLength,
    on_skip: (error) => {
      skipped.push({
        text: '"a row that is no CSV"',
        place: `line ${(error as { lines?: number } | undefined)?.lines ?? '?'}`,
      })
      return undefined
    },
  })
  bytes.on('error', (error) => parser.destroy(error))
  let header: readonly string[] | undefined
  for await (const row of bytes.pipe(parser) as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
    yield* skipped.splice(0)
    const { record, info } = row
    if (header === undefined) header = namesOf(record)
    else yield unitOf(header, record, `line ${info.lines}`)
  }
  yield* skipped.splice(0)
}

/** A name that stands twice, and one that is missing, is numbered: no cell takes another's place. */
function namesOf(record: readonly string[]): readonly string[] {
  const seen = new Set<string>()
  return record.map((cell, at) => {
    const name = cell.trim() === '' ? `column_${at + 1}` : cell
    const free = seen.has(name) ? `${name}_${at + 1}` : name
    seen.add(free)
    return free
  })
}

function unitOf(header: readonly string[], record: readonly string[], place: string): Unit {
  if (record.some((cell) => cell.includes('\ufffd'))) return { text: '"a row that is not UTF-8"', place }
  const cells: Record<string, string> = {}
  for (const [at, cell] of record.entries()) {
    const name = header[at] ?? `column_${at + 1}`
    Object.defineProperty(cells, name, { value: cell, enumerable: true })
  }
  return { text: '', cells, place }
}

async function* texts(bytes: NodeJS.ReadableStream): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let isFirst = true
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    const text = decoder.write(chunk)
    yield isFirst && text.startsWith('\ufeff') ? text.slice(1) : text
    isFirst = false
  }
  yield decoder.end()
}

async function* jsonUnits(chunks: AsyncIterable<string>): AsyncGenerator<Unit> {
  const splitter = createJsonSplitter()
  for await (const chunk of chunks) yield* splitter.push(chunk)
  yield* splitter.end()
}

/** Wrappers whose list holds the events. */
const wrapped = /^\{\s*"(batch|events)"\s*:\s*\[/

/**
 * Cuts JSON into its events without parsing it, so that they stay as they are written. When the first line is a whole value the
 * file is taken line by line, and a broken line spoils only itself; else values end where their brackets close.
 */
export function createJsonSplitter(): { push(chunk: string): Iterable<Unit>; end(): Iterable<Unit> } {
  let rest = ''
  let line = 1
  let mode: 'unknown' | 'lines' | 'values' | 'list' = 'unknown'
  /** Where the scan of `rest` goes on, and what it was in the middle of. */
  let at = 0
  let start = -1
  let depth = 0
  let inText = false
  let isDone = false

  function decide(isEnd: boolean): boolean {
    const lead = rest.length - rest.trimStart().length
    line += countLines(rest, 0, lead)
    rest = rest.slice(lead)
    if (rest === '') return false
    const opening = rest.startsWith('[') ? '[' : wrapped.exec(rest)?.[0]
    if (opening !== undefined) {
      line += countLines(rest, 0, opening.length)
      rest = rest.slice(opening.length)
      mode = 'list'
      return true
    }
    const newline = rest.indexOf('\n')
    if (newline < 0 && !isEnd) return false
    mode = isJson(newline < 0 ? rest : rest.slice(0, newline)) ? 'lines' : 'values'
    return true
  }

  function* scan(isEnd: boolean): Iterable<Unit> {
    if (mode === 'unknown' && !decide(isEnd)) return
    yield* mode === 'lines' ? wholeLines(isEnd) : values(isEnd)
    if (rest.length > maxUnitLength) throw new CliError(`line ${line}: no event ends within 64 MB`, exitCodes.failure)
  }

  function* wholeLines(isEnd: boolean): Iterable<Unit> {
    let from = 0
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', from)) {
      const text = rest.slice(from, end).trim()
      if (text !== '') yield { text, place: `line ${line}` }
      line++
      from = end + 1
    }
    rest = rest.slice(from)
    if (!isEnd) return
    const text = rest.trim()
    rest = ''
    if (text !== '') yield { text, place: `line ${line}` }
  }

  function* values(isEnd: boolean): Iterable<Unit> {
    let cut = 0
    let counted = 0
    while (at < rest.length && !isDone) {
      const character = rest[at] as string
      if (inText) {
        if (character === '\\') at++
        else if (character === '"') inText = false
      } else if (character === '"') {
        if (start < 0) start = at
        inText = true
      } else if (character === '{' || character === '[') {
        if (start < 0) start = at
        depth++
      } else if (character === ']' && depth === 0) isDone = true
      else if (character === '}' || character === ']') depth--
      else if (start < 0 && !/[\s,]/.test(character)) start = at
      // Values that are no brackets end at what separates them.
      const closes =
        depth === 0 && !inText && start >= 0 && (/[}\]"]/.test(character) || /[\s,]/.test(rest[at + 1] ?? 'x'))
      at++
      if (!closes && !(isDone && start >= 0)) continue
      line += countLines(rest, counted, start)
      counted = start
      yield { text: rest.slice(start, isDone ? at - 1 : at).trim(), place: `line ${line}` }
      cut = at
      start = -1
    }
    if (cut > 0) {
      line += countLines(rest, counted, cut)
      rest = rest.slice(cut)
      at -= cut
      if (start >= 0) start -= cut
    }
    if (!isEnd || isDone) return
    const text = rest.trim().replace(/^,\s*/, '')
    rest = ''
    if (text !== '') yield { text, place: `line ${line}` }
    if (mode === 'list') throw new CliError('the file ends within its list: it is cut', exitCodes.failure)
  }

  return {
    push(chunk) {
      rest = rest === '' ? chunk : rest + chunk
      return scan(false)
    },
    end: () => scan(true),
  }
}

function countLines(text: string, from: number, to: number): number {
  let lines = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) lines++
  return lines
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
