import { columns } from '@millrace/protocol'
import { createHash } from 'node:crypto'

/**
 * One step from an older schema to a newer one. Steps have rising numbers, are never changed once released (their checksum is
 * compared), and may be run again after a crash. Columns and indexes that a table only gains need no step: they are added
 * from the declarations. A step is for what those cannot express: another type, a moved column, a rewritten value.
 */
export interface Migration {
  readonly number: number
  readonly name: string
  /** `{db}` stands for the database. */
  readonly statements: readonly string[]
}

/** Before the first release the tables themselves are made from the declarations; the first step only begins the count. */
export const migrations: readonly Migration[] = [{ number: 1, name: 'first schema', statements: [] }]

export function checksum(migration: Migration): string {
  return createHash('sha256')
    .update(JSON.stringify([migration.number, migration.name, migration.statements]))
    .digest('hex')
}

/** What this release knows: its newest step and its newest column. Data that knows more was written by a newer release. */
export const knownSchema = {
  migration: migrations.at(-1)?.number ?? 0,
  column: Math.max(...columns.map(({ number }) => number)),
}

/**
 * What was done to this database, as rows: `migration` with its number and checksum, `column` with the highest column number.
 * A row is written when its step is done, so a crash in between repeats the step.
 */
export function createJournal(database: string): string {
  return `CREATE TABLE IF NOT EXISTS ${database}.schema_migrations (
  kind LowCardinality(String),
  number UInt32,
  name String,
  checksum String,
  applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree ORDER BY (kind, number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`
}
