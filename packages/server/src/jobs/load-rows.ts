import type { LedgerCount, OutcomeRow, QuarantinedEvent } from '@millrace/protocol'
import { type ColumnBuilder, FixedColumn, StringArrayColumn, StringColumn } from '../stores/native-column.ts'
import { LowCardinalityColumn } from '../stores/native-low-cardinality.ts'
import type { Block } from '../stores/store.ts'
import type { Expiry } from './load-event-portions.ts'

export interface Positioned<T> {
  readonly value: T
  readonly position: bigint
}

/** A row of `ledger`: like the collector's count, but dead letters take away what was counted as stored. */
export type LedgerRow = LedgerCount & { readonly plan: string }

type AnyColumn<T> = readonly [column: ColumnBuilder, append: (row: number, value: T) => void]

/** Rows of `quarantine`. */
export function quarantineBlock(rows: readonly Positioned<QuarantinedEvent>[]): Block {
  return block('quarantine', rows, [
    text('id', (row) => row.id),
    few('project', (row) => row.project),
    few('source', (row) => row.source),
    time('received_at', (row) => row.receivedAt),
    text('batch_id', (row) => row.batchId),
    whole('index', 'UInt32', 4, (row) => row.index),
    few('reason', (row) => row.reason),
    texts('issues', (row) => row.issues),
    text('redacted', (row) => row.redacted),
    few('event_type', (row) => row.eventType),
    bytes('sealed', (row) => row.sealed),
    text('seal_key', (row) => row.sealKey),
  ])
}

/** Rows of `outcomes`. */
export function outcomesBlock(rows: readonly Positioned<OutcomeRow>[]): Block {
  return block('outcomes', rows, [
    text('id', (row) => row.id),
    few('project', (row) => row.project),
    few('source', (row) => row.source),
    time('received_at', (row) => row.receivedAt),
    few('outcome', (row) => row.outcome),
    few('reason', (row) => row.reason),
    texts('issues', (row) => row.issues),
    text('batch_id', (row) => row.batchId),
    whole('count', 'UInt64', 8, (row) => row.count),
  ])
}

/** Rows of `ledger`. */
export function ledgerBlock(rows: readonly Positioned<LedgerRow>[]): Block {
  return block('ledger', rows, [
    few('project', (row) => row.project),
    whole('minute', "DateTime('UTC')", 4, (row) => Math.floor(row.minute / 1000)),
    few('source', (row) => row.source),
    few('outcome', (row) => row.outcome),
    few('reason', (row) => row.reason),
    whole('events', 'Int64', 8, (row) => row.events),
    text('plan', (row) => row.plan),
  ])
}

/** Rows of `expiries`. */
export function expiriesBlock(rows: readonly Positioned<Expiry>[]): Block {
  return block('expiries', rows, [
    few('project', (row) => row.project),
    whole('minute', "DateTime('UTC')", 4, (row) => Math.floor(row.minute / 1000)),
    whole('expires_on', 'Date32', 4, (row) => row.day),
    whole('events', 'Int64', 8, (row) => row.events),
  ])
}

/** Duplicates of one id within a minute become one row, at the first one's position, with the sum of their counts. */
export function collapseDuplicates(rows: readonly Positioned<OutcomeRow>[]): Positioned<OutcomeRow>[] {
  const first = new Map<string, number>()
  const kept: Positioned<OutcomeRow>[] = []
  for (const row of rows) {
    const { value } = row
    if (value.outcome === 'duplicate') {
      const minute = Math.floor(value.receivedAt / 60_000)
      const key = JSON.stringify([value.project, value.id, value.source, value.reason, minute])
      const at = first.get(key)
      if (at !== undefined) {
        const known = kept[at] as Positioned<OutcomeRow>
        kept[at] = { ...known, value: { ...known.value, count: known.value.count + value.count } }
        continue
      }
      first.set(key, kept.length)
    }
    kept.push(row)
  }
  return kept
}

/** The collector's counts of several records as one row per project, minute, source, outcome and reason, in a fixed order. */
export function sumCounts(counts: Iterable<LedgerCount>): LedgerCount[] {
  const sums = new Map<string, LedgerCount>()
  for (const count of counts) {
    const key = JSON.stringify([count.project, count.minute, count.source, count.outcome, count.reason])
    const known = sums.get(key)
    sums.set(key, known ? { ...known, events: known.events + count.events } : count)
  }
  return [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count)
}

function block<T>(table: string, rows: readonly Positioned<T>[], makers: readonly (() => AnyColumn<T>)[]): Block {
  const made = makers.map((make) => make())
  const positions = new FixedColumn('log_position', 'UInt64', 8, false)
  for (const [at, row] of rows.entries()) {
    for (const [, append] of made) append(at, row.value)
    positions.appendU64(at, row.position)
  }
  const columns = [...made.map(([column]) => column.finish(rows.length)), positions.finish(rows.length)]
  return { table, rows: rows.length, columns }
}

function text<T>(name: string, get: (row: T) => string): () => AnyColumn<T> {
  return () => {
    const column = new StringColumn(name)
    return [column, (row, value) => column.appendText(row, get(value))]
  }
}

function few<T>(name: string, get: (row: T) => string): () => AnyColumn<T> {
  return () => {
    const column = new LowCardinalityColumn(name)
    return [column, (row, value) => column.appendText(row, get(value))]
  }
}

function texts<T>(name: string, get: (row: T) => readonly string[]): () => AnyColumn<T> {
  return () => {
    const column = new StringArrayColumn(name)
    return [column, (row, value) => column.append(row, get(value))]
  }
}

function bytes<T>(name: string, get: (row: T) => Uint8Array): () => AnyColumn<T> {
  return () => {
    const column = new StringColumn(name)
    return [column, (row, value) => column.append(row, get(value), 0, get(value).length)]
  }
}

function time<T>(name: string, get: (row: T) => number): () => AnyColumn<T> {
  return whole(name, "DateTime64(3, 'UTC')", 8, get)
}

function whole<T>(name: string, type: string, width: 4 | 8, get: (row: T) => number): () => AnyColumn<T> {
  return () => {
    const column = new FixedColumn(name, type, width, false)
    return [column, (row, value) => column.appendInteger(row, get(value))]
  }
}
