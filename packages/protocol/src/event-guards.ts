import { type EventType, requiredColumns } from './event-type.ts'
import type {
  CdcEvent,
  LogEvent,
  MetricEvent,
  PageEvent,
  ReplayEvent,
  SnippetEvent,
  TailEvent,
  TraceEvent,
  TrackEvent,
  UnifiedEvent,
  VitalEvent,
} from './unified-event.ts'

/** Of that type, and with the columns that the type promises: a string must not be empty, 0 is a value. */
function is(event: UnifiedEvent, type: EventType): boolean {
  if (event.event_type !== type) return false
  return requiredColumns[type].every((name) => event[name] !== null && event[name] !== '')
}

export function isTraceEvent(event: UnifiedEvent): event is TraceEvent {
  return is(event, 'trace')
}

export function isMetricEvent(event: UnifiedEvent): event is MetricEvent {
  return is(event, 'metric')
}

export function isLogEvent(event: UnifiedEvent): event is LogEvent {
  return is(event, 'log')
}

export function isCdcEvent(event: UnifiedEvent): event is CdcEvent {
  return is(event, 'cdc')
}

export function isTrackEvent(event: UnifiedEvent): event is TrackEvent {
  return is(event, 'track')
}

export function isPageEvent(event: UnifiedEvent): event is PageEvent {
  return is(event, 'page')
}

export function isVitalEvent(event: UnifiedEvent): event is VitalEvent {
  return is(event, 'vital')
}

export function isReplayEvent(event: UnifiedEvent): event is ReplayEvent {
  return is(event, 'replay')
}

export function isTailEvent(event: UnifiedEvent): event is TailEvent {
  return is(event, 'tail')
}

export function isSnippetEvent(event: UnifiedEvent): event is SnippetEvent {
  return is(event, 'snippet')
}
