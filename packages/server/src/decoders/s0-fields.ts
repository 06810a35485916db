import { adActions, metricNames, navigationTriggers } from './s0-enums.ts'

/** The fields of browser.proto by their JSON names; a test compares them with the generated codec. */
export type FieldType = 'id' | 'string' | 'uint32' | 'uint64' | 'int64' | 'double' | 'bool' | 'enum' | 'time'

export interface Field {
  readonly number: number
  readonly type: FieldType
  /** Of an enum: lower-case names by value. */
  readonly names?: readonly string[]
}

export interface Payload {
  readonly number: number
  /** Refuses keys that it does not know, instead of keeping them. */
  readonly isClosed: boolean
  readonly fields: ReadonlyMap<string, Field>
}

export const envelopeFields: ReadonlyMap<string, Field> = byJsonNames<Field>({
  event_id: { number: 1, type: 'id' },
  user_id: { number: 2, type: 'id' },
  device_id: { number: 3, type: 'id' },
  session_id: { number: 4, type: 'uint64' },
  timestamp: { number: 5, type: 'time' },
})

export const payloads: ReadonlyMap<string, Payload> = byJsonNames<Payload>({
  page_view: payload(10, {
    url: { number: 1, type: 'string' },
    title: { number: 2, type: 'string' },
    referrer: { number: 3, type: 'string' },
    load_time_ms: { number: 4, type: 'uint32' },
    scroll_depth_pct: { number: 5, type: 'uint32' },
  }),
  search_event: payload(11, {
    query: { number: 1, type: 'string' },
    engine: { number: 2, type: 'string' },
    result_count: { number: 3, type: 'uint32' },
    clicked_position: { number: 4, type: 'uint32' },
  }),
  ai_interaction: {
    ...payload(12, {
      conversation_id: { number: 1, type: 'id' },
      task_type: { number: 2, type: 'string' },
      model: { number: 3, type: 'string' },
      input_tokens: { number: 4, type: 'uint32' },
      output_tokens: { number: 5, type: 'uint32' },
      latency_ms: { number: 6, type: 'uint32' },
      cached: { number: 7, type: 'bool' },
    }),
    isClosed: true,
  },
  navigation: payload(13, {
    url_from: { number: 1, type: 'string' },
    url_to: { number: 2, type: 'string' },
    trigger: { number: 3, type: 'enum', names: valueNames('trigger_unspecified', navigationTriggers) },
  }),
  performance: payload(14, {
    metric_name: { number: 1, type: 'enum', names: valueNames('metric_name_unspecified', metricNames) },
    value: { number: 2, type: 'double' },
    url: { number: 3, type: 'string' },
  }),
  ad_event: payload(15, {
    ad_id: { number: 1, type: 'id' },
    campaign_id: { number: 2, type: 'id' },
    placement: { number: 3, type: 'string' },
    action: { number: 4, type: 'enum', names: valueNames('action_unspecified', adActions) },
    revenue_micros: { number: 5, type: 'int64' },
  }),
})

function payload(number: number, fields: Readonly<Record<string, Field>>): Payload {
  return { number, isClosed: false, fields: byJsonNames(fields) }
}

/** Each under its own name and its lowerCamelCase form. */
function byJsonNames<T>(fields: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  const names = new Map<string, T>()
  for (const [name, field] of Object.entries(fields)) {
    names.set(name, field)
    names.set(
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      field,
    )
  }
  return names
}

/** By value: 0 is unspecified. */
function valueNames(unspecified: string, names: readonly string[]): readonly string[] {
  return [unspecified, ...names.map((name) => name.toLowerCase())]
}
