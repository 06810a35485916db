import { setTimeout as sleep } from 'node:timers/promises'
import { styleText } from 'node:util'
import { duration } from '../core/units.ts'
import { apiClient } from './client.ts'
import { CliError, exitCodes } from './exit.ts'
import { chooseFormat, print, printable, type Row, say, wholeNumber } from './output.ts'

const pollMs = 500
const pageSize = 1000
const isSince = 'ingested_at >= fromUnixTimestamp64Milli({from:Int64})'
const partition = 'toString(bitShiftRight(log_position, 48))'

function newer(marks: ReadonlyMap<string, string>): string {
  const known = [...marks.keys()].map((part) => `'${part}'`)
  const others = known.length === 0 ? '1' : `${partition} NOT IN (${known.join(', ')})`
  return [others, ...[...marks].map(([part, at]) => `(${partition} = '${part}' AND log_position > ${at})`)].join(' OR ')
}

/** Follows the table `events` by log position: an event is shown once, in the order in which it was stored. */
export async function tail(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const format = chooseFormat(flags)
  const limit = flags['limit'] === undefined ? Infinity : wholeNumber('limit', String(flags['limit']), 1)
  const client = apiClient(flags)
  const stop = new AbortController()
  process.once('SIGINT', () => {
    process.exitCode = exitCodes.interrupted
    stop.abort()
  })
  process.once('SIGTERM', () => stop.abort())
  const ask = async (query: string, params: Record<string, unknown>): Promise<Row[]> => {
    const response = await client.post('/api/v1/sql', { query, params }, {}, stop.signal)
    return ((await response.json()) as { rows: Row[] }).rows
  }
  const since = flags['since'] === undefined ? undefined : duration.safeParse(flags['since'])
  if (since?.success === false)
    throw new CliError(`--since ${JSON.stringify(flags['since'])}: ${since.error.issues[0]?.message}`, exitCodes.usage)
  // toUInt64: the difference of two unsigned numbers is a signed one in ClickHouse, and half of all epochs have the highest bit.
  // Log positions rise within a partition (the bits above 48), not over all of them: one mark for each.
  const marks = new Map(
    (since === undefined
      ? await ask(`SELECT ${partition} AS part, toString(max(log_position)) AS at FROM events GROUP BY part`, {})
      : await ask(
          `SELECT ${partition} AS part, toString(if(countIf(${isSince}) = 0, max(log_position), toUInt64(minIf(log_position, ${isSince}) - 1))) AS at FROM events GROUP BY part`,
          { from: Date.now() - since.data },
        )
    ).map((row) => [String(row['part']), String(row['at'])] as const),
  )
  const filter = flags['filter'] === undefined ? '' : `AND (${String(flags['filter'])})`
  let seen = 0
  let reconnects = 0
  if (process.stderr.isTTY) say(styleText('dim', 'waiting for events; Ctrl-C ends'))
  while (!stop.signal.aborted && seen < limit) {
    let rows: Row[]
    try {
      rows = await ask(
        `SELECT * FROM events WHERE (${newer(marks)}) ${filter} ORDER BY log_position LIMIT ${Math.min(pageSize, limit - seen)}`,
        {},
      )
    } catch (error) {
      if (stop.signal.aborted) break
      if (!(error instanceof CliError) || error.exitCode !== exitCodes.unreachable) throw error
      if (reconnects++ === 0) say(`${error.message}; trying again`)
      await sleep(1000, undefined, { signal: stop.signal }).catch(() => {})
      continue
    }
    for (const row of rows) show(row, format)
    seen += rows.length
    for (const row of rows) marks.set(String(BigInt(String(row['log_position'])) >> 48n), String(row['log_position']))
    if (rows.length === 0) await sleep(pollMs, undefined, { signal: stop.signal }).catch(() => {})
  }
  say(
    `${seen} events shown, 0 missed${reconnects > 0 ? `, ${reconnects} attempts to reach the API failed in between` : ''}`,
  )
}

function show(row: Row, format: string): void {
  const populated = Object.fromEntries(
    Object.entries(row).filter(
      ([, value]) => value !== null && value !== '' && !(typeof value === 'object' && Object.keys(value).length === 0),
    ),
  )
  if (format !== 'table') return print(JSON.stringify(populated))
  const who = row['actor_id'] || row['anonymous_id'] || row['service_name'] || ''
  const text = (value: unknown) => printable(String(value))
  print(
    `${styleText('dim', text(row['timestamp']))}  ${styleText('cyan', text(`${String(row['event_type'])}.${String(row['event_name'])}`))}  ${text(who)}  ${styleText('dim', text(row['id']))}`,
  )
}
