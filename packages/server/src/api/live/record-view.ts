import {
  columnByNumber,
  columns,
  type EventsEnvelope,
  packLogPosition,
  peekHeader,
  readEnvelope,
  walkEventsRecord,
} from '@millrace/protocol'
import type { JsonBytes } from './json-bytes.ts'
import { topicOf } from './topic.ts'

/** One event of a record, by its place in it; what filters and topics look at. */
export interface Row {
  /** Text of a string, enum, JSON or bytes column; undefined when absent. */
  text(column: number): string | undefined
  /** Value of a number, boolean (0 | 1), timestamp (Unix ms) or bigint column; undefined when absent. */
  value(column: number): number | bigint | undefined
}

/** What `#ends` says of a value that is no text: it is itself, or an index into the bigints. */
const isNumber = -1
const isBigint = -2

/**
 * A record of `events` as live reads it: nothing is decoded until somebody wants it, and then once for all who do.
 * Throws RecordError where the record is damaged or newer than this build: at the first look into its events.
 */
export class RecordView implements Row {
  readonly envelope: EventsEnvelope
  readonly count: number
  readonly #record: Uint8Array
  readonly #position: { readonly epoch: number; readonly partition: number; readonly offset: number }
  /** The columns of row r are fields[starts[r] … starts[r + 1]), in parallel arrays: of text its place, of numbers themselves. */
  #starts: number[] | undefined
  readonly #fields: number[] = []
  readonly #values: number[] = []
  readonly #ends: number[] = []
  readonly #bigints: bigint[] = []
  #buffer: Buffer = Buffer.alloc(0)
  #topics: (string | undefined)[] = []
  /** The row that is looked at, and the text last read of it: a hundred filters often ask for the same. */
  #row = 0
  #readColumn = -1
  #readText: string | undefined

  constructor(record: Uint8Array, epoch: number, partition: number, offset: number) {
    this.envelope = readEnvelope(record)
    this.count = peekHeader(record).count
    this.#record = record
    this.#position = { epoch, partition, offset }
  }

  get partition(): number {
    return this.#position.partition
  }

  get bytes(): number {
    return this.#record.length
  }

  /** Look at one event: valid until the next call. */
  row(index: number): Row {
    this.#walk()
    if (index !== this.#row) {
      this.#row = index
      this.#readColumn = -1
    }
    return this
  }

  text(column: number): string | undefined {
    if (column === this.#readColumn) return this.#readText
    let text: string | undefined
    if (column === batchIdColumn) text = this.envelope.batchId || undefined
    else if (column === projectColumn) text = this.envelope.project
    else {
      const found = this.#find(this.#row, column)
      if (found >= 0) text = this.#textAt(found)
    }
    this.#readColumn = column
    this.#readText = text
    return text
  }

  value(column: number): number | bigint | undefined {
    if (column === ingestedAtColumn) return this.envelope.ingestedAt
    if (column === schemaVersionColumn) return this.envelope.schemaVersion
    if (column === planVersionColumn) return this.envelope.planVersion
    if (column === logPositionColumn) return packLogPosition({ ...this.#position, index: this.#row })
    const found = this.#find(this.#row, column)
    if (found < 0) return undefined
    const value = this.#values[found] as number
    return this.#ends[found] === isBigint ? this.#bigints[value] : value
  }

  /** False for what an import, demo or snapshot brought: it is stored, and nothing new. */
  isNews(index: number): boolean {
    const context = this.row(index).text(contextColumn)
    // The gate's mark is looked for in the text first: parsing JSON of every event would cost more than all the rest.
    if (context === undefined || !context.includes('"historical":true')) return true
    return (JSON.parse(context) as { millrace?: { historical?: unknown } }).millrace?.historical !== true
  }

  topic(index: number): string {
    return (this.#topics[index] ??= this.#topicOf(index))
  }

  /** The event as JSON: populated columns as the table shows them, the envelope's and the log position among them. */
  write(index: number, out: JsonBytes): void {
    this.#walk()
    const starts = this.#starts as number[]
    const end = starts[index + 1] as number
    out.ascii('{')
    for (let at = starts[index] as number; at < end; at++) {
      const field = writers[this.#fields[at] as number]
      if (field === undefined) continue
      const value = this.#values[at] as number
      if (field.way === 'json' && this.#ends[at] === value + 2) continue // {}
      out.ascii(field.key)
      if (field.way === 'quoted') out.quoted(this.#buffer, value, this.#ends[at] as number)
      else if (field.way === 'json') out.raw(this.#buffer, value, this.#ends[at] as number)
      else out.ascii(this.#plain(field.way, value))
      out.ascii(',')
    }
    const { project, batchId, ingestedAt, schemaVersion, planVersion } = this.envelope
    const position = packLogPosition({ ...this.#position, index })
    out.text(
      `"project":${JSON.stringify(project)},"batch_id":${JSON.stringify(batchId)},"ingested_at":"${new Date(ingestedAt).toISOString()}","schema_version":${schemaVersion},"plan_version":${planVersion},"log_position":"${position}"}`,
    )
  }

  #plain(way: Way, value: number): string {
    if (way === 'time') return `"${new Date(value).toISOString()}"`
    if (way === 'boolean') return value === 0 ? 'false' : 'true'
    if (way === 'bigint') return `"${this.#bigints[value]}"`
    // A double may be infinite; JSON has no word for it.
    return Number.isFinite(value) ? String(value) : 'null'
  }

  #topicOf(index: number): string {
    const row = this.row(index)
    if (row.text(sourceColumn) === 'broadcast') {
      // Whoever broadcasts names the topic; it was checked there, and is brought into form all the same.
      const { topic } = JSON.parse(row.text(contextColumn) ?? '{}') as { topic?: unknown }
      if (typeof topic === 'string' && topic !== '') return topicOf(topic, '')
    }
    return topicOf(row.text(typeColumn) ?? '', row.text(nameColumn) ?? '')
  }

  #find(index: number, column: number): number {
    this.#walk()
    const starts = this.#starts as number[]
    const end = starts[index + 1] as number
    for (let at = starts[index] as number; at < end; at++) if (this.#fields[at] === column) return at
    return -1
  }

  #textAt(found: number): string {
    return this.#buffer.toString('utf8', this.#values[found], this.#ends[found])
  }

  #walk(): void {
    if (this.#starts !== undefined) return
    const starts: number[] = []
    const keep = (row: number, field: number, value: number, end: number) => {
      while (starts.length <= row) starts.push(this.#fields.length)
      this.#fields.push(field)
      this.#values.push(value)
      this.#ends.push(end)
    }
    const count = walkEventsRecord(this.#record, {
      bytes: (row, field, buffer, start, end) => {
        keep(row, field, start, end)
        this.#buffer = buffer
      },
      number: (row, field, value) => keep(row, field, value, isNumber),
      bigint: (row, field, value) => keep(row, field, this.#bigints.push(value) - 1, isBigint),
    })
    while (starts.length <= count) starts.push(this.#fields.length)
    this.#starts = starts
  }
}

function numberOf(name: string): number {
  return (columns.find((column) => column.name === name) as { number: number }).number
}
const contextColumn = numberOf('context')
const sourceColumn = numberOf('event_source')
const typeColumn = numberOf('event_type')
const nameColumn = numberOf('event_name')
const batchIdColumn = numberOf('batch_id')
const projectColumn = numberOf('project')
const ingestedAtColumn = numberOf('ingested_at')
const schemaVersionColumn = numberOf('schema_version')
const planVersionColumn = numberOf('plan_version')
const logPositionColumn = numberOf('log_position')

const ways = {
  string: 'quoted',
  enum: 'quoted',
  // As the table shows them: JSON text in a string.
  jsonText: 'quoted',
  bytes: 'quoted',
  json: 'json',
  number: 'number',
  bigint: 'bigint',
  boolean: 'boolean',
  timestamp: 'time',
} as const
type Way = (typeof ways)[keyof typeof ways]

interface Writer {
  /** `"name":` */
  readonly key: string
  readonly way: Way
}

const writers: readonly (Writer | undefined)[] = Array.from({ length: 1024 }, (_, number) => {
  const column = columnByNumber(number)
  return column && { key: `${JSON.stringify(column.name)}:`, way: ways[column.kind] }
})
