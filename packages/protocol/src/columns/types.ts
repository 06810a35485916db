import type { ColumnKind, KindValues } from './kind.ts'
import type { DeclaredColumn } from './registry.ts'

export type ColumnName = DeclaredColumn['name']

/** Memory type of one column. */
export type ColumnValue<N extends ColumnName> = KindValues[Extract<DeclaredColumn, { readonly name: N }>['kind']]

/** Names of the columns of one kind. */
export type ColumnsOfKind<K extends ColumnKind> = Extract<DeclaredColumn, { readonly kind: K }>['name']

/**
 * One event in memory: sparse and mutable. A column that is missing, `undefined` (or, from plain JavaScript, `null`) is absent.
 * In the tables an empty string is absent too, while 0 and false are values.
 */
export type EventColumns = { [N in ColumnName]?: ColumnValue<N> | undefined }
