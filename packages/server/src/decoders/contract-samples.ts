/** How the contract test makes bodies of a dialect. */
export interface ContractSample {
  /** A route of the dialect that takes several events in a body. */
  readonly kind: string
  readonly contentType?: string
  /** A good event. */
  readonly good: unknown
  /** A body of such events; with `single`, it is called with one at a time. */
  readonly wrap: (events: readonly unknown[]) => Uint8Array
  /** A body holds one event, and nothing else. */
  readonly single?: boolean
  /** Words of the dialect that arbitrary bodies should hold, so that they reach the code behind them. */
  readonly keys: string
}

const text = (value: unknown) => Buffer.from(JSON.stringify(value))

/** One entry per dialect of registry.ts. */
export const contractSamples: Readonly<Record<string, ContractSample>> = {
  segment: {
    kind: 'batch',
    good: { type: 'track', event: 'x', userId: 'u' },
    wrap: (events) => text({ batch: events }),
    keys: 'type event userId anonymousId messageId timestamp originalTimestamp sentAt context properties traits integrations name category groupId previousId writeKey page url screen width location latitude os campaign device library batch',
  },
  millrace: {
    kind: 'batch',
    good: { event_name: 'x' },
    wrap: (events) => text(events),
    keys: 'events event_type event_name id labels http_url replay_data timestamp_ns started_at vital_value bot_verified project',
  },
  s0: {
    kind: 'batch',
    good: { event_id: 'e', page_view: { url: 'u' } },
    wrap: (events) => text({ events }),
    keys: 'event_id user_id session_id page_view pageView performance metric_name value ad_event action revenue_micros ai_interaction navigation trigger search_event seq_number device_id',
  },
  recommendations: {
    kind: 'recommendations',
    good: {
      event_type: 'request',
      timestamp_ms: 1767225600000,
      request_id: '0b8f2f4e-3c1d-4a5b-9e6f-7a8b9c0d1e2f',
      user_id: 'ab'.repeat(32),
      experiment_id: 'hybrid_v1',
      bucket: 'control',
      k: 10,
    },
    wrap: (events) => text({ events }),
    keys: 'event_id event_type request_id user_id session_id timestamp_ms experiment_id bucket device_type filters k latency_ms coverage algorithm alpha items canonical_id position visible_ms surface engagement_type dwell_ms component severity error_code message context resolution email query',
  },
  platform_events: {
    kind: 'platform-events',
    good: { event_type: 'project.created' },
    wrap: (events) => text({ events }),
    keys: 'event_id event_type event_category user_id entity_type entity_id event_data metadata source timestamp created_at geo_location device_info screen_width screen_height ip_address',
  },
}
