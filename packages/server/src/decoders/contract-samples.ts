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
  otel: {
    kind: 'traces',
    good: { traceId: '5b8efff798038103d269b633813fc60c', spanId: 'eee19b7ec3c1b174', name: 'x' },
    wrap: (events) => text({ resourceSpans: [{ scopeSpans: [{ spans: events }] }] }),
    keys: 'resourceSpans resource scopeSpans scope spans traceId spanId parentSpanId name kind startTimeUnixNano endTimeUnixNano attributes key value stringValue intValue doubleValue boolValue arrayValue kvlistValue bytesValue values events links status code message flags traceState resourceLogs scopeLogs logRecords severityNumber severityText body timeUnixNano resourceMetrics scopeMetrics metrics gauge sum histogram exponentialHistogram summary dataPoints asInt asDouble count bucketCounts explicitBounds quantileValues exemplars scale zeroCount positive negative offset',
  },
  s0: {
    kind: 'batch',
    good: { event_id: 'e', page_view: { url: 'u' } },
    wrap: (events) => text({ events }),
    keys: 'event_id user_id session_id page_view pageView performance metric_name value ad_event action revenue_micros ai_interaction navigation trigger search_event seq_number device_id',
  },
  posthog: {
    kind: 'capture',
    good: { event: 'x', distinct_id: 'u' },
    wrap: (events) => text({ api_key: 'k', batch: events }),
    keys: 'batch event uuid distinct_id properties timestamp offset sent_at $set $set_once api_key token $current_url $screen_width $session_id $device_id $user_id $is_identified $exception_list $snapshot_data $web_vitals_LCP_event $group_key alias $geoip_latitude options session_id $pageview $identify $exception $groupidentify stacktrace frames type value',
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
  umami: {
    kind: 'send',
    good: { type: 'event', payload: { hostname: 'h', url: '/' } },
    wrap: (events) => text(events),
    keys: 'type payload website hostname url referrer title screen language name data id tag userAgent browser os device timestamp engagement message stack kind ip identify event error',
  },
  plausible: {
    kind: 'event',
    good: { n: 'pageview', u: 'https://h/' },
    wrap: ([event]) => text(typeof event === 'object' && !Array.isArray(event) ? (event ?? {}) : { d: event }),
    single: true,
    keys: 'n u d r p m e sd h w v i $ name url domain referrer props meta revenue',
  },
  platform_events: {
    kind: 'platform-events',
    good: { event_type: 'project.created' },
    wrap: (events) => text({ events }),
    keys: 'event_id event_type event_category user_id entity_type entity_id event_data metadata source timestamp created_at geo_location device_info screen_width screen_height ip_address',
  },
  cdc: {
    kind: 'cdc',
    good: { op: 'u', table: 'users', key: 7, lsn: '0/16B3748', after: { id: 7, name: 'x' } },
    wrap: (events) => text(events),
    keys: 'op operation table schema key primaryKey before after lsn version ts timestamp transactionId source payload value topic partition offset name connector db collection snapshot ts_ms ts_ns ord file pos row ddl updateDescription updatedFields message prefix status transaction total_order fields field parameters c u d r t m',
  },
  do_event: {
    kind: 'do',
    good: { id: 'e-1', verb: 'signup', source: 'Customer/1', createdAt: '2026-01-01T00:00:00Z' },
    wrap: (events) => text({ ns: 'https://app.example/', events }),
    keys: 'id ns type verb source sourceType data actionId actor actorType sequence timestamp createdAt bizStep disposition bizTransaction bizLocation readPoint status durability target inputVersion outputVersion error requestId sessionId workflowId startedAt completedAt durationMs traceId parentId name stack completed failed do try send action event',
  },
  web_vitals: {
    kind: 'vitals',
    good: { name: 'LCP', value: 1200.5, delta: 1200.5, rating: 'good', id: 'v6-1767225600000-1' },
    wrap: (events) => text({ vitals: events, pageUrl: 'https://shop.example/' }),
    keys: 'vitals metrics name value delta rating id navigationType navigationURL entries attribution element target largestShiftTarget interactionTarget loadState pageUrl sessionId userId anonymousId ns userAgent timestamp sentAt writeKey tagName',
  },
  rrweb: {
    kind: 'replay',
    good: { type: 3, data: { source: 0 }, timestamp: 1767225600000 },
    wrap: (events) => text({ sessionId: 's', events }),
    keys: 'sessionId sequence startedAt pageUrl events data type timestamp source href node windowId sentAt writeKey userId',
  },
  snippet: {
    kind: 'snippet',
    good: { name: 'https://shop.example/a.js', initiatorType: 'script', startTime: 1, duration: 0 },
    wrap: (events) => text({ entries: events, timeOrigin: 1767225600000.5 }),
    keys: 'entries resources name initiatorType startTime duration domainLookupStart domainLookupEnd connectStart connectEnd requestStart responseStart responseEnd transferSize decodedBodySize requestId sessionId pageUrl timestamp timeOrigin contentType resourceType priority nextHopProtocol responseStatus',
  },
  workers_tail: {
    kind: 'tail',
    good: {
      scriptName: 'shop',
      outcome: 'ok',
      eventTimestamp: 1767225600000,
      event: { request: { url: 'https://a.example/' } },
    },
    wrap: (events) => text(events),
    keys: 'scriptName scriptVersion dispatchNamespace entrypoint durableObjectId outcome eventTimestamp cpuTime wallTime event type request response url method headers cf status queue queueName batchSize cron scheduledTime rpcMethod rayId logs exceptions diagnosticsChannelEvents tailAttributes name message stack level timestamp country latitude asn botManagement score verifiedBot traceparent user-agent content-length id tag EventTimestampMs ScriptName ScriptVersion EventType Outcome Event Request Response URL Method Status Logs Exceptions TimestampMs RayID',
  },
  cloudevents: {
    kind: 'events',
    contentType: 'application/cloudevents-batch+json',
    good: { specversion: '1.0', id: '1', source: '/s', type: 't' },
    wrap: (events) => text(events),
    keys: 'specversion id source type subject time datacontenttype dataschema data data_base64 traceparent correlationid eventtype partitionkey 1.0',
  },
}
