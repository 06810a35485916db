import type { Issue } from '../issues.ts'
import { emptyLog, type OtelLog } from './model.ts'
import type { OtlpReader } from './wire-values.ts'

/**
 * opentelemetry.proto.logs.v1.LogRecord, from `reader.at` to `reader.end`:
 *
 *   time 1, severity_number 2, severity_text 3, body 5, attributes 6, dropped_attributes_count 7, flags 8, trace_id 9, span_id 10,
 *   observed_time 11, event_name 12
 */
export function readWireLog(otlp: OtlpReader, issues: Issue[]): OtelLog {
  const { reader } = otlp
  const { end } = reader
  const log = emptyLog()
  while (reader.at < end) {
    const tag = reader.uint32()
    switch (tag) {
      case 9:
        log.timeUnixNano = reader.fixed64()
        break
      case 16:
        log.severityNumber = reader.uint32()
        break
      case 26:
        log.severityText = otlp.name()
        break
      case 42:
        log.body = otlp.value(0)
        break
      case 50:
        log.attributes = otlp.attribute(log.attributes)
        break
      case 56:
        log.droppedAttributesCount = reader.uint32()
        break
      case 69:
        log.flags = reader.fixed32()
        break
      case 74:
        log.traceId = otlp.id(16, '/traceId', issues)
        break
      case 82:
        log.spanId = otlp.id(8, '/spanId', issues)
        break
      case 89:
        log.observedTimeUnixNano = reader.fixed64()
        break
      case 98:
        log.eventName = otlp.name()
        break
      default:
        otlp.skip(tag)
    }
  }
  return log
}
