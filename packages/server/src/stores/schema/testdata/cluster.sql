CREATE DATABASE IF NOT EXISTS millrace ON CLUSTER 'analytics' ENGINE = Atomic;

CREATE TABLE IF NOT EXISTS millrace.schema_migrations_local ON CLUSTER 'analytics' (
  kind LowCardinality(String),
  number UInt32,
  name String,
  checksum String,
  applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/millrace/schema_migrations_local', '{replica}') ORDER BY (kind, number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS millrace.schema_migrations ON CLUSTER 'analytics' AS millrace.schema_migrations_local
ENGINE = Distributed('analytics', 'millrace', 'schema_migrations_local', number);

CREATE TABLE IF NOT EXISTS millrace.events_local ON CLUSTER 'analytics' (
  `id` String COMMENT 'unique id of the event; a ULID when made by us',
  `event_type` LowCardinality(String) COMMENT 'one of the ten event types',
  `event_name` LowCardinality(String) COMMENT 'what happened, as noun.verb or the name the dialect gives',
  INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_trace_id trace_id TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_session_id session_id TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_correlation_id correlation_id TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_actor_id actor_id TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_anonymous_id anonymous_id TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_log_position log_position TYPE minmax GRANULARITY 1,
  INDEX by_ingested_at ingested_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/millrace/events_local', '{replica}') PARTITION BY toDate(timestamp) ORDER BY (project, timestamp) TTL expires_at
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 100000000, replicated_deduplication_window = 10000, ttl_only_drop_parts = 0, merge_with_ttl_timeout = 3600, object_shared_data_serialization_version = 'map_with_buckets', merge_max_dynamic_subcolumns_in_compact_part = 128, merge_max_dynamic_subcolumns_in_wide_part = 128, nullable_serialization_version = 'allow_sparse';

CREATE TABLE IF NOT EXISTS millrace.events ON CLUSTER 'analytics' AS millrace.events_local
ENGINE = Distributed('analytics', 'millrace', 'events_local', intHash64(bitShiftRight(log_position, 16)));

CREATE TABLE IF NOT EXISTS millrace.outcomes_local ON CLUSTER 'analytics' (
  `id` String,
  `project` LowCardinality(String),
  `source` LowCardinality(String),
  INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_log_position log_position TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/millrace/outcomes_local', '{replica}') PARTITION BY toDate(received_at) ORDER BY (project, received_at) TTL toDateTime(received_at) + INTERVAL 90 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 100000000, replicated_deduplication_window = 10000, ttl_only_drop_parts = 0, merge_with_ttl_timeout = 3600;

CREATE TABLE IF NOT EXISTS millrace.outcomes ON CLUSTER 'analytics' AS millrace.outcomes_local
ENGINE = Distributed('analytics', 'millrace', 'outcomes_local', intHash64(bitShiftRight(log_position, 16)));

CREATE TABLE IF NOT EXISTS millrace.ledger_local ON CLUSTER 'analytics' (
  `project` LowCardinality(String),
  `minute` DateTime('UTC'),
  `source` LowCardinality(String),
  INDEX by_log_position log_position TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/millrace/ledger_local', '{replica}') PARTITION BY toYYYYMM(minute) ORDER BY (project, minute, source, outcome, reason) TTL minute + INTERVAL 400 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 100000000, replicated_deduplication_window = 10000, ttl_only_drop_parts = 0, merge_with_ttl_timeout = 3600;

CREATE TABLE IF NOT EXISTS millrace.ledger ON CLUSTER 'analytics' AS millrace.ledger_local
ENGINE = Distributed('analytics', 'millrace', 'ledger_local', intHash64(bitShiftRight(log_position, 16)));

CREATE TABLE IF NOT EXISTS millrace.quarantine_local ON CLUSTER 'analytics' (
  `id` String,
  `project` LowCardinality(String),
  `source` LowCardinality(String),
  INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_log_position log_position TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/millrace/quarantine_local', '{replica}') PARTITION BY toDate(received_at) ORDER BY (project, received_at) TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 100000000, replicated_deduplication_window = 10000, ttl_only_drop_parts = 0, merge_with_ttl_timeout = 3600;

CREATE TABLE IF NOT EXISTS millrace.quarantine ON CLUSTER 'analytics' AS millrace.quarantine_local
ENGINE = Distributed('analytics', 'millrace', 'quarantine_local', intHash64(bitShiftRight(log_position, 16)));

CREATE TABLE IF NOT EXISTS millrace.expiries_local ON CLUSTER 'analytics' (
  `project` LowCardinality(String),
  `minute` DateTime('UTC'),
  `expires_on` Date32,
  INDEX by_log_position log_position TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/millrace/expiries_local', '{replica}') PARTITION BY toYYYYMM(minute) ORDER BY (project, minute, expires_on) TTL minute + INTERVAL 400 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_bytes_for_wide_part = 1000000000, min_rows_for_wide_part = 100000000, replicated_deduplication_window = 10000, ttl_only_drop_parts = 0, merge_with_ttl_timeout = 3600;

CREATE TABLE IF NOT EXISTS millrace.expiries ON CLUSTER 'analytics' AS millrace.expiries_local
ENGINE = Distributed('analytics', 'millrace', 'expiries_local', intHash64(bitShiftRight(log_position, 16)));

CREATE OR REPLACE VIEW millrace.trace_spans ON CLUSTER 'analytics' AS
WITH
  first_spans AS (
    SELECT project, trace_id, span_id, argMin(parent_id, log_position) AS parent_id
    FROM millrace.events
    WHERE event_type = 'trace' AND trace_id != '' AND span_id != ''
    GROUP BY project, trace_id, span_id
  ),
  traces AS (
    SELECT
      project,
      trace_id,
      groupArray((span_id, parent_id, toUInt32(parent_id != ''))) AS spans,
      range(toUInt64(least(20, ceil(log2(length(spans) + 1))))) AS doublings,
      arraySort(arrayFold((known, step) -> arrayMap(
        a -> if(a.2.2 = 0 AND a.2.1 = a.1.1, (a.1.3, a.2.3, toUInt32(a.1.4 + a.2.4)), (a.1.3, '', a.1.4)),
        arrayFilter(a -> a.1.2 = 1, arrayZip(arraySort(arrayConcat(arrayMap(s -> (s.1, toUInt8(0), s.2, s.3), known), arrayMap(s -> (s.2, toUInt8(1), s.1, s.3), known))), arrayFill(d -> d.2 = 0, arraySort(arrayConcat(arrayMap(s -> (s.1, toUInt8(0), s.2, s.3), known), arrayMap(s -> (s.2, toUInt8(1), s.1, s.3), known))))))), doublings, spans)) AS resolved,
      arraySort(arrayConcat(arrayMap(s -> (s.2, 0), spans), arrayMap(s -> (s.1, 1), spans))) AS named,
      arrayFilter((leaf, n) -> n.2 = 1, arrayMap((n, before) -> n.1 != before.1, named, arrayPushFront(arrayPopBack(named), ('', 0))), named) AS leaves
    FROM first_spans
    GROUP BY project, trace_id
  ),
  graph AS (
    SELECT project, trace_id, span.1 AS span_id, toUInt32(if(span.2 = '', span.3, 1)) AS depth, is_leaf
    FROM traces ARRAY JOIN resolved AS span, leaves AS is_leaf
  )
SELECT
  e.id AS id,
  e.event_type AS event_type,
  e.event_name AS event_name,
  e.ns AS ns,
  e.trace_id AS trace_id,
  e.span_id AS span_id,
  e.parent_id AS parent_id,
  e.root_id AS root_id,
  e.session_id AS session_id,
  e.workflow_id AS workflow_id,
  e.transaction_id AS transaction_id,
  e.correlation_id AS correlation_id,
  g.depth AS depth,
  toBool(g.is_leaf) AS is_leaf,
  toBool(e.parent_id = '') AS is_root,
  e.actor_id AS actor_id,
  e.actor_type AS actor_type,
  e.actor_name AS actor_name,
  e.anonymous_id AS anonymous_id,
  e.resource_type AS resource_type,
  e.resource_id AS resource_id,
  e.resource_name AS resource_name,
  e.resource_version AS resource_version,
  e.resource_ns AS resource_ns,
  e.timestamp AS timestamp,
  e.timestamp_ns AS timestamp_ns,
  e.started_at AS started_at,
  e.ended_at AS ended_at,
  e.duration_ms AS duration_ms,
  e.cpu_time_ms AS cpu_time_ms,
  e.outcome AS outcome,
  e.outcome_reason AS outcome_reason,
  e.status_code AS status_code,
  e.error_type AS error_type,
  e.error_message AS error_message,
  e.error_stack AS error_stack,
  e.http_method AS http_method,
  e.http_url AS http_url,
  e.http_host AS http_host,
  e.http_path AS http_path,
  e.http_query AS http_query,
  e.http_status AS http_status,
  e.http_protocol AS http_protocol,
  e.http_request_size AS http_request_size,
  e.http_response_size AS http_response_size,
  e.http_referrer AS http_referrer,
  e.http_user_agent AS http_user_agent,
  e.http_content_type AS http_content_type,
  e.geo_country AS geo_country,
  e.geo_region AS geo_region,
  e.geo_city AS geo_city,
  e.geo_colo AS geo_colo,
  e.geo_timezone AS geo_timezone,
  e.geo_latitude AS geo_latitude,
  e.geo_longitude AS geo_longitude,
  e.geo_asn AS geo_asn,
  e.geo_as_org AS geo_as_org,
  e.geo_postal AS geo_postal,
  e.client_type AS client_type,
  e.client_name AS client_name,
  e.client_version AS client_version,
  e.device_type AS device_type,
  e.device_model AS device_model,
  e.device_brand AS device_brand,
  e.os_name AS os_name,
  e.os_version AS os_version,
  e.bot_score AS bot_score,
  e.bot_verified AS bot_verified,
  e.screen_size AS screen_size,
  e.service_name AS service_name,
  e.service_version AS service_version,
  e.service_instance AS service_instance,
  e.service_namespace AS service_namespace,
  e.host_name AS host_name,
  e.host_id AS host_id,
  e.cloud_provider AS cloud_provider,
  e.cloud_region AS cloud_region,
  e.cloud_zone AS cloud_zone,
  e.container_id AS container_id,
  e.k8s_namespace AS k8s_namespace,
  e.k8s_pod AS k8s_pod,
  e.k8s_deployment AS k8s_deployment,
  e.db_system AS db_system,
  e.db_name AS db_name,
  e.db_table AS db_table,
  e.db_operation AS db_operation,
  e.db_statement AS db_statement,
  e.db_row_id AS db_row_id,
  e.db_lsn AS db_lsn,
  e.db_version AS db_version,
  e.db_before AS db_before,
  e.db_after AS db_after,
  e.msg_system AS msg_system,
  e.msg_destination AS msg_destination,
  e.msg_operation AS msg_operation,
  e.msg_batch_size AS msg_batch_size,
  e.msg_message_id AS msg_message_id,
  e.rpc_system AS rpc_system,
  e.rpc_service AS rpc_service,
  e.rpc_method AS rpc_method,
  e.rpc_status AS rpc_status,
  e.page_title AS page_title,
  e.page_search AS page_search,
  e.campaign_name AS campaign_name,
  e.campaign_source AS campaign_source,
  e.campaign_medium AS campaign_medium,
  e.campaign_term AS campaign_term,
  e.campaign_content AS campaign_content,
  e.campaign_id AS campaign_id,
  e.ab_test_id AS ab_test_id,
  e.ab_variant AS ab_variant,
  e.vital_name AS vital_name,
  e.vital_value AS vital_value,
  e.vital_rating AS vital_rating,
  e.vital_delta AS vital_delta,
  e.vital_element AS vital_element,
  e.vital_load_state AS vital_load_state,
  e.nav_type AS nav_type,
  e.replay_type AS replay_type,
  e.replay_source AS replay_source,
  e.replay_sequence AS replay_sequence,
  e.replay_timestamp_offset AS replay_timestamp_offset,
  e.replay_data AS replay_data,
  e.metric_name AS metric_name,
  e.metric_unit AS metric_unit,
  e.metric_type AS metric_type,
  e.metric_value AS metric_value,
  e.metric_count AS metric_count,
  e.metric_sum AS metric_sum,
  e.metric_min AS metric_min,
  e.metric_max AS metric_max,
  e.metric_buckets AS metric_buckets,
  e.metric_quantiles AS metric_quantiles,
  e.log_level AS log_level,
  e.log_level_num AS log_level_num,
  e.log_message AS log_message,
  e.log_logger AS log_logger,
  e.do_class AS do_class,
  e.do_id AS do_id,
  e.do_method AS do_method,
  e.action_verb AS action_verb,
  e.action_durability AS action_durability,
  e.action_target AS action_target,
  e.action_input_version AS action_input_version,
  e.biz_step AS biz_step,
  e.biz_disposition AS biz_disposition,
  e.biz_transaction AS biz_transaction,
  e.biz_location AS biz_location,
  e.biz_read_point AS biz_read_point,
  e.snippet_initiator AS snippet_initiator,
  e.snippet_request_id AS snippet_request_id,
  e.snippet_start_time AS snippet_start_time,
  e.snippet_dns_time AS snippet_dns_time,
  e.snippet_connect_time AS snippet_connect_time,
  e.snippet_ttfb AS snippet_ttfb,
  e.snippet_download_time AS snippet_download_time,
  e.snippet_blocked_time AS snippet_blocked_time,
  e.snippet_resource_type AS snippet_resource_type,
  e.snippet_transfer_size AS snippet_transfer_size,
  e.snippet_decoded_size AS snippet_decoded_size,
  e.snippet_cache_state AS snippet_cache_state,
  e.snippet_priority AS snippet_priority,
  e.data AS data,
  e.attributes AS attributes,
  e.labels AS labels,
  e.context AS context,
  e.properties AS properties,
  e.traits AS traits,
  e.hour AS hour,
  e.day AS day,
  e.event_source AS event_source,
  e.visibility AS visibility,
  e.ingested_at AS ingested_at,
  e.batch_id AS batch_id,
  e.schema_version AS schema_version,
  e.project AS project,
  e.log_position AS log_position,
  e.plan_version AS plan_version,
  e.expires_at AS expires_at,
  e.is_duplicate AS is_duplicate
FROM millrace.events AS e
GLOBAL INNER JOIN graph AS g ON e.project = g.project AND e.trace_id = g.trace_id AND e.span_id = g.span_id
WHERE e.event_type = 'trace';

SYSTEM SYNC REPLICA ON CLUSTER 'analytics' millrace.events_local LIGHTWEIGHT;

KILL QUERY ON CLUSTER 'analytics' WHERE (initial_query_id = {id:String} OR startsWith(initial_query_id, {below:String})) SYNC;

SELECT query_id FROM clusterAllReplicas('analytics', system.processes) WHERE (initial_query_id = {id:String} OR startsWith(initial_query_id, {below:String}));

GRANT SELECT ON millrace.events TO ask_default;

GRANT SELECT ON millrace.events_local TO ask_default;

GRANT SELECT ON millrace.outcomes TO ask_default;

GRANT SELECT ON millrace.outcomes_local TO ask_default;

GRANT SELECT ON millrace.ledger TO ask_default;

GRANT SELECT ON millrace.ledger_local TO ask_default;

GRANT SELECT(`id`, `project`, `source`, `received_at`, `batch_id`, `index`, `reason`, `issues`, `redacted`, `event_type`, `log_position`) ON millrace.quarantine TO ask_default;

GRANT SELECT(`id`, `project`, `source`, `received_at`, `batch_id`, `index`, `reason`, `issues`, `redacted`, `event_type`, `log_position`) ON millrace.quarantine_local TO ask_default;

GRANT SELECT ON millrace.trace_spans TO ask_default;
