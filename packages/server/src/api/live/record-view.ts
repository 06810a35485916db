import {
  columnByNumber,
  columns,
  type EventsEnvelope,
  packLogPosition,
  peekHeader,
  readEnvelope,
  walkEventsRecord,
} from '@millrace/protocol'
import { topicOf } from './topic.ts'

type Raw = number | bigint

/** One event of a record, by its place in it; what filters and topics look at. */
export interface Row {
  /** Text of a string, enum, JSON or bytes column; undefined when absent. */
  text(column: number): string | undefined
  /** Value of a number, boolean (0 | 1), timestamp (Unix ms) or bigint column; undefined when absent. */
  value(column: number): Raw | undefined
}

/**
 * A record of `events` as live reads it: nothing is decoded until somebody wants it, and then once for all who do.
 * Throws RecordError where the record is damaged or newer than this build: at the first look into its events.
 */
export class RecordView {
  readonly envelope: EventsEnvelope
  readonly count: number
  readonly #record: Uint8Array
  readonly #position: { readonly epoch: number; readonly partition: number; readonly offset: number }
  /** The columns of row r are fields[starts[r] … starts[r + 1]), in parallel arrays. */
  #starts: number[] | undefined
  readonly #fields: number[] = []
  readonly #values: Raw[] = []
  /** End of the bytes; -1: the value is the column's own. */
  readonly #ends: number[] = []
  #buffer: Buffer = Buffer.alloc(0)
  #topics: (string | undefined)[] = []
  #texts: (string | undefined)[] = []

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

  /** The row's cursor into this view: valid until the next call. */
  row(index: number): Row {
    this.#walk()
    this.#at = index
    return this.#row
  }

  /** False for what an import, demo or snapshot brought: it is stored, and nothing new. */
  isNews(index: number): boolean {
    const found = this.#find(index, contextColumn)
    if (found < 0) return true
    // The gate's mark is looked for in the bytes first: parsing JSON of every event would cost more than all the rest.
    const start = this.#values[found] as number
    const at = this.#buffer.indexOf(historicalMark, start)
    if (at < 0 || at >= (this.#ends[found] as number)) return true
    const context = JSON.parse(this.#textAt(found)) as { millrace?: { historical?: unknown } }
    return context.millrace?.historical !== true
  }

  topic(index: number): string {
    this.#walk()
    return (this.#topics[index] ??= this.#topicOf(index))
  }

  /** The event as JSON: populated columns as the table shows them, the envelope's and the log position among them. */
  json(index: number): string {
    this.#walk()
    return (this.#texts[index] ??= this.#write(index))
  }

  #at = 0
  readonly #row: Row = {
    text: (column) => {
      if (column === batchIdColumn) return this.envelope.batchId || undefined
      if (column === projectColumn) return this.envelope.project
      const found = this.#find(this.#at, column)
      return found < 0 ? undefined : this.#textAt(found)
    },
    value: (column) => {
      if (column === ingestedAtColumn) return this.envelope.ingestedAt
      if (column === schemaVersionColumn) return this.envelope.schemaVersion
      if (column === planVersionColumn) return this.envelope.planVersion
      if (column === logPositionColumn) return packLogPosition({ ...this.#position, index: this.#at })
      const found = this.#find(this.#at, column)
      return found < 0 ? undefined : this.#values[found]
    },
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

  #write(index: number): string {
    const starts = this.#starts as number[]
    let text = ''
    for (let at = starts[index] as number; at < (starts[index + 1] as number); at++) {
      const field = writers[this.#fields[at] as number]
      if (field === undefined) continue
      const value = this.#values[at] as Raw
      if (field.way === 'quoted') text += field.key + JSON.stringify(this.#textAt(at))
      else if (field.way === 'json') {
        const json = this.#textAt(at)
        if (json !== '{}') text += field.key + json
      } else if (field.way === 'time') text += `${field.key}"${new Date(value as number).toISOString()}"`
      else if (field.way === 'boolean') text += field.key + (value === 0 ? 'false' : 'true')
      else if (field.way === 'bigint') text += `${field.key}"${value}"`
      // A double may be infinite; JSON has no word for it.
      else text += field.key + (Number.isFinite(value) ? String(value) : 'null')
    }
    const { project, batchId, ingestedAt, schemaVersion, planVersion } = this.envelope
    const position = packLogPosition({ ...this.#position, index })
    return `{${text.slice(1)}${text === '' ? '' : ','}"project":${JSON.stringify(project)},"batch_id":${JSON.stringify(batchId)},"ingested_at":"${new Date(ingestedAt).toISOString()}","schema_version":${schemaVersion},"plan_version":${planVersion},"log_position":"${position}"}`
  }

  #find(index: number, column: number): number {
    this.#walk()
    const starts = this.#starts as number[]
    const end = starts[index + 1] as number
    for (let at = starts[index] as number; at < end; at++) if (this.#fields[at] === column) return at
    return -1
  }

  #textAt(found: number): string {
    return this.#buffer.toString('utf8', this.#values[found] as number, this.#ends[found])
  }

  #walk(): void {
    if (this.#starts !== undefined) return
    const starts: number[] = []
    const begin = (row: number) => {
      while (starts.length <= row) starts.push(this.#fields.length)
    }
    const keep = (row: number, field: number, value: Raw) => {
      begin(row)
      this.#fields.push(field)
      this.#values.push(value)
      this.#ends.push(-1)
    }
    const count = walkEventsRecord(this.#record, {
      bytes: (row, field, buffer, start, end) => {
        keep(row, field, start)
        this.#ends[this.#ends.length - 1] = end
        this.#buffer = buffer
      },
      number: keep,
      bigint: keep,
    })
    begin(count)
    this.#starts = starts
  }
}

const historicalMark = '"historical":true'

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

interface Writer {
  /** `,"name":` */
  readonly key: string
  readonly way: 'quoted' | 'json' | 'number' | 'bigint' | 'boolean' | 'time'
}

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

const writers: readonly (Writer | undefined)[] = Array.from({ length: 1024 }, (_, number) => {
  const column = columnByNumber(number)
  return column && { key: `,${JSON.stringify(column.name)}:`, way: ways[column.kind] }
})
