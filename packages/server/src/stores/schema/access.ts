import { type Cluster, localName } from './cluster.ts'

/** Tables that have a column `project`; whoever asks sees only rows of theirs. */
export const filteredTables = ['events', 'outcomes', 'ledger', 'quarantine'] as const

/** Views over them: they run with the asker's own rights, so the filters hold in them too. */
const askedViews = ['trace_spans'] as const

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

/** Where rows lie and so where row filters must be: on a cluster also, and above all, the local tables of every server. */
export function tablesToFilter(cluster: Cluster | undefined): readonly string[] {
  return cluster === undefined ? filteredTables : filteredTables.flatMap((table) => [table, localName(table)])
}

/** All that a project's user reads. */
export function askedTables(cluster: Cluster | undefined): readonly string[] {
  return [...tablesToFilter(cluster), ...askedViews]
}

export function askGrants(database: string, cluster?: Cluster): string[] {
  const columns = quarantineColumns.map((name) => `\`${name}\``).join(', ')
  return askedTables(cluster).map(
    (table) => `GRANT SELECT${table.startsWith('quarantine') ? `(${columns})` : ''} ON ${database}.${table}`,
  )
}
