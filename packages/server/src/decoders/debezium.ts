import type { EventColumns } from '@millrace/protocol'
import { changeHash, changeId, nameChange, operationOf, rowAsData, rowIdOf } from './cdc-change.ts'
import { isSnapshot, positionOf, setSourceTime, transactionOf } from './debezium-source.ts'
import { asId, describe, expected, type Issue, isObject, noteInfinite, setKey } from './issues.ts'
import { readJson } from './json.ts'
import { othersOf } from './read-fields.ts'

type Json = Readonly<Record<string, unknown>>

/** What stands around a Debezium event: the Kafka record that held it, and its schema. */
export interface ChangeRecord {
  readonly key?: unknown
  /** Semantic types of the row's columns, from the schema (debezium-schema.ts). */
  readonly types?: Readonly<Record<string, string>> | undefined
  /** topic, partition, offset, timestamp, headers, as they came. */
  readonly kafka?: Json | undefined
}

/** An envelope says its operation and where it comes from; schema changes and transactions' ends have no operation. */
export function isDebezium(value: Json): boolean {
  if (isObject(value['source'])) return 'op' in value || 'ddl' in value || 'tableChanges' in value
  return isTransactionEnd(value)
}

function isTransactionEnd(value: Json): boolean {
  return (value['status'] === 'BEGIN' || value['status'] === 'END') && 'id' in value && !('op' in value)
}

/**
 * A Debezium envelope into columns.
 *
 * | envelope                                       | columns                                                             |
 * | ---------------------------------------------- | ------------------------------------------------------------------- |
 * | op c, u, d, r, t, m                            | db_operation INSERT, UPDATE, DELETE, READ, TRUNCATE, MESSAGE        |
 * | source.connector, db, table or collection      | db_system, db_name, db_table, resource_type                         |
 * | source.name                                    | ns                                                                  |
 * | source.schema, source.snapshot                 | labels.schema, labels.snapshot                                      |
 * | source's position (debezium-source.ts)         | db_lsn, id                                                          |
 * | source.txId, gtid …                            | transaction_id                                                      |
 * | source.ts_ms, ts_us, ts_ns                     | timestamp, timestamp_ns                                             |
 * | before, after (JSON text with MongoDB)         | db_before, db_after; data = after, else before, else updateDescription, message |
 * | the record's key, else the row's `_id` or `id` | db_row_id, resource_id                                              |
 * | all else, the whole source too                 | context                                                             |
 *
 * Values of rows are kept as the connector wrote them: decimals, times and bytes in the forms that its settings say, and
 * `__debezium_unavailable_value` where it did not know; `context.unavailable` names those columns.
 */
export function mapDebezium(event: Json, record: ChangeRecord, columns: EventColumns, issues: Issue[]): void {
  if (isTransactionEnd(event)) return mapTransactionEnd(event, record, columns)
  const source = event['source'] as Json
  const names = {
    server: textOf(source['name']),
    db: textOf(source['db']) ?? textOf(source['database']) ?? textOf(source['keyspace']),
    schema: textOf(source['schema']),
    table: textOf(source['table']) ?? textOf(source['collection']),
  }
  const before = readRow(event, 'before', issues)
  const after = readRow(event, 'after', issues)
  if (names.server !== undefined) columns.ns = names.server
  columns.db_system = textOf(source['connector']) ?? 'unknown'
  if (names.db !== undefined) columns.db_name = names.db
  setSourceTime(source, event, columns)
  const transaction = transactionOf(source, event['transaction'])
  if (transaction !== undefined) columns.transaction_id = transaction
  const rowId = rowIdOf(record.key) ?? keyOfRow(after ?? before)
  if (rowId !== undefined) columns.db_row_id = rowId
  const operation = nameOperation(event, names, columns, issues)
  setPayload(event, before, after, columns, issues)
  setPosition(event, source, Object.values(names), operation, columns)
  setLabels(source, names.schema, columns)
  setContext(event, record, after ?? before, columns)
}

function nameOperation(
  event: Json,
  { table, db }: { readonly table: string | undefined; readonly db: string | undefined },
  columns: EventColumns,
  issues: Issue[],
): string {
  const op = event['op']
  if (op === undefined || op === null) {
    // A change of the schema: its statement holds names and types, no values.
    const ddl = textOf(event['ddl'])
    if (ddl !== undefined) columns.db_statement = ddl
    nameChange(columns, 'DDL', table ?? db)
    return 'DDL'
  }
  const operation = operationOf(op)
  if (operation === undefined || operation === 'TOMBSTONE') {
    issues.push(expected('/op', 'c, u, d, r, t or m', op))
    return ''
  }
  if (table === undefined && operation !== 'MESSAGE') issues.push('/source/table: required')
  nameChange(columns, operation, table)
  if (operation === 'MESSAGE' && table === undefined) {
    const prefix = isObject(event['message']) ? textOf(event['message']['prefix']) : undefined
    if (prefix !== undefined) columns.event_name = `${prefix}.MESSAGE`
  }
  return operation
}

/** Rows are objects; MongoDB's are JSON text of the document, exact to the last digit. */
function readRow(event: Json, key: string, issues: Issue[]): Record<string, unknown> | undefined {
  const value = event[key]
  if (value === undefined || value === null || isObject(value)) return value ?? undefined
  if (typeof value !== 'string') {
    issues.push(expected(`/${key}`, 'object or its JSON text', value))
    return undefined
  }
  return parseText(value, `/${key}`, issues)
}

function parseText(text: string, pointer: string, issues: Issue[]): Record<string, unknown> | undefined {
  const body = readJson(Buffer.from(text), false)
  if ('problem' in body || !isObject(body.value)) {
    const got = 'problem' in body ? `text that ${body.problem}` : describe(body.value)
    issues.push(`${pointer}: expected JSON text of an object, got ${got}`)
    return undefined
  }
  if (body.mayHaveInfinite) {
    const found: Issue[] = []
    noteInfinite(body.value, found)
    for (const issue of found) issues.push(`${pointer}${issue}`)
  }
  return body.value
}

/** Without the record's key: MongoDB's `_id` is the key always, a column `id` as good as always. */
function keyOfRow(row: Json | undefined): string | undefined {
  if (row === undefined) return undefined
  return rowIdOf(row['_id']) ?? (isObject(row['id']) ? undefined : rowIdOf(row['id']))
}

function setPayload(
  event: Json,
  before: Json | undefined,
  after: Json | undefined,
  columns: EventColumns,
  issues: Issue[],
): void {
  if (before !== undefined) columns.db_before = before
  if (after !== undefined) columns.db_after = after
  const row = after ?? before
  const update = event['updateDescription']
  const data = row === undefined ? undefined : rowAsData(row)
  if (data !== undefined) columns.data = data
  else if (row !== undefined) return
  else if (isObject(update)) {
    const fields = update['updatedFields']
    const parsed =
      typeof fields === 'string' ? parseText(fields, '/updateDescription/updatedFields', issues) : undefined
    columns.data = parsed === undefined ? { ...update } : { ...update, updatedFields: parsed }
  } else if (isObject(event['message'])) columns.data = { ...event['message'] }
}

function setPosition(
  event: Json,
  source: Json,
  names: readonly (string | undefined)[],
  operation: string,
  columns: EventColumns,
): void {
  const position = positionOf(source)
  if (position === undefined) return
  columns.db_lsn = position.lsn
  if (operation === '') return
  const { transaction } = event
  const sharesPosition = isSnapshot(source) || !rowOperations.has(operation)
  const order = !sharesPosition && isObject(transaction) ? asId(transaction['total_order']) : undefined
  const what = order || changeHash(changeParts.map((part) => event[part]))
  // The content even where the log counts rows: within a compressed transaction MySQL's positions and rows repeat.
  const row = sharesPosition || position.row === undefined ? what : `${position.row}_${what}`
  columns.id = changeId(names, operation, position.unique, row)
}

/** One statement may truncate or alter several tables: their events share a position, and a row's number says nothing of them. */
const rowOperations: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE'])
const changeParts = ['before', 'after', 'updateDescription', 'message', 'ddl', 'tableChanges']

function setLabels(source: Json, schema: string | undefined, columns: EventColumns): void {
  const snapshot = isSnapshot(source) ? (textOf(source['snapshot']) ?? 'true') : undefined
  if (schema === undefined && snapshot === undefined) return
  columns.labels = { ...(schema !== undefined && { schema }), ...(snapshot !== undefined && { snapshot }) }
}

const placed: ReadonlySet<string> = new Set(['before', 'after', 'op', 'message', 'ddl'])
/** Debezium's placeholder for what PostgreSQL did not write to its log (unchanged, stored out of line); as bytes in base64. */
const unavailable = new Set(['__debezium_unavailable_value', 'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=='])

function setContext(event: Json, record: ChangeRecord, row: Json | undefined, columns: EventColumns): void {
  const context = othersOf(event, placed) ?? {}
  // Where the update is all that is known of the row, it is the payload.
  if (columns.data !== undefined && columns.db_after === undefined && columns.db_before === undefined) {
    delete context['updateDescription']
  }
  if (record.types !== undefined) context['types'] = record.types
  if (record.kafka !== undefined) context['kafka'] = record.kafka
  const unknown: string[] = []
  for (const name in row) {
    const value = row[name]
    if (unavailable.has((Array.isArray(value) ? value[0] : value) as string)) unknown.push(name)
  }
  if (unknown.length > 0) context['unavailable'] = unknown
  columns.context = context
}

/** `{"status":"BEGIN"|"END","id":…}` of the connector's transaction topic. */
function mapTransactionEnd(event: Json, record: ChangeRecord, columns: EventColumns): void {
  nameChange(columns, String(event['status']), undefined)
  columns.event_name = `transaction.${columns.db_operation}`
  columns.db_system = 'unknown'
  const id = asId(event['id'])
  if (id) columns.transaction_id = id
  setSourceTime({}, event, columns)
  const data: Record<string, unknown> = {}
  for (const key in event) if (event[key] != null) setKey(data, key, event[key])
  columns.data = data
  if (record.kafka !== undefined) columns.context = { kafka: record.kafka }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
