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
}
