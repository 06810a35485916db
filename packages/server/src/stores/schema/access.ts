/** Tables that have a column `project`; whoever asks sees only rows of theirs. */
export const filteredTables = ['events', 'outcomes', 'ledger', 'quarantine'] as const

/** Views over them: they run with the asker's own rights, so the filters hold in them too. */
export const askedViews = ['trace_spans'] as const

/** What a project's user may read: all but the sealed originals. */
const quarantineColumns = [
  'id',
  'project',
  'source',
  'received_at',
  'batch_id',
  'index',
  'reason',
  'issues',
  'redacted',
  'event_type',
  'log_position',
] as const

export function askGrants(database: string): string[] {
  return [
    ...filteredTables.filter((table) => table !== 'quarantine').map((table) => `GRANT SELECT ON ${database}.${table}`),
    `GRANT SELECT(${quarantineColumns.map((name) => `\`${name}\``).join(', ')}) ON ${database}.quarantine`,
    ...askedViews.map((view) => `GRANT SELECT ON ${database}.${view}`),
  ]
}
