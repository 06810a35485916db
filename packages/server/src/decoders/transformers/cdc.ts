import type { EventColumns } from '@millrace/protocol'
import { changeHash, changeId, nameChange, operationNames, operationOf, rowAsData, rowIdOf } from '../cdc-change.ts'
import { type ChangeRecord, isDebezium, mapDebezium } from '../debezium.ts'
import { expected, type Issue, isObject } from '../issues.ts'
import { othersOf, readId, readNumber, readObject, readText, readTimeField, spelling } from '../read-fields.ts'
import { strictly, type Transformer } from './transformer.ts'

type Json = Readonly<Record<string, unknown>>

/** A change of one row, in Millrace's own form; the second name of each pair is another spelling. Debezium's envelopes are taken too. */
export interface CdcEvent {
  /** INSERT, UPDATE or DELETE; or Debezium's c, u, d, r, t, m. */
  readonly operation?: string
  readonly op?: string
  readonly table?: string
  readonly schema?: string
  /** Of one column its value, of several an object. */
  readonly primaryKey?: string | number | bigint | Readonly<Record<string, unknown>>
  readonly key?: CdcEvent['primaryKey']
  readonly before?: Readonly<Record<string, unknown>> | null
  readonly after?: Readonly<Record<string, unknown>> | null
  readonly transactionId?: string | number | bigint
  readonly lsn?: string | number | bigint
  readonly version?: number
  readonly timestamp?: Date | string | number
  readonly ts?: CdcEvent['timestamp']
  /** Default: sqlite. */
  readonly dbSystem?: string
  /** The event's own id, not the row's. */
  readonly id?: string
}

/** What stands beside the event. */
export interface CdcBeside {
  /** Where the event itself names none. */
  readonly ns?: string
  readonly record?: ChangeRecord
}

const noRecord: ChangeRecord = {}
const alwaysPlaced: readonly string[] = ['ns', 'before', 'after']

type Reader<T> = (from: Json, key: string, at: string, issues: Issue[]) => T

export function mapCdc(event: Json, beside: CdcBeside, issues: Issue[]): EventColumns {
  const columns: EventColumns = {}
  const ns = readText(event, 'ns', '', issues) ?? beside.ns
  if (ns !== undefined) columns.ns = ns
  if (isDebezium(event)) mapDebezium(event, beside.record ?? noRecord, columns, issues)
  else mapPlain(event, beside.record ?? noRecord, columns, issues)
  columns.event_source = 'cdc'
  return columns
}

function mapPlain(event: Json, { key: recordKey, kafka }: ChangeRecord, columns: EventColumns, issues: Issue[]): void {
  const used = new Set(alwaysPlaced)
  const read = <T>(reader: Reader<T>, ...names: [string, ...string[]]) => {
    const name = spelling(event, ...names)
    used.add(name)
    return reader(event, name, '', issues)
  }
  const id = read(readId, 'id')
  const table = read(readText, 'table', 'db_table')
  const schema = read(readText, 'schema', 'database', 'db')
  const lsn = read(readId, 'lsn')
  const version = read(readNumber, 'version')
  const timestamp = read(readTimeField, 'timestamp', 'ts', 'ts_ms')
  const transaction = read(readId, 'transactionId', 'transaction_id', 'txId')
  const actor = read(readId, 'actor', 'actor_id')
  const correlation = read(readId, 'correlationId', 'correlation_id')
  const trace = read(readText, 'traceId', 'trace_id')
  const before = readObject(event, 'before', '', issues)
  const after = readObject(event, 'after', '', issues)
  if (id !== undefined) columns.id = id
  columns.db_system = read(readText, 'dbSystem', 'db_system') ?? 'sqlite'
  if (schema !== undefined) columns.db_name = schema
  if (lsn !== undefined) columns.db_lsn = lsn
  if (version !== undefined) columns.db_version = version
  if (timestamp !== undefined) columns.timestamp = timestamp
  if (transaction !== undefined) columns.transaction_id = transaction
  if (actor !== undefined) columns.actor_id = actor
  if (correlation !== undefined) columns.correlation_id = correlation
  if (trace !== undefined) columns.trace_id = trace
  if (before !== undefined) columns.db_before = before
  if (after !== undefined) columns.db_after = after
  const row = after ?? before
  const data = row === undefined ? undefined : rowAsData(row)
  if (data !== undefined) columns.data = data
  setRowId(event, recordKey, columns, used, issues)
  const operation = setOperation(event, table, columns, used, issues)
  if (id === undefined && lsn !== undefined && operation !== undefined) {
    const what = changeHash(columns.db_row_id, before, after, version)
    columns.id = changeId([columns.ns, schema, table], operation, lsn, what)
  }
  const context = othersOf(event, used)
  if (context !== undefined || kafka !== undefined) columns.context = { ...context, ...(kafka && { kafka }) }
}

function setRowId(event: Json, recordKey: unknown, columns: EventColumns, used: Set<string>, issues: Issue[]): void {
  const name = spelling(event, 'primaryKey', 'key', 'primary_key')
  used.add(name)
  const key = event[name]
  const rowId = rowIdOf(key ?? recordKey)
  if (rowId !== undefined) columns.db_row_id = rowId
  else if (key !== undefined && key !== null && key !== '' && !(isObject(key) && Object.keys(key).length === 0)) {
    issues.push(expected(`/${name}`, 'string or object', key))
  }
}

function setOperation(
  event: Json,
  table: string | undefined,
  columns: EventColumns,
  used: Set<string>,
  issues: Issue[],
): string | undefined {
  const name = spelling(event, 'op', 'operation')
  used.add(name)
  const operation = operationOf(event[name])
  if (operation === undefined) {
    const said = event[name]
    issues.push(said === undefined || said === null ? '/op: required' : expected(`/${name}`, operationNames, said))
  }
  if (table === undefined && (event['table'] === undefined || event['table'] === null || event['table'] === '')) {
    issues.push('/table: required')
  }
  if (operation === undefined || table === undefined) return undefined
  nameChange(columns, operation, table)
  return operation
}

/** Throws a TransformError when the event is no change event. `ns` where the event names none. */
export function transformCdcEvent(event: CdcEvent | Json, ns?: string): EventColumns {
  return strictly(event, (issues) => mapCdc(event as Json, ns === undefined ? {} : { ns }, issues))
}

export const cdc: Transformer = {
  name: 'cdc',
  description: 'a change of a database row, plain or as a Debezium envelope',
  source: 'cdc',
  eventType: 'cdc',
  multipleOutputs: false,
  transform: transformCdcEvent,
}
