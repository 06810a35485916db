import type { EngineUnderTest } from '../testing/engine-store.ts'
import { blockBody } from './block-body.ts'
import { FixedColumn } from './native-column.ts'
import { JsonColumn } from './native-json.ts'

export type JsonForm = 'flattened' | 'shared'

/** Makes any block too wide for the flattened form. */
const wide = `{${Array.from({ length: 1_100 }, (_, i) => `"p${i}":1`).join(',')}}`
const beyond = 1_000_000

function encode(rows: readonly string[], form: JsonForm): Uint8Array[] {
  const ids = new FixedColumn('id', 'UInt32', 4, false)
  const json = new JsonColumn('j')
  const texts = form === 'shared' ? [...rows, wide] : rows
  for (const [row, text] of texts.entries()) {
    ids.appendInteger(row, row < rows.length ? row : beyond)
    // Somewhere within a larger buffer, as in a record; a row without text is a row without the column.
    const bytes = Buffer.from(`<<${text}>`)
    if (text !== '') json.append(row, bytes, 2, bytes.length - 1)
  }
  return blockBody({ table: 'j', rows: texts.length, columns: [ids.finish(texts.length), json.finish(texts.length)] })
}

/** The rows as they read back from the engine. */
export async function storedJson(engine: EngineUnderTest, rows: readonly string[], form: JsonForm) {
  await engine.sql('CREATE OR REPLACE TABLE j (id UInt32, j JSON) ENGINE = Memory')
  await engine.sql('INSERT INTO j FORMAT Native', encode(rows, form))
  return readJson(engine, 'j')
}

export const readJson = (engine: EngineUnderTest, table: string) =>
  engine.rows(
    `SELECT id, toJSONString(j) AS text, JSONAllPathsWithTypes(j) AS types FROM ${table} WHERE id < ${beyond} ORDER BY id`,
    { output_format_json_quote_64bit_integers: '0' },
  )
