import {
  type Column,
  columns,
  type EventsEnvelope,
  type EventVisitor,
  peekHeader,
  readEnvelope,
  walkEventsRecord,
  writeLogPosition,
} from '@millrace/protocol'
import type { LogRecord } from '../log/log.ts'
import { type ColumnBuilder, FixedColumn, StringColumn } from '../stores/native-column.ts'
import { JsonColumn } from '../stores/native-json.ts'
import { LowCardinalityColumn } from '../stores/native-low-cardinality.ts'
import { NativeWriter } from '../stores/native-writer.ts'
import type { Block, BlockColumn } from '../stores/store.ts'

type BytesColumn = StringColumn | LowCardinalityColumn | JsonColumn

const dayMs = 86_400_000
const numberOf = (name: string) => columns.find((column) => column.name === name)?.number as number
const timestampField = numberOf('timestamp')
const expiresField = numberOf('expires_at')
const sourceField = numberOf('event_source')
const fieldsEnd = 1 + Math.max(...columns.map((column) => column.number))

/** Never deleted: for a row without `expires_at` among rows that have one. */
const never = 0xffff_ffff

/** Which events go into a block: those whose entry in `of` (in the order of the records) is `is`. */
export interface Selection {
  readonly of: Uint16Array
  readonly is: number
}

export interface EventsBlock {
  readonly block: Block
  /** Of each row: day of `timestamp` since 1970, and `expires_at` in Unix seconds. */
  readonly days: Int32Array
  readonly expires: Uint32Array
}

/**
 * Records of topic `events` → one block of table `events` with the columns that any of the events fills. Strings go from
 * record to column as bytes, JSON from text to its encoded form, neither through JavaScript values: this is the hot path.
 */
export function encodeEvents(records: readonly LogRecord[], epoch: number, selection?: Selection): EventsBlock {
  const total = countEvents(records)
  const encoder = new EventsEncoder(total, epoch)
  let at = 0
  for (const record of records) {
    if (selection) encoder.addSelected(record, selection.of.subarray(at), selection.is)
    else encoder.add(record)
    at += peekHeader(record.value).count
  }
  return encoder.finish()
}

function countEvents(records: readonly LogRecord[]): number {
  let sum = 0
  for (const record of records) sum += peekHeader(record.value).count
  return sum
}

const absentEnvelope: EventsEnvelope = {
  project: '',
  batchId: '',
  source: '',
  ingestedAt: 0,
  schemaVersion: 0,
  planVersion: 0,
}

class EventsEncoder implements EventVisitor {
  readonly #builders: (ColumnBuilder | undefined)[] = Array.from({ length: fieldsEnd })
  readonly #days: Int32Array
  readonly #expires: Uint32Array
  readonly #project = new LowCardinalityColumn('project')
  readonly #batch = new StringColumn('batch_id')
  readonly #source = new LowCardinalityColumn('event_source')
  readonly #ingested = new FixedColumn('ingested_at', "DateTime64(3, 'UTC')", 8, false)
  readonly #schema = new FixedColumn('schema_version', 'Float64', 8, true)
  readonly #plan = new FixedColumn('plan_version', 'Float64', 8, true)
  readonly #positions: NativeWriter
  readonly #epoch: number
  #envelope = absentEnvelope
  #hasExpiry = false
  /** Rows of the records before this one. */
  #rows = 0
  /** Rows before it have their `event_source`. */
  #sourced = 0

  constructor(total: number, epoch: number) {
    this.#epoch = epoch
    this.#days = new Int32Array(total)
    this.#expires = new Uint32Array(total).fill(never)
    this.#positions = new NativeWriter(total * 8)
  }

  add(record: LogRecord): void {
    this.#envelope = readEnvelope(record.value)
    const count = walkEventsRecord(record.value, this)
    this.#positions.reserve(count * 8)
    for (let index = 0; index < count; index++) this.#position(record, index)
    this.#endRecord(count)
  }

  /** Only the events whose entry in `of` is `is`. */
  addSelected(record: LogRecord, of: Uint16Array, is: number): void {
    this.#envelope = readEnvelope(record.value)
    const { count } = peekHeader(record.value)
    const places = new Int32Array(count).fill(-1)
    let rows = 0
    this.#positions.reserve(count * 8)
    for (let index = 0; index < count; index++) {
      if (of[index] !== is) continue
      places[index] = rows++
      this.#position(record, index)
    }
    walkEventsRecord(record.value, selected(this, places))
    this.#endRecord(rows)
  }

  bytes(row: number, field: number, buffer: Buffer, start: number, end: number): void {
    const at = this.#rows + row
    if (field === sourceField) {
      this.#source.appendRun(this.#sourced, at - this.#sourced, this.#envelope.source)
      this.#source.append(at, buffer, start, end)
      this.#sourced = at + 1
      return
    }
    ;((this.#builders[field] ?? this.#make(field)) as BytesColumn).append(at, buffer, start, end)
  }

  number(row: number, field: number, value: number): void {
    const at = this.#rows + row
    if (field === expiresField) {
      this.#hasExpiry = true
      this.#expires[at] = Math.min(never, Math.max(0, Math.floor(value / 1000)))
      return
    }
    if (field === timestampField) this.#days[at] = Math.floor(value / dayMs)
    const builder = (this.#builders[field] ?? this.#make(field)) as FixedColumn
    if (isFloat[field] === 1) builder.appendFloat(at, value)
    else builder.appendInteger(at, value)
  }

  bigint(row: number, field: number, value: bigint): void {
    ;((this.#builders[field] ?? this.#make(field)) as FixedColumn).appendU64(
      this.#rows + row,
      BigInt.asUintN(64, value),
    )
  }

  finish(): EventsBlock {
    const rows = this.#rows
    const finished: BlockColumn[] = []
    for (const builder of this.#builders) if (builder) finished.push(builder.finish(rows))
    for (const constant of [this.#project, this.#batch, this.#source, this.#ingested, this.#schema, this.#plan])
      finished.push(constant.finish(rows))
    if (this.#hasExpiry) {
      const data = [new Uint8Array(this.#expires.buffer, 0, rows * 4)]
      finished.push({ name: 'expires_at', type: "DateTime('UTC')", data })
    }
    finished.push({ name: 'log_position', type: 'UInt64', data: [this.#positions.done()] })
    return { block: { table: 'events', rows, columns: finished }, days: this.#days, expires: this.#expires }
  }

  #make(field: number): ColumnBuilder {
    return (this.#builders[field] = (makers[field] as () => ColumnBuilder)())
  }

  #position(record: LogRecord, index: number): void {
    const out = this.#positions
    writeLogPosition(out.view, out.length, this.#epoch, record.partition, record.offset, index)
    out.length += 8
  }

  /** What all events of the record share. */
  #endRecord(count: number): void {
    const first = this.#rows
    const envelope = this.#envelope
    this.#project.appendRun(first, count, envelope.project)
    this.#batch.appendRun(first, count, envelope.batchId)
    this.#ingested.appendRun(first, count, envelope.ingestedAt)
    this.#schema.appendRun(first, count, envelope.schemaVersion)
    this.#plan.appendRun(first, count, envelope.planVersion)
    this.#source.appendRun(this.#sourced, first + count - this.#sourced, envelope.source)
    this.#rows = first + count
    this.#sourced = this.#rows
  }
}

/** Number columns are floats; booleans and times are whole. */
const isFloat = Uint8Array.from({ length: fieldsEnd }, (_, field) =>
  columns.some((column) => column.number === field && column.kind === 'number') ? 1 : 0,
)

function columnMakers(): ((() => ColumnBuilder) | undefined)[] {
  const made: ((() => ColumnBuilder) | undefined)[] = Array.from({ length: fieldsEnd })
  for (const column of columns) made[column.number] = () => columnBuilder(column)
  return made
}

function columnBuilder({ name, kind }: Column): ColumnBuilder {
  switch (kind) {
    case 'string':
    case 'jsonText':
    case 'bytes':
      return new StringColumn(name)
    case 'enum':
      return new LowCardinalityColumn(name)
    case 'json':
      return new JsonColumn(name)
    case 'number':
      return new FixedColumn(name, 'Float64', 8, true)
    case 'bigint':
      return new FixedColumn(name, 'Int64', 8, true)
    case 'boolean':
      return new FixedColumn(name, 'Bool', 1, true)
    case 'timestamp':
      break
  }
  return new FixedColumn(name, "DateTime64(3, 'UTC')", 8, name !== 'timestamp')
}

const makers = columnMakers()

function selected(inner: EventVisitor, places: Int32Array): EventVisitor {
  return {
    bytes(row, field, buffer, start, end) {
      const place = places[row] as number
      if (place >= 0) inner.bytes(place, field, buffer, start, end)
    },
    number(row, field, value) {
      const place = places[row] as number
      if (place >= 0) inner.number(place, field, value)
    },
    bigint(row, field, value) {
      const place = places[row] as number
      if (place >= 0) inner.bigint(place, field, value)
    },
  }
}
