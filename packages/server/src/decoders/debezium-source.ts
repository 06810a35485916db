import type { EventColumns } from '@millrace/protocol'
import { asId, isObject } from './issues.ts'

type Json = Readonly<Record<string, unknown>>

/** Where a change stands in its database's log. */
export interface ChangePosition {
  /** For `db_lsn`: as the connector says it, digit for digit. */
  readonly lsn: string
  /** With what makes it the only one of its connector. */
  readonly unique: string
  /** Place among the changes of this position, where the log counts them. */
  readonly row?: string
}

/**
 * | connector            | db_lsn                      | rows of one position                              |
 * | -------------------- | --------------------------- | ------------------------------------------------- |
 * | postgresql           | lsn                         | a COPY writes several                             |
 * | mysql, mariadb       | file:pos                    | row counts them; server_id tells apart servers' files |
 * | mongodb              | seconds:ord                 | a transaction is one position                     |
 * | sqlserver, db2       | change_lsn, else commit_lsn | event_serial_no counts them                       |
 * | oracle, others       | scn, vgtid, lsn             | several                                           |
 *
 * Rows of a snapshot share one position, whatever the connector. So an id holds what was changed, too (debezium.ts).
 */
export function positionOf(source: Json): ChangePosition | undefined {
  const file = asId(source['file'])
  const pos = asId(source['pos'])
  if (file && pos) {
    const server = asId(source['server_id'])
    const row = isSnapshot(source) ? undefined : asId(source['row'])
    return {
      lsn: `${file}:${pos}`,
      unique: server && server !== '0' ? `${server}:${file}:${pos}` : `${file}:${pos}`,
      ...(row && { row }),
    }
  }
  const change = asId(source['change_lsn'])
  if (change) {
    const serial = isSnapshot(source) ? undefined : asId(source['event_serial_no'])
    return { lsn: change, unique: change, ...(serial && { row: serial }) }
  }
  const ord = asId(source['ord'])
  const seconds = secondsOf(source['ts_ms'])
  if (ord && seconds !== undefined) return { lsn: `${seconds}:${ord}`, unique: `${seconds}:${ord}` }
  for (const name of ['lsn', 'scn', 'commit_lsn', 'vgtid', 'gtid']) {
    const lsn = asId(source[name])
    if (lsn) return { lsn, unique: lsn }
  }
  return undefined
}

/** A MongoDB timestamp is seconds and an ordinal within them; Debezium gives the seconds as ms. */
function secondsOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? Math.floor(value / 1000) : undefined
}

/** `false`, `"false"` or absent: a change; all else (`true`, `"first"`, `"last"`, `"incremental"` …) is a row that was read. */
export function isSnapshot(source: Json): boolean {
  const { snapshot } = source
  return snapshot !== undefined && snapshot !== null && snapshot !== false && snapshot !== 'false'
}

/** Whose transaction: the database's own number, else its name in the log, else the connector's. */
export function transactionOf(source: Json, transaction: unknown): string | undefined {
  for (const name of ['txId', 'gtid', 'stxnid', 'transaction_id']) {
    const id = asId(source[name])
    if (id) return id
  }
  const number = asId(source['txnNumber'])
  const session = asId(source['lsid'])
  if (number && session) return `${session}:${number}`
  return (isObject(transaction) && asId(transaction['id'])) || undefined
}

/**
 * When the database committed it: `ts_ms`, with `ts_ns` or `ts_us` (`ts_usec` before 1.0) to the nanosecond. A connector that does
 * not know says 0: then it is the time at which it saw the change, `ts_ms` of the envelope.
 */
export function setSourceTime(source: Json, envelope: Json, columns: EventColumns): void {
  for (const from of [source, envelope]) {
    const ns = exact(from['ts_ns']) ?? micro(from['ts_us']) ?? micro(from['ts_usec'])
    const ms = exact(from['ts_ms']) ?? (ns === undefined ? undefined : ns / 1_000_000n)
    if (ms === undefined || ms <= 0n || ms > 10_413_791_999_999n) continue
    columns.timestamp = Number(ms)
    if (ns !== undefined && ns / 1_000_000n === ms) columns.timestamp_ns = ns
    return
  }
}

function exact(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined
}

function micro(value: unknown): bigint | undefined {
  const us = exact(value)
  return us === undefined ? undefined : us * 1000n
}
