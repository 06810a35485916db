export { type Column, columnByNumber, columns, findColumn, isColumnName, writableColumns } from './columns/columns.ts'
export type { Carrier, ColumnKind, ColumnPart, JsonObject, KindValues, PiiClass } from './columns/kind.ts'
export { columnGroups, removedColumns } from './columns/registry.ts'
export type { ColumnName, ColumnsOfKind, ColumnValue, EventColumns } from './columns/types.ts'
export { parseJson, stringifyJson } from './json.ts'
export { type LogPosition, packLogPosition, unpackLogPosition, writeLogPosition } from './log-position.ts'
export { ByteWriter } from './record/byte-writer.ts'
export { decodeDeadLetter, encodeDeadLetter } from './record/dead-letter.ts'
export { decodeEventsRecord, encodeEventsRecord, readEnvelope, withEnvelope } from './record/events.ts'
export { maxRecordEvents, peekHeader, readHeader, type RecordHeader, recordVersion } from './record/header.ts'
export { decodeOutcomesRecord, encodeOutcomesRecord } from './record/outcomes.ts'
export { decodeQuarantineRecord, encodeQuarantineRecord } from './record/quarantine.ts'
export { RecordError, type RecordErrorCode } from './record/record-error.ts'
export type {
  DeadLetter,
  EventsEnvelope,
  EventsRecord,
  LedgerCount,
  OutcomeRow,
  OutcomesRecord,
  QuarantinedEvent,
} from './record/types.ts'
export { type EventVisitor, walkEventsRecord } from './record/walk.ts'
export {
  type BrowserBatchAnswer,
  browserAnswerToJson,
  encodeBrowserAnswer,
  type RejectedBrowserEvent,
} from './browser/answer.ts'
export { exactInteger, type Int64, type LongBits, toInt64 } from './browser/int64.ts'
/** Generated codec of browser.proto: `millrace.v1.EventBatch.encode(…).finish()`, `.decode(bytes)`. */
export { millrace } from './gen/browser.gen.js'
export { type ClickHouseColumn, clickHouseColumns } from './clickhouse.ts'
export { canonicalJson } from './canonical-json.ts'
export * from './event-guards.ts'
export {
  alsoValidated,
  type EventType,
  eventTypes,
  isEventType,
  primaryGroups,
  requiredColumns,
  validatedColumns,
} from './event-type.ts'
export {
  createIdDeriver,
  deriveId,
  hasLostCharacters,
  idText,
  maxIdLength,
  vitalId,
} from './ids.ts'
export { computeSpanGraph, type SpanLink, type SpanPlace } from './span-graph.ts'
export { createUlid, type UlidOptions } from './ulid.ts'
export * from './unified-event.ts'
export {
  type BatchValidationResult,
  formatValidationError,
  getInvalidFields,
  kindIssue,
  validateEvent,
  validateEvents,
  type ValidatedEvent,
  type ValidationError,
  type ValidationIssue,
  type ValidationMode,
  type ValidationResult,
} from './validate.ts'
export { eventJsonSchema } from './json-schema.ts'
