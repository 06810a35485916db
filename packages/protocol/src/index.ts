export { type Column, columnByNumber, columns, findColumn, isColumnName, writableColumns } from './columns/columns.ts'
export type { Carrier, ColumnKind, ColumnPart, JsonObject, KindValues, PiiClass } from './columns/kind.ts'
export { columnGroups } from './columns/registry.ts'
export type { ColumnName, ColumnsOfKind, ColumnValue, EventColumns } from './columns/types.ts'
export type {
  DeadLetter,
  EventsEnvelope,
  EventsRecord,
  LedgerCount,
  OutcomeRow,
  OutcomesRecord,
  QuarantinedEvent,
} from './record/types.ts'
