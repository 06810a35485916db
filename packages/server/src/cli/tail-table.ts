import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'
import { CliError, exitCodes } from './exit.ts'
import type { Row } from './output.ts'
import type { Stage, TailOptions } from './tail.ts'

const pollMs = 500
const pageSize = 1000
const partition = 'toString(bitShiftRight(log_position, 48))'

/**
 * What was not stored is in no stream: its tables are asked again and again, by log position, so that each row is shown once.
 * Log positions rise within a partition (the bits above 48), not over all of them: one mark for each.
 */
export async function followTable(
  stage: Exclude<Stage, 'stored'>,
  client: Client,
  { filters, topics, from, show, again, signal }: TailOptions,
): Promise<void> {
  if (topics.length > 0)
    throw new CliError(
      `--topic is for stored events; of ${stage} ones only columns are known: --filter reason=…`,
      exitCodes.usage,
    )
  const table = stage === 'quarantined' ? 'quarantine' : 'outcomes'
  const { where, params } = conditions(filters)
  if (stage === 'dropped') where.push("outcome = 'dropped'")
  const ask = async (query: string, more: Record<string, unknown>): Promise<Row[]> => {
    const response = await client.post('/api/v1/sql', { query, params: { ...params, ...more } }, {}, signal)
    return ((await response.json()) as { rows: Row[] }).rows
  }
  const since = 'received_at >= fromUnixTimestamp64Milli({from:Int64})'
  const begin =
    from === undefined
      ? await ask(`SELECT ${partition} AS part, toString(max(log_position)) AS at FROM ${table} GROUP BY part`, {})
      : await ask(
          // toUInt64: the difference of two unsigned numbers is a signed one in ClickHouse, and half of all epochs have the highest bit.
          `SELECT ${partition} AS part, toString(if(countIf(${since}) = 0, max(log_position), toUInt64(minIf(log_position, ${since}) - 1))) AS at FROM ${table} GROUP BY part`,
          { from },
        )
  const marks = new Map(begin.map((row) => [String(row['part']), String(row['at'])] as const))
  while (!signal.aborted) {
    let rows: Row[]
    try {
      const all = [`(${newer(marks)})`, ...where].join(' AND ')
      rows = await ask(`SELECT * FROM ${table} WHERE ${all} ORDER BY log_position LIMIT ${pageSize}`, {})
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof CliError) || error.exitCode !== exitCodes.unreachable) throw error
      await again(error.message)
      continue
    }
    for (const row of rows) {
      marks.set(String(BigInt(String(row['log_position'])) >> 48n), String(row['log_position']))
      if (!show(row)) return
    }
    if (rows.length === 0) await sleep(pollMs, undefined, { signal }).catch(() => {})
  }
}

function newer(marks: ReadonlyMap<string, string>): string {
  const known = [...marks.keys()].map((part) => `'${part}'`)
  const others = known.length === 0 ? '1' : `${partition} NOT IN (${known.join(', ')})`
  return [others, ...[...marks].map(([part, at]) => `(${partition} = '${part}' AND log_position > ${at})`)].join(' OR ')
}

/** The same filters as on the stream, as SQL with parameters; the tables' own types decide how they compare. */
function conditions(filters: readonly string[]): { where: string[]; params: Record<string, unknown> } {
  const params: Record<string, unknown> = {}
  const where = filters.map((filter, index) => {
    const [, column = '', op = '', value = ''] = /^(\w+)(!=|>=|<=|=|>|<|~)([\s\S]*)$/.exec(filter) ?? []
    if (column === '')
      throw new CliError(`--filter ${JSON.stringify(filter)}: expected a column of the table`, exitCodes.usage)
    params[`f${index}`] = value
    return op === '~'
      ? `match(toString(${column}), {f${index}:String})`
      : `toString(${column}) ${op} {f${index}:String}`
  })
  return { where, params }
}
