import { type Issue, setKey } from '../issues.ts'
import { jsonAttributes, jsonEnum, jsonId, jsonText, jsonTime, jsonUint32, jsonValue } from './json-values.ts'
import { emptyLog, type OtelLog } from './model.ts'

const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']
/** By number: UNSPECIFIED, TRACE, TRACE2, TRACE3, TRACE4, DEBUG … FATAL4. */
const severities = ['UNSPECIFIED', ...levels.flatMap((level) => [level, `${level}2`, `${level}3`, `${level}4`])]

/** A LogRecord of OTLP's JSON. Fields that OTLP does not name are kept in `unknown`. */
export function readJsonLog(input: Record<string, unknown>, issues: Issue[]): OtelLog {
  const log = emptyLog()
  for (const key in input) {
    const value = input[key]
    switch (key) {
      case 'timeUnixNano':
      case 'time_unix_nano':
        log.timeUnixNano = jsonTime(value, '/timeUnixNano', issues)
        break
      case 'observedTimeUnixNano':
      case 'observed_time_unix_nano':
        log.observedTimeUnixNano = jsonTime(value, '/observedTimeUnixNano', issues)
        break
      case 'severityNumber':
      case 'severity_number':
        log.severityNumber = jsonEnum(value, severities, 'SEVERITY_NUMBER_', '/severityNumber', issues)
        break
      case 'severityText':
      case 'severity_text':
        log.severityText = jsonText(value, '/severityText', issues)
        break
      case 'body':
        if (value !== undefined && value !== null) log.body = jsonValue(value, '/body', undefined, issues, 0)
        break
      case 'attributes':
        log.attributes = jsonAttributes(value, '/attributes', issues)
        break
      case 'droppedAttributesCount':
      case 'dropped_attributes_count':
        log.droppedAttributesCount = jsonUint32(value, '/droppedAttributesCount', issues)
        break
      case 'flags':
        log.flags = jsonUint32(value, '/flags', issues)
        break
      case 'traceId':
      case 'trace_id':
        log.traceId = jsonId(value, 16, '/traceId', issues)
        break
      case 'spanId':
      case 'span_id':
        log.spanId = jsonId(value, 8, '/spanId', issues)
        break
      case 'eventName':
      case 'event_name':
        log.eventName = jsonText(value, '/eventName', issues)
        break
      default:
        if (value !== null && value !== undefined) setKey((log.unknown ??= {}), key, value)
    }
  }
  return log
}
