import { PipelineError } from '../../core/errors.ts'
import { checksum, knownSchema, type Migration, migrations } from './migrations.ts'
import { type Cluster, databaseStatement, journalStatements, localName, onEach, tableStatements } from './cluster.ts'
import { completeTable } from './statements.ts'
import { type Table, tables } from './tables.ts'
import { traceSpansView } from './trace-spans.ts'

/** How a schema is brought up to date: statements and questions, one after another, as the user who owns the database. */
export interface SchemaConnection {
  readonly database: string
  readonly cluster?: Cluster | undefined
  execute(sql: string, signal: AbortSignal): Promise<void>
  ask(
    sql: string,
    params: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<readonly Readonly<Record<string, unknown>>[]>
}

/** What a release declares; another one than this release's own only in tests. */
export interface Schema {
  readonly tables: readonly Table[]
  readonly migrations: readonly Migration[]
  readonly known: { readonly migration: number; readonly column: number }
  readonly views: (database: string, cluster?: Cluster) => readonly string[]
}

export const currentSchema: Schema = {
  tables,
  migrations,
  known: knownSchema,
  views: (database, cluster) => [traceSpansView(database, cluster)],
}

/**
 * Brings the database to this release's schema, from nothing or from any older one. Every part can be repeated, so a crash at
 * any point is mended by the next start. Throws `newer_version` before changing anything when a newer release wrote the data,
 * and `corrupt` when a released step is not what was once run.
 */
export async function migrate(
  connection: SchemaConnection,
  signal: AbortSignal,
  schema: Schema = currentSchema,
): Promise<void> {
  const { database, cluster } = connection
  await connection.execute(databaseStatement(database, cluster), signal)
  for (const statement of journalStatements(database, cluster)) await connection.execute(statement, signal)
  const journal = await readJournal(connection, signal)
  refuseNewer(journal, schema)

  for (const table of schema.tables)
    for (const statement of tableStatements(database, table, cluster)) await connection.execute(statement, signal)
  for (const migration of schema.migrations) {
    const sum = checksum(migration)
    const done = journal.find((row) => row.kind === 'migration' && row.number === migration.number)
    if (done !== undefined && done.checksum !== sum)
      throw new PipelineError(
        'corrupt',
        `store migration ${migration.number} (${migration.name}) was changed after it ran: ${done.checksum.slice(0, 8)} ran, this release has ${sum.slice(0, 8)}`,
      )
    if (done !== undefined) continue
    for (const statement of migration.statements)
      await connection.execute(statement.replaceAll('{db}', database), signal)
    await note(connection, 'migration', migration.number, migration.name, sum, signal)
  }
  for (const table of schema.tables)
    for (const each of cluster === undefined
      ? [table]
      : [{ ...table, name: localName(table.name) }, distributed(table)]) {
      const missing = completeTable(database, each, await present(connection, each, signal))
      if (missing !== undefined) await connection.execute(onEach(missing, `${database}.${each.name}`, cluster), signal)
    }
  for (const view of schema.views(database, cluster)) await connection.execute(view, signal)
  if (!journal.some((row) => row.kind === 'column' && row.number === schema.known.column))
    await note(connection, 'column', schema.known.column, 'newest column number', '', signal)
}

/** It has the columns of its local tables, and no indexes. */
function distributed(table: Table): Table {
  return { ...table, indexes: [] }
}

interface JournalRow {
  readonly kind: string
  readonly number: number
  readonly checksum: string
}

async function readJournal({ database, ask }: SchemaConnection, signal: AbortSignal): Promise<JournalRow[]> {
  const rows = await ask(
    `SELECT kind, number, checksum FROM ${database}.schema_migrations FINAL ORDER BY kind, number`,
    {},
    signal,
  )
  return rows.map((row) => ({
    kind: String(row['kind']),
    number: Number(row['number']),
    checksum: String(row['checksum']),
  }))
}

function refuseNewer(journal: readonly JournalRow[], { known }: Schema): void {
  for (const kind of ['migration', 'column'] as const) {
    const newest = Math.max(0, ...journal.filter((row) => row.kind === kind).map(({ number }) => number))
    if (newest > known[kind])
      throw new PipelineError(
        'newer_version',
        `the store was written by a newer release (${kind} ${newest}, this release knows ${known[kind]}): start that release or a newer one`,
        { details: { kind, newest, known: known[kind] } },
      )
  }
}

async function present(
  { database, ask }: SchemaConnection,
  table: Table,
  signal: AbortSignal,
): Promise<{ columns: Set<string>; indexes: Set<string> }> {
  const where = 'WHERE database = {database:String} AND table = {table:String}'
  const params = { database, table: table.name }
  const columns = await ask(`SELECT name FROM system.columns ${where}`, params, signal)
  const indexes = await ask(`SELECT name FROM system.data_skipping_indices ${where}`, params, signal)
  return {
    columns: new Set(columns.map((row) => String(row['name']))),
    indexes: new Set(indexes.map((row) => String(row['name']))),
  }
}

async function note(
  connection: SchemaConnection,
  kind: string,
  number: number,
  name: string,
  sum: string,
  signal: AbortSignal,
): Promise<void> {
  const text = (value: string) => `'${value.replace(/[\\']/g, '\\$&')}'`
  await connection.execute(
    `INSERT INTO ${connection.database}.schema_migrations (kind, number, name, checksum) VALUES (${text(kind)}, ${number}, ${text(name)}, ${text(sum)})`,
    signal,
  )
}
