import { hash } from 'node:crypto'
import { canonicalJson, type EventColumns, maxIdLength, stringifyJson } from '@millrace/protocol'
import { asId, isObject } from './issues.ts'
import { countKeys } from './key-budget.ts'

/** What both forms of change events, plain and Debezium's, make of an operation, a table and a row's key. */
export type CdcOperation = 'INSERT' | 'UPDATE' | 'DELETE' | 'READ' | 'TRUNCATE' | 'MESSAGE' | 'TOMBSTONE'

const operations: ReadonlyMap<string, CdcOperation> = new Map([
  ['c', 'INSERT'],
  ['create', 'INSERT'],
  ['insert', 'INSERT'],
  ['u', 'UPDATE'],
  ['update', 'UPDATE'],
  ['d', 'DELETE'],
  ['delete', 'DELETE'],
  ['r', 'READ'],
  ['read', 'READ'],
  ['t', 'TRUNCATE'],
  ['truncate', 'TRUNCATE'],
  ['m', 'MESSAGE'],
  ['message', 'MESSAGE'],
  ['tombstone', 'TOMBSTONE'],
])

/** For issues. */
export const operationNames = 'INSERT, UPDATE, DELETE, READ, TRUNCATE, MESSAGE, TOMBSTONE or c, u, d, r, t, m'

export function operationOf(value: unknown): CdcOperation | undefined {
  return typeof value === 'string' ? operations.get(value.toLowerCase()) : undefined
}

/** A row's key as text: of one column its value, of several their JSON. */
export function rowIdOf(key: unknown): string | undefined {
  if (!isObject(key)) return Array.isArray(key) ? stringifyJson(key) : scalarId(key)
  const names = Object.keys(key)
  if (names.length === 0) return undefined
  return (names.length === 1 ? scalarId(key[names[0] as string]) : undefined) ?? stringifyJson(key)
}

function scalarId(value: unknown): string | undefined {
  return typeof value === 'boolean' ? String(value) : (asId(value) ?? undefined)
}

/** Names that follow from table, operation and key: `users.UPDATE`, and the row as a resource `ns/users/7`. */
export function nameChange(columns: EventColumns, operation: string, table: string | undefined): void {
  columns.event_type = 'cdc'
  columns.db_operation = operation
  columns.event_name = table === undefined ? operation : `${table}.${operation}`
  if (table === undefined) return
  columns.db_table = table
  columns.resource_type = table
  if (columns.db_row_id === undefined) return
  const path = `${table}/${columns.db_row_id}`
  columns.resource_id = columns.ns === undefined ? path : `${columns.ns}/${path}`
}

/** Beside the source and the types of its columns, within the keys that the gate grants an event. */
const maxDataKeys = 600

/** The row for `data`, by whose paths it is asked. One of more keys is only text: `db_after`, `db_before`. */
export function rowAsData(row: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  return countKeys(row, maxDataKeys) > maxDataKeys ? undefined : { ...row }
}

/** 96 bits of what was changed: tells apart the rows that one position of a log holds. */
export function changeHash(...parts: readonly unknown[]): string {
  return hash('sha256', canonicalJson(parts), 'base64url').slice(0, 16)
}

/**
 * The same change has the same id however often it is sent.
 *
 *   id = "cdc_" name "_" operation's first letter "_" position [ "_" row ]
 *
 * One that would be too long is its hash.
 */
export function changeId(
  name: readonly (string | undefined)[],
  operation: string,
  position: string,
  row: string | undefined,
): string {
  const where = name.filter((part) => part !== undefined).join('.')
  const id = `cdc_${where}_${operation.charAt(0).toLowerCase()}_${position}${row === undefined ? '' : `_${row}`}`
  return id.length <= maxIdLength ? id : `cdc_${hash('sha256', id, 'base64url')}`
}
