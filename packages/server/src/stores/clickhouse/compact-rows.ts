import { parseJson } from '@millrace/protocol'
import { PipelineError } from '../../core/errors.ts'
import { mayHoldPaths, parseWithDots } from './dotted-keys.ts'
import { conversionOf, type ValueConversion } from './row-values.ts'

export interface AnswerColumn {
  readonly name: string
  readonly type: string
}

/** An answer in `JSONCompactEachRowWithNamesAndTypes`: a line of names, a line of types, then one line per row. */
export interface CompactRows {
  readonly columns: readonly AnswerColumn[]
  readonly rows: AsyncIterable<readonly unknown[]>
}

export async function readCompactRows(body: AsyncIterable<Uint8Array>): Promise<CompactRows> {
  const lines = readLines(body)
  const names = await header(lines)
  const types = await header(lines)
  const columns = names.map((name, index) => ({ name, type: types[index] ?? '' }))
  const conversions = types.map(conversionOf)
  return { columns, rows: rowsOf(lines, conversions, types.some(mayHoldPaths)) }
}

async function* rowsOf(
  lines: AsyncIterable<string>,
  conversions: readonly ValueConversion[],
  holdsPaths: boolean,
): AsyncGenerator<unknown[]> {
  for await (const line of lines) {
    const values = (holdsPaths ? parseWithDots(line) : parseJson(line)) as unknown[]
    for (let index = 0; index < values.length; index++) {
      const value = values[index]
      // Most values are strings and null: nothing to convert.
      if (typeof value !== 'string' && value !== null) values[index] = conversions[index]!(value)
    }
    yield values
  }
}

async function header(lines: AsyncGenerator<string>): Promise<string[]> {
  const { value, done } = await lines.next()
  if (done === true) throw new PipelineError('unavailable', "the store's answer ended before its column names")
  return JSON.parse(value) as string[]
}

/** ClickHouse escapes line feeds within JSON, so each is the end of a line. */
async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Buffer[] = []
  for await (const piece of body) {
    const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    let from = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      const tail = chunk.subarray(from, end)
      yield (rest.length === 0 ? tail : Buffer.concat([...rest, tail])).toString('utf8')
      rest = []
      from = end + 1
    }
    if (from < chunk.length) rest.push(chunk.subarray(from))
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString('utf8')
}
