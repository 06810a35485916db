/** The ten types of events. There is no `identify`: it is a track named `identify`. */
export const eventTypes = [
  'trace',
  'metric',
  'log',
  'cdc',
  'track',
  'page',
  'vital',
  'replay',
  'tail',
  'snippet',
] as const

export type EventType = (typeof eventTypes)[number]

const known: ReadonlySet<string> = new Set(eventTypes)

export function isEventType(value: unknown): value is EventType {
  return typeof value === 'string' && known.has(value)
}

/**
 * Columns without which an event of a type is not one: what the types promise and the guards check.
 * A track has an actor or an anonymous visitor when it has either; none is required.
 */
export const requiredColumns = {
  trace: ['trace_id', 'span_id'],
  metric: ['metric_name'],
  log: ['log_level'],
  cdc: ['db_operation', 'db_table'],
  track: [],
  page: ['http_url'],
  vital: ['vital_name', 'vital_value'],
  replay: ['session_id', 'replay_type'],
  tail: ['service_name'],
  snippet: ['snippet_request_id'],
} as const satisfies Record<EventType, readonly string[]>

/** What validation asks for beyond `requiredColumns`. */
export const alsoValidated = {
  metric: ['metric_type'],
  log: ['log_message'],
  cdc: ['db_system'],
} as const satisfies Partial<Record<EventType, readonly string[]>>

/** All columns that a validated event of the type must have. */
export function validatedColumns(type: EventType): readonly string[] {
  const more: Partial<Record<EventType, readonly string[]>> = alsoValidated
  return [...requiredColumns[type], ...(more[type] ?? [])]
}

/** Groups of columns that events of a type mainly fill, for documentation and views. */
export const primaryGroups = {
  trace: ['CoreIdentity', 'CausalityChain', 'Timing', 'HttpContext', 'ServiceInfra'],
  metric: ['CoreIdentity', 'Timing', 'OtelMetrics', 'ServiceInfra'],
  log: ['CoreIdentity', 'Timing', 'Logging', 'ServiceInfra'],
  cdc: ['CoreIdentity', 'Timing', 'DatabaseCdc', 'Resource'],
  track: ['CoreIdentity', 'Actor', 'Resource', 'WebMarketing'],
  page: ['CoreIdentity', 'Actor', 'HttpContext', 'WebMarketing'],
  vital: ['CoreIdentity', 'WebVitals', 'ClientDevice'],
  replay: ['CoreIdentity', 'SessionReplay', 'CausalityChain'],
  tail: ['CoreIdentity', 'Timing', 'ServiceInfra'],
  snippet: ['CoreIdentity', 'SnippetProxy', 'HttpContext'],
} as const satisfies Record<EventType, readonly string[]>
