import { createJournal } from './migrations.ts'
import { createDatabase, createTable } from './statements.ts'
import type { Table } from './tables.ts'

/** A ClickHouse cluster as `system.clusters` of its servers names it. */
export interface Cluster {
  readonly name: string
  /** Tables are ReplicatedMergeTree, with the servers' macros {shard} and {replica}. Else each shard is one server. */
  readonly replicated: boolean
}

/**
 * One table of ours on a cluster is two: `<table>_local` holds the rows of one shard on each of its servers, `<table>` is a Distributed
 * over them that every server has, so that all SQL stays the same.
 *
 *   rows → <table> (Distributed, by record) → <table>_local of one shard
 */
export function localName(table: string): string {
  return `${table}_local`
}

/** ` ON CLUSTER 'name'`, or nothing. */
export function onCluster(cluster: Cluster | undefined): string {
  return cluster === undefined ? '' : ` ON CLUSTER '${cluster.name}'`
}

export function databaseStatement(database: string, cluster: Cluster | undefined): string {
  return onEach(createDatabase(database), database, cluster)
}

/** The table; on a cluster the local one, then the Distributed. */
export function tableStatements(database: string, table: Table, cluster: Cluster | undefined): readonly string[] {
  if (cluster === undefined) return [createTable(database, table)]
  const local = localName(table.name)
  const engine = engineOf(table.engine, database, local, cluster)
  return [
    onEach(createTable(database, { ...table, name: local, engine }), `${database}.${local}`, cluster),
    distributedTable(database, table.name, shardingKey, cluster),
  ]
}

/** Where migrations are noted: wherever one connects, all of it is seen. */
export function journalStatements(database: string, cluster: Cluster | undefined): readonly string[] {
  const statement = createJournal(database)
  if (cluster === undefined) return [statement]
  const local = localName('schema_migrations')
  const engine = /ENGINE = ([^]*)$/.exec(statement)![1]!
  return [
    onEach(
      statement.replace('schema_migrations', local).replace(engine, () => engineOf(engine, database, local, cluster)),
      `${database}.${local}`,
      cluster,
    ),
    distributedTable(database, 'schema_migrations', 'number', cluster),
  ]
}

/**
 * By what rows are spread: the record with which a row came. A row that is tried again goes to the shard where it went before, and a
 * block is split into few parts.
 */
const shardingKey = 'intHash64(bitShiftRight(log_position, 16))'

function distributedTable(database: string, table: string, key: string, cluster: Cluster): string {
  const local = localName(table)
  return `CREATE TABLE IF NOT EXISTS ${database}.${table}${onCluster(cluster)} AS ${database}.${local}
ENGINE = Distributed('${cluster.name}', '${database}', '${local}', ${key})`
}

/** A statement about `target`, on every server. */
export function onEach(statement: string, target: string, cluster: Cluster | undefined): string {
  return cluster === undefined ? statement : statement.replace(target, `${target}${onCluster(cluster)}`)
}

export function syncReplica(database: string, table: string, cluster: Cluster): string {
  return `SYSTEM SYNC REPLICA${onCluster(cluster)} ${database}.${localName(table)} LIGHTWEIGHT`
}

/** Ends statements that the server ran for us by their ids; on a cluster also what they made other servers do. */
export function killQueries(cluster: Cluster | undefined): string {
  return `KILL QUERY${onCluster(cluster)} WHERE ${ownQueries} SYNC`
}

export function runningQueries(cluster: Cluster | undefined): string {
  const from = cluster === undefined ? 'system.processes' : `clusterAllReplicas('${cluster.name}', system.processes)`
  return `SELECT query_id FROM ${from} WHERE ${ownQueries}`
}

/** Parameters `id`, and `below` for those that begin with it. */
const ownQueries = '(initial_query_id = {id:String} OR startsWith(initial_query_id, {below:String}))'

/** The window of tokens has another name in a replicated table: there Keeper holds it, for all replicas. */
function engineOf(engine: string, database: string, local: string, { replicated }: Cluster): string {
  if (!replicated) return engine
  return engine
    .replace(
      /^(\w*)MergeTree\b/,
      (_, kind: string) => `Replicated${kind}MergeTree('/clickhouse/tables/{shard}/${database}/${local}', '{replica}')`,
    )
    .replace('non_replicated_deduplication_window', 'replicated_deduplication_window')
}
