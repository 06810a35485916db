import {
  type Column,
  type ColumnName,
  type EventColumns,
  eventTypes,
  findColumn,
  validatedColumns,
  writableColumns,
} from '@millrace/protocol'
import type { RawEvent } from '../core/batch.ts'
import { runAtOnce } from '../core/in-steps.ts'
import { setColumn } from './column-value.ts'
import type { Decode, DecodeInSteps } from './decode.ts'
import { decodeEvents } from './event-list.ts'
import { expected, type Issue, isObject, noteInfinite, pointerKey, setKey } from './issues.ts'

const writable: ReadonlyMap<string, Column> = new Map(writableColumns.map((column) => [column.name, column]))

/** Far more than the gate lets through; it only bounds what is copied of a hostile event. */
const maxOtherKeys = 10_000

const requiredColumns: ReadonlyMap<string, readonly ColumnName[]> = new Map(
  eventTypes.map((type) => [type, validatedColumns(type) as readonly ColumnName[]]),
)

/**
 * Millrace's own JSON: one event, an array, `{"events":[…],"batch_id":…,"sent_at":…}`, or NDJSON (by content type, or when
 * the body is several JSON objects on lines of their own).
 *
 * An event's keys are column names. A key that is no column is kept under `properties` (a flat event is the shortest one to
 * write), or under `data` when `properties` already has that key. `event_type` may be left out: `track`. `event_name` is
 * required, and so are the columns that each type asks for. Columns that are computed here cannot be sent: an issue.
 */
export const decodeMillrace: Decode = (body, cx) => runAtOnce(decodeMillraceInSteps(body, cx))

export const decodeMillraceInSteps: DecodeInSteps = (body, cx) => decodeEvents(body, cx, decodeEvent)

function decodeEvent(event: unknown, mayHaveInfinite: boolean): RawEvent {
  if (!isObject(event)) return { columns: {}, original: event, issues: [expected('', 'object', event)] }
  const columns: EventColumns = holdsOnlyColumns(event) ? { ...event } : {}
  const issues: Issue[] = []
  let others: Record<string, unknown> | undefined
  let otherCount = 0
  for (const key in event) {
    const value = event[key]
    const column = writable.get(key)
    if (column !== undefined) setColumn(columns, column, value, `/${key}`, issues)
    else if (value === null) continue
    else if (findColumn(key) !== undefined) issues.push(`/${key}: set by Millrace, cannot be sent; leave it out`)
    else {
      others ??= {}
      if (++otherCount > maxOtherKeys) {
        issues.push(`: more than ${maxOtherKeys} keys that are no columns; use values, not keys, for ids`)
        break
      }
      setKey(others, key, value)
    }
  }
  if (others !== undefined) keepOthers(columns, others, issues)
  if (mayHaveInfinite) noteInfinite(event, issues)
  checkType(event, columns, issues)
  return issues.length === 0 ? { columns, original: event } : { columns, original: event, issues }
}

/**
 * The usual event is copied whole and its columns are then read in place. Built key by key, an object of some twenty columns becomes
 * a hash table, and all that comes after this takes twice as long.
 */
function holdsOnlyColumns(event: Record<string, unknown>): boolean {
  for (const key in event) if (!writable.has(key)) return false
  return true
}

function keepOthers(columns: EventColumns, others: Record<string, unknown>, issues: Issue[]): void {
  const { properties } = columns
  if (properties === undefined) {
    columns.properties = others
    return
  }
  for (const key of Object.keys(others)) {
    if (!Object.hasOwn(properties, key)) setKey(properties, key, others[key])
    else {
      columns.data ??= {}
      if (Object.hasOwn(columns.data, key))
        issues.push(`/${pointerKey(key)}: also in properties and in data; rename one`)
      else setKey(columns.data, key, others[key])
    }
  }
}

function checkType(event: Record<string, unknown>, columns: EventColumns, issues: Issue[]): void {
  if (columns.event_name === undefined || columns.event_name === '') {
    if (!isRefused(event['event_name'])) issues.push('/event_name: required')
  }
  if (columns.event_type === undefined || columns.event_type === '') {
    if (isRefused(event['event_type'])) return
    columns.event_type = 'track'
  }
  const required = requiredColumns.get(columns.event_type)
  if (required === undefined) {
    issues.push(expected('/event_type', eventTypes.join(', '), columns.event_type))
    return
  }
  for (const name of required) {
    const value = columns[name]
    if ((value === undefined || value === '') && !isRefused(event[name])) {
      issues.push(`/${name}: required for ${columns.event_type} events`)
    }
  }
}

/** It is there but not a value for its column: that is an issue already. */
function isRefused(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}
