import { clickHouseColumns } from '@millrace/protocol'
import { retentionDays } from '../retention.ts'

/** One table as the newest release wants it; what an older data directory lacks is added to it. */
export interface Table {
  readonly name: string
  readonly columns: readonly TableColumn[]
  readonly indexes: readonly TableIndex[]
  /** Everything behind the column list. */
  readonly engine: string
}

export interface TableColumn {
  readonly name: string
  /** Type with its DEFAULT or MATERIALIZED expression. */
  readonly definition: string
}

export interface TableIndex {
  readonly name: string
  readonly expression: string
  readonly type: string
}

/**
 * Durable and cheap: every part is synced before its insert is answered, and stays one compact file (not one per column) until
 * it is large, because syncing hundreds of small files is what costs. The window remembers insert tokens.
 */
const durableParts = [
  'fsync_after_insert = 1',
  'fsync_part_directory = 1',
  'min_rows_to_fsync_after_merge = 1',
  'min_bytes_for_wide_part = 1000000000',
  'min_rows_for_wide_part = 100000000',
  'non_replicated_deduplication_window = 10000',
  'ttl_only_drop_parts = 0',
  'merge_with_ttl_timeout = 3600',
].join(', ')

/**
 * A client that puts ids into keys makes a JSON column one of hundreds of thousands of paths. Merging 200,000 rows of which each has
 * a key of its own takes 12 s with the engine's own values and 0.8 s with these, in a fifth of the room.
 */
const manyPaths = [
  "object_shared_data_serialization_version = 'map_with_buckets'",
  'merge_max_dynamic_subcolumns_in_compact_part = 128',
  'merge_max_dynamic_subcolumns_in_wide_part = 128',
].join(', ')

/** Ids that people look up: a Bloom filter per group of granules skips nearly all of a table. */
function lookUp(column: string): TableIndex {
  return { name: `by_${column}`, expression: column, type: 'bloom_filter(0.01) GRANULARITY 4' }
}

/** Positions and arrival rise together with the data, so ranges of them skip nearly all of it. */
function range(column: string): TableIndex {
  return { name: `by_${column}`, expression: column, type: 'minmax GRANULARITY 1' }
}

const events: Table = {
  name: 'events',
  columns: clickHouseColumns.map(({ name, type, defaultExpression, comment }) => ({
    name,
    definition: `${type}${defaultExpression === undefined ? '' : ` DEFAULT ${defaultExpression}`} COMMENT ${literal(comment)}`,
  })),
  indexes: [
    ...['id', 'trace_id', 'session_id', 'correlation_id', 'actor_id', 'anonymous_id'].map(lookUp),
    range('log_position'),
    range('ingested_at'),
  ],
  engine: `MergeTree PARTITION BY toDate(timestamp) ORDER BY (project, timestamp) TTL expires_at
SETTINGS ${durableParts}, ${manyPaths}, nullable_serialization_version = 'allow_sparse'`,
}

const outcomes: Table = {
  name: 'outcomes',
  columns: [
    { name: 'id', definition: 'String' },
    { name: 'project', definition: 'LowCardinality(String)' },
    { name: 'source', definition: 'LowCardinality(String)' },
    { name: 'received_at', definition: "DateTime64(3, 'UTC')" },
    { name: 'outcome', definition: 'LowCardinality(String)' },
    { name: 'reason', definition: 'LowCardinality(String)' },
    { name: 'issues', definition: 'Array(String)' },
    { name: 'batch_id', definition: 'String' },
    { name: 'count', definition: 'UInt64' },
    { name: 'log_position', definition: 'UInt64' },
  ],
  indexes: [lookUp('id'), range('log_position')],
  engine: `MergeTree PARTITION BY toDate(received_at) ORDER BY (project, received_at) TTL toDateTime(received_at) + INTERVAL ${retentionDays.outcomes} DAY
SETTINGS ${durableParts}`,
}

const ledger: Table = {
  name: 'ledger',
  columns: [
    { name: 'project', definition: 'LowCardinality(String)' },
    { name: 'minute', definition: "DateTime('UTC')" },
    { name: 'source', definition: 'LowCardinality(String)' },
    { name: 'outcome', definition: 'LowCardinality(String)' },
    { name: 'reason', definition: 'LowCardinality(String)' },
    { name: 'events', definition: 'Int64' },
    { name: 'plan', definition: "String DEFAULT ''" },
    { name: 'log_position', definition: 'UInt64' },
  ],
  indexes: [range('log_position')],
  engine: `MergeTree PARTITION BY toYYYYMM(minute) ORDER BY (project, minute, source, outcome, reason) TTL minute + INTERVAL ${retentionDays.ledger} DAY
SETTINGS ${durableParts}`,
}

/** `sealed` and `seal_key` are MATERIALIZED only so that \`SELECT *\` leaves them out: who may not read them can still use it. */
const quarantine: Table = {
  name: 'quarantine',
  columns: [
    { name: 'id', definition: 'String' },
    { name: 'project', definition: 'LowCardinality(String)' },
    { name: 'source', definition: 'LowCardinality(String)' },
    { name: 'received_at', definition: "DateTime64(3, 'UTC')" },
    { name: 'batch_id', definition: 'String' },
    { name: 'index', definition: 'UInt32' },
    { name: 'reason', definition: 'LowCardinality(String)' },
    { name: 'issues', definition: 'Array(String)' },
    { name: 'redacted', definition: 'String' },
    { name: 'event_type', definition: 'LowCardinality(String)' },
    { name: 'sealed', definition: "String MATERIALIZED ''" },
    { name: 'seal_key', definition: "String MATERIALIZED ''" },
    { name: 'log_position', definition: 'UInt64' },
  ],
  indexes: [lookUp('id'), range('log_position')],
  engine: `MergeTree PARTITION BY toDate(received_at) ORDER BY (project, received_at) TTL toDateTime(received_at) + INTERVAL ${retentionDays.quarantine} DAY
SETTINGS ${durableParts}`,
}

/**
 * How many events of each minute expire on which day. Rows of `events` go one by one when their time has come; with this the ledger can
 * still be compared with them. For our own questions only: nobody else is granted it.
 */
const expiries: Table = {
  name: 'expiries',
  columns: [
    { name: 'project', definition: 'LowCardinality(String)' },
    { name: 'minute', definition: "DateTime('UTC')" },
    { name: 'expires_on', definition: 'Date32' },
    { name: 'events', definition: 'Int64' },
    { name: 'log_position', definition: 'UInt64' },
  ],
  indexes: [range('log_position')],
  engine: `MergeTree PARTITION BY toYYYYMM(minute) ORDER BY (project, minute, expires_on) TTL minute + INTERVAL ${retentionDays.ledger} DAY
SETTINGS ${durableParts}`,
}

export const tables: readonly Table[] = [events, outcomes, ledger, quarantine, expiries]

function literal(text: string): string {
  return `'${text.replace(/[\\']/g, (character) => `\\${character}`)}'`
}
