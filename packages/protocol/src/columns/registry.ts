import { column as c } from './declare.ts'

/**
 * Every column of the unified schema, declared once: number, name, kind, PII class, meaning. All else is derived from here:
 * the memory type, the record's protobuf, ClickHouse's types, the JSON Schema, the docs page.
 *
 * A number is for ever: add columns with new numbers, never change or reuse one (columns.lock.json and its test).
 * `enum` is for columns with few different values in practice. It is an optimisation, not a promise: a client that puts an
 * id into one costs space, nothing breaks, since LowCardinality falls back to plain values beyond its dictionary.
 */
const groups = [
  {
    number: 1,
    name: 'CoreIdentity',
    columns: [
      c(1, 'id', 'string', 'none', 'unique id of the event; a ULID when made by us'),
      c(2, 'event_type', 'enum', 'none', 'one of the ten event types'),
      c(3, 'event_name', 'enum', 'none', 'what happened, as noun.verb or the name the dialect gives'),
      c(4, 'ns', 'enum', 'none', 'namespace that the dialect names; grants nothing'),
    ],
  },
  {
    number: 2,
    name: 'CausalityChain',
    columns: [
      c(5, 'trace_id', 'string', 'none', 'W3C trace id, 32 hex digits'),
      c(6, 'span_id', 'string', 'none', 'span id, 16 hex digits'),
      c(7, 'parent_id', 'string', 'none', 'span id of the parent'),
      c(8, 'root_id', 'string', 'none', 'first span of the trace'),
      c(9, 'session_id', 'string', 'low', 'session of the user'),
      c(10, 'workflow_id', 'string', 'none', 'run of a durable workflow'),
      c(11, 'transaction_id', 'string', 'none', 'database or business transaction'),
      c(12, 'correlation_id', 'string', 'none', 'link to events of other systems'),
      c(13, 'depth', 'number', 'none', 'distance from the root span: 0, or that of the parent plus one', {
        part: 'graph',
      }),
      c(14, 'is_leaf', 'boolean', 'none', 'no span names this one as its parent', { part: 'graph' }),
      c(15, 'is_root', 'boolean', 'none', 'the span has no parent', { part: 'graph' }),
    ],
  },
  {
    number: 3,
    name: 'Actor',
    columns: [
      c(16, 'actor_id', 'string', 'low', 'authenticated user or agent'),
      c(17, 'actor_type', 'enum', 'none', 'user, agent, system or webhook'),
      c(18, 'actor_name', 'string', 'high', 'display name of the actor'),
      c(19, 'anonymous_id', 'string', 'low', 'id of the device or of a visitor not logged in'),
    ],
  },
  {
    number: 4,
    name: 'Resource',
    columns: [
      c(20, 'resource_type', 'enum', 'none', 'kind of the thing acted upon'),
      c(21, 'resource_id', 'string', 'none', 'its id'),
      c(22, 'resource_name', 'string', 'low', 'its display name'),
      c(23, 'resource_version', 'string', 'none', 'its revision'),
      c(24, 'resource_ns', 'enum', 'none', 'namespace that owns it'),
    ],
  },
  {
    number: 5,
    name: 'Timing',
    columns: [
      c(25, 'timestamp', 'timestamp', 'none', 'when it happened'),
      c(26, 'timestamp_ns', 'bigint', 'none', 'the same in Unix nanoseconds'),
      c(27, 'started_at', 'timestamp', 'none', 'when the operation began'),
      c(28, 'ended_at', 'timestamp', 'none', 'when the operation ended'),
      c(29, 'duration_ms', 'number', 'none', 'elapsed milliseconds'),
      c(30, 'cpu_time_ms', 'number', 'none', 'CPU milliseconds'),
    ],
  },
  {
    number: 6,
    name: 'Outcome',
    columns: [
      c(31, 'outcome', 'enum', 'none', 'success, failure, error, timeout …'),
      c(32, 'outcome_reason', 'string', 'low', 'why it ended so'),
      c(33, 'status_code', 'number', 'none', 'status of HTTP, gRPC or another protocol'),
      c(34, 'error_type', 'enum', 'none', 'class of the error'),
      c(35, 'error_message', 'string', 'high', 'text of the error'),
      c(36, 'error_stack', 'string', 'high', 'stack trace'),
    ],
  },
  {
    number: 7,
    name: 'HttpContext',
    columns: [
      c(37, 'http_method', 'enum', 'none', 'request method'),
      c(38, 'http_url', 'string', 'high', 'whole URL of the request or page'),
      c(39, 'http_host', 'enum', 'none', 'host of the URL'),
      c(40, 'http_path', 'string', 'low', 'path of the URL, without its query'),
      c(41, 'http_query', 'string', 'high', 'query of the URL'),
      c(42, 'http_status', 'number', 'none', 'response status'),
      c(43, 'http_protocol', 'enum', 'none', 'HTTP/1.1, HTTP/2, HTTP/3'),
      c(44, 'http_request_size', 'number', 'none', 'bytes of the request'),
      c(45, 'http_response_size', 'number', 'none', 'bytes of the response'),
      c(46, 'http_referrer', 'string', 'high', 'URL that led here'),
      c(47, 'http_user_agent', 'string', 'low', 'user agent as sent'),
      c(48, 'http_content_type', 'enum', 'none', 'media type'),
    ],
  },
  {
    number: 8,
    name: 'GeoLocation',
    columns: [
      c(49, 'geo_country', 'enum', 'none', 'ISO 3166-1 alpha-2 country'),
      c(50, 'geo_region', 'enum', 'low', 'ISO 3166-2 subdivision'),
      c(51, 'geo_city', 'string', 'low', 'city'),
      c(52, 'geo_colo', 'enum', 'none', 'edge site, three letters'),
      c(53, 'geo_timezone', 'enum', 'none', 'IANA time zone'),
      c(54, 'geo_latitude', 'number', 'high', 'degrees north'),
      c(55, 'geo_longitude', 'number', 'high', 'degrees east'),
      c(56, 'geo_asn', 'number', 'none', 'number of the network'),
      c(57, 'geo_as_org', 'string', 'none', 'owner of the network'),
      c(58, 'geo_postal', 'string', 'high', 'postal code'),
    ],
  },
  {
    number: 9,
    name: 'ClientDevice',
    columns: [
      c(59, 'client_type', 'enum', 'none', 'browser, mobile_app, sdk or cli'),
      c(60, 'client_name', 'enum', 'none', 'browser or library'),
      c(61, 'client_version', 'enum', 'none', 'its version'),
      c(62, 'device_type', 'enum', 'none', 'desktop, mobile, tablet or tv'),
      c(63, 'device_model', 'enum', 'low', 'model of the device'),
      c(64, 'device_brand', 'enum', 'none', 'maker of the device'),
      c(65, 'os_name', 'enum', 'none', 'operating system'),
      c(66, 'os_version', 'enum', 'none', 'its version'),
      c(67, 'bot_score', 'number', 'none', '0 is a human, 100 a bot'),
      c(68, 'bot_verified', 'boolean', 'none', 'a crawler known as good'),
      c(69, 'screen_size', 'enum', 'low', 'width x height in pixels'),
    ],
  },
  {
    number: 10,
    name: 'ServiceInfra',
    columns: [
      c(70, 'service_name', 'enum', 'none', 'service that emitted the event'),
      c(71, 'service_version', 'enum', 'none', 'its build'),
      c(72, 'service_instance', 'string', 'none', 'its instance'),
      c(73, 'service_namespace', 'enum', 'none', 'environment or stage'),
      c(74, 'host_name', 'string', 'none', 'host it ran on'),
      c(75, 'host_id', 'string', 'none', 'id of the machine'),
      c(76, 'cloud_provider', 'enum', 'none', 'cloudflare, aws, gcp, azure …'),
      c(77, 'cloud_region', 'enum', 'none', 'region of the cloud'),
      c(78, 'cloud_zone', 'enum', 'none', 'zone of the region'),
      c(79, 'container_id', 'string', 'none', 'container or worker'),
      c(80, 'k8s_namespace', 'enum', 'none', 'Kubernetes namespace'),
      c(81, 'k8s_pod', 'string', 'none', 'Kubernetes pod'),
      c(82, 'k8s_deployment', 'enum', 'none', 'Kubernetes deployment'),
    ],
  },
  {
    number: 11,
    name: 'DatabaseCdc',
    columns: [
      c(83, 'db_system', 'enum', 'none', 'database engine'),
      c(84, 'db_name', 'enum', 'none', 'database or schema'),
      c(85, 'db_table', 'enum', 'none', 'table'),
      c(86, 'db_operation', 'enum', 'none', 'insert, update, delete or select'),
      c(87, 'db_statement', 'string', 'high', 'SQL with its parameters left out'),
      c(88, 'db_row_id', 'string', 'low', 'key of the row'),
      c(89, 'db_lsn', 'string', 'none', 'log sequence number: the order of changes'),
      c(90, 'db_version', 'number', 'none', 'version of the row (optimistic lock)'),
      c(91, 'db_before', 'jsonText', 'high', 'the row before the change'),
      c(92, 'db_after', 'jsonText', 'high', 'the row after the change'),
    ],
  },
  {
    number: 12,
    name: 'MessagingQueue',
    columns: [
      c(93, 'msg_system', 'enum', 'none', 'kafka, rabbitmq, sqs, cloudflare_queues …'),
      c(94, 'msg_destination', 'enum', 'none', 'topic or queue'),
      c(95, 'msg_operation', 'enum', 'none', 'publish, consume, ack or nack'),
      c(96, 'msg_batch_size', 'number', 'none', 'messages of the batch'),
      c(97, 'msg_message_id', 'string', 'none', 'id that the broker gave'),
    ],
  },
  {
    number: 13,
    name: 'Rpc',
    columns: [
      c(98, 'rpc_system', 'enum', 'none', 'grpc, capnproto, thrift; of spans: server or client'),
      c(99, 'rpc_service', 'enum', 'none', 'service called'),
      c(100, 'rpc_method', 'enum', 'none', 'method called'),
      c(101, 'rpc_status', 'enum', 'none', 'name of the status, as gRPC has them'),
    ],
  },
  {
    number: 14,
    name: 'WebMarketing',
    columns: [
      c(102, 'page_title', 'string', 'low', 'title of the document'),
      c(103, 'page_search', 'string', 'high', 'what was searched for'),
      c(104, 'campaign_name', 'enum', 'none', 'utm_campaign'),
      c(105, 'campaign_source', 'enum', 'none', 'utm_source'),
      c(106, 'campaign_medium', 'enum', 'none', 'utm_medium'),
      c(107, 'campaign_term', 'string', 'low', 'utm_term'),
      c(108, 'campaign_content', 'string', 'none', 'utm_content'),
      c(109, 'campaign_id', 'string', 'none', 'key of the campaign'),
      c(110, 'ab_test_id', 'enum', 'none', 'experiment'),
      c(111, 'ab_variant', 'enum', 'none', 'variant assigned'),
    ],
  },
  {
    number: 15,
    name: 'WebVitals',
    columns: [
      c(112, 'vital_name', 'enum', 'none', 'LCP, FID, CLS, TTFB, FCP or INP'),
      c(113, 'vital_value', 'number', 'none', 'milliseconds; of CLS the score'),
      c(114, 'vital_rating', 'enum', 'none', 'good, needs-improvement or poor'),
      c(115, 'vital_delta', 'number', 'none', 'change since the last report'),
      c(116, 'vital_element', 'string', 'none', 'element of the page that it is about'),
      c(117, 'vital_load_state', 'enum', 'none', 'loading … complete'),
      c(118, 'nav_type', 'enum', 'none', 'navigate, reload, back_forward, prerender; or what led there'),
    ],
  },
  {
    number: 16,
    name: 'SessionReplay',
    columns: [
      c(119, 'replay_type', 'enum', 'none', 'kind of the rrweb event'),
      c(120, 'replay_source', 'enum', 'none', 'source of an incremental snapshot'),
      c(121, 'replay_sequence', 'number', 'none', 'place within the session'),
      c(122, 'replay_timestamp_offset', 'number', 'none', 'milliseconds since the start of the session'),
      c(123, 'replay_data', 'bytes', 'high', 'the encoded recording'),
    ],
  },
  {
    number: 17,
    name: 'OtelMetrics',
    columns: [
      c(124, 'metric_name', 'enum', 'none', 'instrument'),
      c(125, 'metric_unit', 'enum', 'none', 'UCUM unit'),
      c(126, 'metric_type', 'enum', 'none', 'gauge, counter, histogram or summary'),
      c(127, 'metric_value', 'number', 'none', 'value of a gauge or counter'),
      c(128, 'metric_count', 'number', 'none', 'number of samples'),
      c(129, 'metric_sum', 'number', 'none', 'sum of the samples'),
      c(130, 'metric_min', 'number', 'none', 'smallest sample'),
      c(131, 'metric_max', 'number', 'none', 'greatest sample'),
      c(132, 'metric_buckets', 'jsonText', 'none', 'bounds and counts of a histogram'),
      c(133, 'metric_quantiles', 'jsonText', 'none', 'quantiles of a summary'),
    ],
  },
  {
    number: 18,
    name: 'Logging',
    columns: [
      c(134, 'log_level', 'enum', 'none', 'trace, debug, info, warn, error or fatal'),
      c(135, 'log_level_num', 'number', 'none', "severity as OpenTelemetry's 1 to 24"),
      c(136, 'log_message', 'string', 'high', 'text of the log line'),
      c(137, 'log_logger', 'enum', 'none', 'logger or category'),
    ],
  },
  {
    number: 19,
    name: 'DoSpecific',
    columns: [
      c(138, 'do_class', 'enum', 'none', 'class of the durable object'),
      c(139, 'do_id', 'string', 'none', 'id of the durable object'),
      c(140, 'do_method', 'enum', 'none', 'method invoked'),
      c(141, 'action_verb', 'enum', 'none', 'verb of the action'),
      c(142, 'action_durability', 'enum', 'none', 'send, try or do'),
      c(143, 'action_target', 'string', 'none', 'what the action was done to'),
      c(144, 'action_input_version', 'number', 'none', 'version before the action'),
    ],
  },
  {
    number: 20,
    name: 'BusinessEpcis',
    columns: [
      c(145, 'biz_step', 'enum', 'none', 'step of the process, e.g. shipping'),
      c(146, 'biz_disposition', 'enum', 'none', 'state of the object, e.g. in_transit'),
      c(147, 'biz_transaction', 'string', 'none', 'purchase order or invoice'),
      c(148, 'biz_location', 'string', 'none', 'where the object is'),
      c(149, 'biz_read_point', 'string', 'none', 'where it was seen'),
    ],
  },
  {
    number: 21,
    name: 'SnippetProxy',
    columns: [
      c(150, 'snippet_initiator', 'enum', 'none', 'fetch, script, link …'),
      c(151, 'snippet_request_id', 'string', 'none', 'id of the request'),
      c(152, 'snippet_start_time', 'number', 'none', 'milliseconds since navigation'),
      c(153, 'snippet_dns_time', 'number', 'none', 'milliseconds of name lookup'),
      c(154, 'snippet_connect_time', 'number', 'none', 'milliseconds of connecting'),
      c(155, 'snippet_ttfb', 'number', 'none', 'milliseconds to the first byte'),
      c(156, 'snippet_download_time', 'number', 'none', 'milliseconds of the download'),
      c(157, 'snippet_blocked_time', 'number', 'none', 'milliseconds in the queue'),
      c(158, 'snippet_resource_type', 'enum', 'none', 'document, script, image …'),
      c(159, 'snippet_transfer_size', 'number', 'none', 'bytes on the wire'),
      c(160, 'snippet_decoded_size', 'number', 'none', 'bytes after decoding'),
      c(161, 'snippet_cache_state', 'enum', 'none', 'verdict of the cache'),
      c(162, 'snippet_priority', 'enum', 'none', 'high, medium or low'),
    ],
  },
  {
    number: 22,
    name: 'FlexiblePayloads',
    columns: [
      c(163, 'data', 'json', 'high', 'payload of the event'),
      c(164, 'attributes', 'json', 'high', 'OpenTelemetry attributes of span and resource'),
      c(165, 'labels', 'json', 'none', 'tags for filters'),
      c(166, 'context', 'json', 'high', 'what surrounds the event: flags, the context of the Segment dialect'),
      c(167, 'properties', 'json', 'high', 'properties that the client gave'),
      c(168, 'traits', 'json', 'high', 'traits of the user'),
    ],
  },
  {
    number: 23,
    name: 'PartitionInternal',
    columns: [
      c(169, 'hour', 'number', 'none', 'UTC hour of timestamp, 0 to 23', { part: 'engine', carrier: 'store' }),
      c(170, 'day', 'string', 'none', 'UTC day of timestamp, YYYY-MM-DD', { part: 'engine', carrier: 'store' }),
      c(171, 'event_source', 'enum', 'none', 'system that produced the event: otel, segment …', { part: 'engine' }),
      c(172, 'visibility', 'enum', 'none', 'who may see the event', { part: 'engine' }),
      c(173, 'ingested_at', 'timestamp', 'none', 'when we received it', { part: 'engine', carrier: 'envelope' }),
      c(174, 'batch_id', 'string', 'none', 'batch it came in', { part: 'engine', carrier: 'envelope' }),
      c(175, 'schema_version', 'number', 'none', 'version of this schema', { part: 'engine', carrier: 'envelope' }),
    ],
  },
  {
    number: 24,
    name: 'Millrace',
    columns: [
      c(200, 'project', 'enum', 'none', 'project of the key that sent it', { part: 'millrace', carrier: 'envelope' }),
      c(201, 'log_position', 'bigint', 'none', 'place in the log', { part: 'millrace', carrier: 'store' }),
      c(202, 'plan_version', 'number', 'none', 'tracking plan that judged it; 0 = none', {
        part: 'millrace',
        carrier: 'envelope',
      }),
      c(203, 'expires_at', 'timestamp', 'none', 'when it is deleted', { part: 'millrace' }),
      c(204, 'is_duplicate', 'boolean', 'none', 'the nightly sweep found its id stored before', { part: 'millrace' }),
    ],
  },
] as const

export const columnGroups = groups

/** Numbers of columns that no longer exist: readers skip them, nobody may take them again. */
export const removedColumns: readonly number[] = []

/** Union of all declared columns, literal names and kinds. */
export type DeclaredColumn = (typeof groups)[number]['columns'][number]
