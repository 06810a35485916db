import { type EventColumns, type JsonObject, stringifyJson } from '@millrace/protocol'
import { type Issue, setKey } from '../issues.ts'
import { mapItemAttributes } from '../otlp/conventions.ts'
import { readJsonLog } from '../otlp/json-log.ts'
import { readJsonResource } from '../otlp/json-source.ts'
import type { OtelLog } from '../otlp/model.ts'
import { type OtelSource, otelSource } from '../otlp/source.ts'
import { isTime, setTimestamp } from '../otlp/times.ts'
import { isNoId } from '../otlp/wire-values.ts'
import { levelOfSeverity, levelOfWord, severityOfLevel } from '../severity.ts'
import { strictly, type Transformer } from './transformer.ts'

/**
 * A log record into columns.
 *
 * | log record              | columns                                                                                         |
 * | ----------------------- | ----------------------------------------------------------------------------------------------- |
 * | event name              | event_name; "otel.log" for one that is no event                                                 |
 * | time, else observed     | timestamp, timestamp_ns; both: the observed one in data                                          |
 * | severity text, else number | log_level: trace to fatal, or the text in lower case when it is none of these (severity.ts)    |
 * | severity number         | log_level_num, 1 to 24; without one, that of the text's level                                    |
 * | body                    | log_message; lists and objects as JSON text, and as they are in data.body                        |
 * | trace and span id       | trace_id, span_id; zeros are none                                                                |
 * | scope's name            | log_logger                                                                                       |
 * | attributes              | attributes, and the columns of conventions.ts (exception.* → error_*)                            |
 *
 * Logs have no ids of their own: the gate makes one from the content and the time.
 */
export function mapOtelLog(log: OtelLog, source: OtelSource, issues: Issue[]): EventColumns {
  const columns: EventColumns = { ...source.columns }
  columns.event_name = log.eventName === '' ? 'otel.log' : log.eventName
  if (!isNoId(log.traceId)) columns.trace_id = log.traceId
  if (!isNoId(log.spanId)) columns.span_id = log.spanId
  const hasTime = isTime(log.timeUnixNano, '/timeUnixNano', issues)
  const hasObserved = isTime(log.observedTimeUnixNano, '/observedTimeUnixNano', issues)
  if (hasTime) setTimestamp(columns, log.timeUnixNano)
  else if (hasObserved) setTimestamp(columns, log.observedTimeUnixNano)
  setLevel(log, columns)
  setMessage(log.body, columns)
  if (log.attributes !== undefined) {
    columns.attributes = log.attributes
    mapItemAttributes(log.attributes, columns)
  }
  const data = dataOf(log, columns, hasTime && hasObserved)
  if (data !== undefined) columns.data = data
  if (source.context !== undefined) columns.context = { ...source.context }
  return columns
}

function setLevel({ severityNumber, severityText }: OtelLog, columns: EventColumns): void {
  const byNumber = levelOfSeverity(severityNumber)
  if (byNumber !== undefined) columns.log_level_num = severityNumber
  if (severityText === '') {
    if (byNumber !== undefined) columns.log_level = byNumber
    return
  }
  const byText = levelOfWord(severityText)
  columns.log_level = byText ?? severityText.toLowerCase()
  if (byNumber === undefined && byText !== undefined) columns.log_level_num = severityOfLevel(byText)
}

function setMessage(body: unknown, columns: EventColumns): void {
  if (body === undefined || body === null) return
  columns.log_message = typeof body === 'string' ? body : stringifyJson(body)
}

/** What has no column. */
function dataOf(log: OtelLog, columns: EventColumns, hasBothTimes: boolean): JsonObject | undefined {
  const data: JsonObject = {}
  const { severityText, severityNumber } = log
  if (typeof log.body === 'object' && log.body !== null) data['body'] = log.body
  if (severityText !== '' && severityText.toLowerCase() !== columns.log_level) data['severity_text'] = severityText
  // Beyond OpenTelemetry's scale: what it means is not ours to guess.
  if (severityNumber !== 0 && columns.log_level_num !== severityNumber) data['severity_number'] = severityNumber
  if (hasBothTimes && log.observedTimeUnixNano !== log.timeUnixNano) {
    data['observed_time_unix_nano'] = log.observedTimeUnixNano.toString()
  }
  if (log.flags !== 0) data['flags'] = log.flags
  if (log.droppedAttributesCount !== 0) data['dropped_attributes_count'] = log.droppedAttributesCount
  for (const key in log.unknown) if (!Object.hasOwn(data, key)) setKey(data, key, log.unknown[key])
  for (const _ in data) return data
  return undefined
}

/**
 * A log record of OTLP's JSON with its resource (`{attributes: […]}`), as one event without id. Throws a TransformError when ids or
 * values are not what OTLP says.
 */
export function transformOtelLog(log: object, resource?: object): EventColumns {
  return strictly(log, (issues) => {
    const source = otelSource('logs', readJsonResource(resource, undefined, issues), undefined)
    return mapOtelLog(readJsonLog(log as Record<string, unknown>, issues), source, issues)
  })
}

export const otelLog: Transformer = {
  name: 'otel-log',
  description: 'a log record of OpenTelemetry, with its resource',
  source: 'otel',
  eventType: 'log',
  multipleOutputs: false,
  transform: transformOtelLog,
}
