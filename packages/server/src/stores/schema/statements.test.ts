import { columns } from '@millrace/protocol'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filteredTables, askGrants } from './access.ts'
import { checksum, createJournal, knownSchema, migrations } from './migrations.ts'
import {
  databaseStatement,
  journalStatements,
  killQueries,
  runningQueries,
  syncReplica,
  tableStatements,
} from './cluster.ts'
import { completeTable, createDatabase, createTable } from './statements.ts'
import { type Table, tables } from './tables.ts'
import { traceSpansView } from './trace-spans.ts'

/** All columns are in schema.sql. */
const withFewColumns = (table: Table): Table => ({ ...table, columns: table.columns.slice(0, 3) })

const everything = [
  createDatabase('millrace'),
  createJournal('millrace'),
  ...tables.map((table) => createTable('millrace', table)),
  traceSpansView('millrace'),
]

describe('the schema', () => {
  it('is the text that was reviewed (vitest -u writes it anew)', async () => {
    await expect(`${everything.join(';\n\n')};\n`).toMatchFileSnapshot(
      join(import.meta.dirname, 'testdata', 'schema.sql'),
    )
  })

  it.each([
    ['cluster.sql', { name: 'analytics', replicated: true }],
    ['cluster-unreplicated.sql', { name: 'shards', replicated: false }],
  ] as const)('is on a cluster the text that was reviewed: %s', async (file, cluster) => {
    const text = [
      databaseStatement('millrace', cluster),
      ...journalStatements('millrace', cluster),
      ...tables.flatMap((table) => tableStatements('millrace', withFewColumns(table), cluster)),
      traceSpansView('millrace', cluster),
      syncReplica('millrace', 'events', cluster),
      killQueries(cluster),
      runningQueries(cluster),
      ...askGrants('millrace', cluster).map((grant) => `${grant} TO ask_default`),
    ]
    await expect(`${text.join(';\n\n')};\n`).toMatchFileSnapshot(join(import.meta.dirname, 'testdata', file))
  })

  it('has every column of the registry, once, in its order', () => {
    const names = tables.find(({ name }) => name === 'events')!.columns.map(({ name }) => name)
    expect(names).toEqual(columns.map(({ name }) => name))
    expect(new Set(names).size).toBe(names.length)
  })

  it('gives every table a position for verification and a project for the row filter', () => {
    for (const table of tables) {
      const names = table.columns.map(({ name }) => name)
      expect(names).toContain('log_position')
      expect(names).toContain('project')
    }
    // `expiries` is ours alone.
    expect(tables.map(({ name }) => name).toSorted()).toEqual([...filteredTables, 'expiries'].toSorted())
  })

  it('syncs every table before it answers, and forgets by time', () => {
    for (const table of tables) {
      expect(table.engine).toContain('fsync_after_insert = 1')
      expect(table.engine).toContain('fsync_part_directory = 1')
      expect(table.engine).toContain('non_replicated_deduplication_window')
      expect(table.engine).toContain(' TTL ')
    }
  })

  it('lets nobody read what is sealed', () => {
    const grants = askGrants('millrace')
    expect(grants.filter((grant) => grant.includes('quarantine'))).toHaveLength(1)
    expect(grants.join(' ')).not.toMatch(/seal/)
  })

  it('adds what an older table lacks in its place, and nothing to a whole one', () => {
    const events = tables[0]!
    const all = {
      columns: new Set(events.columns.map(({ name }) => name)),
      indexes: new Set(events.indexes.map(({ name }) => name)),
    }
    expect(completeTable('millrace', events, all)).toBeUndefined()
    all.columns.delete('event_name')
    all.indexes.delete('by_id')
    const change = completeTable('millrace', events, all)
    expect(change).toMatch(
      /^ALTER TABLE millrace\.events\n {2}ADD COLUMN IF NOT EXISTS `event_name` .* AFTER `event_type`,\n {2}ADD INDEX IF NOT EXISTS by_id /,
    )
  })

  it('keeps the steps of released versions as they were', () => {
    expect(migrations.map(({ number }) => number)).toEqual(migrations.map((_, index) => index + 1))
    const sums = Object.fromEntries(
      migrations.map((migration) => [`${migration.number} ${migration.name}`, checksum(migration)]),
    )
    const locked = JSON.parse(
      readFileSync(join(import.meta.dirname, 'testdata', 'migrations.lock.json'), 'utf8'),
    ) as Record<string, string>
    // A new step adds its line; a changed line means that data directories out there ran something else.
    expect(sums).toEqual(locked)
    expect(knownSchema.migration).toBe(migrations.length)
  })
})
