import type { ColumnDeclaration } from './declare.ts'
import { columnGroups } from './registry.ts'
import type { ColumnName } from './types.ts'

/** One column with its group. */
export interface Column extends ColumnDeclaration<ColumnName> {
  readonly group: number
  readonly groupName: string
}

/** All columns, by ascending number. */
export const columns: readonly Column[] = columnGroups.flatMap((group) =>
  group.columns.map((column): Column => ({ ...column, group: group.number, groupName: group.name })),
)

const byName: ReadonlyMap<string, Column> = new Map(columns.map((column) => [column.name, column]))
const byNumber: ReadonlyMap<number, Column> = new Map(columns.map((column) => [column.number, column]))

export function isColumnName(name: string): name is ColumnName {
  return byName.has(name)
}

/** The column of that name, or undefined when there is none. */
export function findColumn(name: string): Column | undefined {
  return byName.get(name)
}

export function columnByNumber(number: number): Column | undefined {
  return byNumber.get(number)
}

/** What a client may send in `/v1/events`: the 165 event columns, and where an event comes from and who may see it. */
export const writableColumns: readonly Column[] = columns.filter(
  (column) => column.part === 'event' || column.name === 'event_source' || column.name === 'visibility',
)
