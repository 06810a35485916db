import type { Table, TableColumn, TableIndex } from './tables.ts'

/** SQL of the schema as text: pure, so that it is read and compared in tests. All of it may be run twice. */

export function createDatabase(database: string): string {
  // Atomic by name: the default of some servers is another one, and refreshable views need this.
  return `CREATE DATABASE IF NOT EXISTS ${database} ENGINE = Atomic`
}

export function createTable(database: string, table: Table): string {
  const parts = [
    ...table.columns.map((column) => `  ${columnSql(column)}`),
    ...table.indexes.map((index) => `  INDEX ${indexSql(index)}`),
  ]
  return `CREATE TABLE IF NOT EXISTS ${database}.${table.name} (\n${parts.join(',\n')}\n)\nENGINE = ${table.engine}`
}

/** One statement for all columns and indexes that an older table lacks, in their places; undefined when it lacks none. */
export function completeTable(
  database: string,
  table: Table,
  present: { readonly columns: ReadonlySet<string>; readonly indexes: ReadonlySet<string> },
): string | undefined {
  const changes: string[] = []
  table.columns.forEach((column, index) => {
    if (present.columns.has(column.name)) return
    const before = table.columns[index - 1]
    changes.push(
      `ADD COLUMN IF NOT EXISTS ${columnSql(column)} ${before === undefined ? 'FIRST' : `AFTER \`${before.name}\``}`,
    )
  })
  for (const index of table.indexes)
    if (!present.indexes.has(index.name)) changes.push(`ADD INDEX IF NOT EXISTS ${indexSql(index)}`)
  return changes.length === 0 ? undefined : `ALTER TABLE ${database}.${table.name}\n  ${changes.join(',\n  ')}`
}

function columnSql({ name, definition }: TableColumn): string {
  return `\`${name}\` ${definition}`
}

function indexSql({ name, expression, type }: TableIndex): string {
  return `${name} ${expression} TYPE ${type}`
}
