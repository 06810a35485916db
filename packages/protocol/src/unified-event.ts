import { columns } from './columns/columns.ts'
import type { ColumnName, ColumnValue, EventColumns } from './columns/types.ts'
import { type EventType, isEventType, type requiredColumns } from './event-type.ts'

/** Names that Millrace adds to the schema; they are no part of a unified event. */
type MillraceColumn = 'project' | 'log_position' | 'plan_version' | 'expires_at' | 'is_duplicate'

/** The four columns that are never null. */
export type CoreColumn = 'id' | 'event_type' | 'event_name' | 'ns'
export const coreColumns: readonly CoreColumn[] = ['id', 'event_type', 'event_name', 'ns']

export type UnifiedColumn = Exclude<ColumnName, MillraceColumn>

interface Core {
  id: string
  event_type: EventType
  event_name: string
  ns: string
}

/** One event with all 175 columns of the schema: a missing one is null. */
export type UnifiedEvent = Core & { [N in Exclude<UnifiedColumn, CoreColumn>]: ColumnValue<N> | null }

/** What `createUnifiedEvent` asks for: the four core columns, and any others. */
export type UnifiedEventInput = Core & { [N in Exclude<UnifiedColumn, CoreColumn>]?: ColumnValue<N> | null | undefined }

type Typed<T extends EventType> = UnifiedEvent & { event_type: T } & {
  [N in (typeof requiredColumns)[T][number]]: ColumnValue<N & ColumnName>
}

export type TraceEvent = Typed<'trace'>
export type MetricEvent = Typed<'metric'>
export type LogEvent = Typed<'log'>
export type CdcEvent = Typed<'cdc'>
export type TrackEvent = Typed<'track'>
export type PageEvent = Typed<'page'>
export type VitalEvent = Typed<'vital'>
export type ReplayEvent = Typed<'replay'>
export type TailEvent = Typed<'tail'>
export type SnippetEvent = Typed<'snippet'>

/** Discriminated by `event_type`; each member has its required columns. */
export type AnyEvent =
  | TraceEvent
  | MetricEvent
  | LogEvent
  | CdcEvent
  | TrackEvent
  | PageEvent
  | VitalEvent
  | ReplayEvent
  | TailEvent
  | SnippetEvent

export const unifiedColumns: readonly UnifiedColumn[] = columns
  .filter((column) => column.part !== 'millrace')
  .map((column) => column.name as UnifiedColumn)

/** An event with every column: what `input` lacks is null. Throws TypeError when a core column is missing or empty. */
export function createUnifiedEvent(input: UnifiedEventInput): UnifiedEvent {
  for (const name of coreColumns) {
    const value: unknown = input[name]
    if (typeof value !== 'string' || value === '') throw new TypeError(`${name} must be a non-empty string`)
  }
  if (!isEventType(input.event_type)) throw new TypeError('event_type must be one of the ten event types')
  const event: Record<string, unknown> = {}
  for (const name of unifiedColumns) event[name] = input[name] ?? null
  return event as unknown as UnifiedEvent
}

/** The sparse form that the pipeline works with: nulls left out. */
export function toEventColumns(event: UnifiedEvent): EventColumns {
  const sparse: Record<string, unknown> = {}
  for (const name of unifiedColumns) {
    if (event[name] !== null) sparse[name] = event[name]
  }
  return sparse
}
