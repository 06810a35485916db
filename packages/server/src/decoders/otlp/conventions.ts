import type { EventColumns } from '@millrace/protocol'
import type { Attributes } from './model.ts'

/**
 * OpenTelemetry's semantic conventions → columns: the stable names, and the older ones that SDKs still send, which count only where
 * the newer is not there. A value that is not of the column's kind stays an attribute and nothing else.
 * Named assignments throughout: an object of some twenty columns that gets more by computed names becomes a hash table.
 */
type Rule = (columns: EventColumns, value: unknown) => void

/** Who and where, on spans and logs as well as on resources (browser SDKs put them there). */
const common: Readonly<Record<string, Rule>> = {
  'session.id': (c, v) => void (c.session_id = text(v) ?? c.session_id),
  'user.id': (c, v) => void (c.actor_id = text(v) ?? c.actor_id),
  'enduser.id': (c, v) => void (c.actor_id ??= text(v)),
  'enduser.pseudo.id': (c, v) => void (c.anonymous_id ??= text(v)),
  'user.full_name': (c, v) => void (c.actor_name = text(v) ?? c.actor_name),
  'user.name': (c, v) => void (c.actor_name ??= text(v)),
  'user_agent.original': (c, v) => void (c.http_user_agent = text(v) ?? c.http_user_agent),
  'geo.country.iso_code': (c, v) => void (c.geo_country = text(v) ?? c.geo_country),
  'geo.region.iso_code': (c, v) => void (c.geo_region = text(v) ?? c.geo_region),
  'geo.locality.name': (c, v) => void (c.geo_city = text(v) ?? c.geo_city),
  'geo.postal_code': (c, v) => void (c.geo_postal = text(v) ?? c.geo_postal),
  'geo.location.lat': (c, v) => void (c.geo_latitude = number(v) ?? c.geo_latitude),
  'geo.location.lon': (c, v) => void (c.geo_longitude = number(v) ?? c.geo_longitude),
  'client.geo.country.iso_code': (c, v) => void (c.geo_country ??= text(v)),
  'client.geo.country_iso_code': (c, v) => void (c.geo_country ??= text(v)),
  'client.geo.region.iso_code': (c, v) => void (c.geo_region ??= text(v)),
  'client.geo.region_iso_code': (c, v) => void (c.geo_region ??= text(v)),
  'client.geo.locality.name': (c, v) => void (c.geo_city ??= text(v)),
  'client.geo.city_name': (c, v) => void (c.geo_city ??= text(v)),
  'client.geo.postal_code': (c, v) => void (c.geo_postal ??= text(v)),
  'client.geo.timezone': (c, v) => void (c.geo_timezone ??= text(v)),
  'client.geo.location.lat': (c, v) => void (c.geo_latitude ??= number(v)),
  'client.geo.location.lon': (c, v) => void (c.geo_longitude ??= number(v)),
}

const ofResource: ReadonlyMap<string, Rule> = new Map(
  Object.entries<Rule>({
    ...common,
    'service.name': (c, v) => void (c.service_name = text(v)),
    'service.version': (c, v) => void (c.service_version = text(v)),
    'service.instance.id': (c, v) => void (c.service_instance = text(v)),
    'service.namespace': (c, v) => void (c.service_namespace = text(v) ?? c.service_namespace),
    'deployment.environment.name': (c, v) => void (c.service_namespace ??= text(v)),
    'deployment.environment': (c, v) => void (c.service_namespace ??= text(v)),
    'host.name': (c, v) => void (c.host_name = text(v)),
    'host.id': (c, v) => void (c.host_id = text(v)),
    'cloud.provider': (c, v) => void (c.cloud_provider = text(v)),
    'cloud.region': (c, v) => void (c.cloud_region = text(v)),
    'cloud.availability_zone': (c, v) => void (c.cloud_zone = text(v) ?? c.cloud_zone),
    'cloud.zone': (c, v) => void (c.cloud_zone ??= text(v)),
    'container.id': (c, v) => void (c.container_id = text(v)),
    'k8s.namespace.name': (c, v) => void (c.k8s_namespace = text(v)),
    'k8s.pod.name': (c, v) => void (c.k8s_pod = text(v)),
    'k8s.deployment.name': (c, v) => void (c.k8s_deployment = text(v)),
    'os.name': (c, v) => void (c.os_name = text(v) ?? c.os_name),
    'os.type': (c, v) => void (c.os_name ??= text(v)),
    'os.version': (c, v) => void (c.os_version = text(v)),
    'device.model.name': (c, v) => void (c.device_model = text(v) ?? c.device_model),
    'device.model.identifier': (c, v) => void (c.device_model ??= text(v)),
    'device.manufacturer': (c, v) => void (c.device_brand = text(v)),
    'telemetry.sdk.name': (c, v) => {
      c.client_type = 'sdk'
      c.client_name = text(v)
    },
    'telemetry.sdk.version': (c, v) => void (c.client_version = text(v)),
  }),
)

const ofItem: ReadonlyMap<string, Rule> = new Map(
  Object.entries<Rule>({
    ...common,
    'http.request.method': (c, v) => void (c.http_method = text(v) ?? c.http_method),
    'http.method': (c, v) => void (c.http_method ??= text(v)),
    'url.full': (c, v) => void (c.http_url = text(v) ?? c.http_url),
    'http.url': (c, v) => void (c.http_url ??= text(v)),
    'url.path': (c, v) => void (c.http_path = text(v) ?? c.http_path),
    'url.query': (c, v) => void (c.http_query = text(v) ?? c.http_query),
    'http.target': setTarget,
    'http.host': (c, v) => void (c.http_host ??= text(v)),
    'http.response.status_code': (c, v) => void (c.http_status = number(v) ?? c.http_status),
    'http.status_code': (c, v) => void (c.http_status ??= number(v)),
    'http.user_agent': (c, v) => void (c.http_user_agent ??= text(v)),
    'http.request.body.size': (c, v) => void (c.http_request_size = number(v) ?? c.http_request_size),
    'http.request_content_length': (c, v) => void (c.http_request_size ??= number(v)),
    'http.request.size': (c, v) => void (c.http_request_size ??= number(v)),
    'http.response.body.size': (c, v) => void (c.http_response_size = number(v) ?? c.http_response_size),
    'http.response_content_length': (c, v) => void (c.http_response_size ??= number(v)),
    'http.response.size': (c, v) => void (c.http_response_size ??= number(v)),
    'http.request.header.referer': (c, v) => void (c.http_referrer ??= text(first(v))),
    'http.request.header.user-agent': (c, v) => void (c.http_user_agent ??= text(first(v))),
    'http.response.header.content-type': (c, v) => void (c.http_content_type = text(first(v)) ?? c.http_content_type),
    'http.request.header.content-type': (c, v) => void (c.http_content_type ??= text(first(v))),
    'db.system.name': (c, v) => void (c.db_system = text(v) ?? c.db_system),
    'db.system': (c, v) => void (c.db_system ??= text(v)),
    'db.namespace': (c, v) => void (c.db_name = text(v) ?? c.db_name),
    'db.name': (c, v) => void (c.db_name ??= text(v)),
    'db.collection.name': (c, v) => void (c.db_table = text(v) ?? c.db_table),
    'db.sql.table': (c, v) => void (c.db_table ??= text(v)),
    'db.mongodb.collection': (c, v) => void (c.db_table ??= text(v)),
    'db.cassandra.table': (c, v) => void (c.db_table ??= text(v)),
    'db.operation.name': (c, v) => void (c.db_operation = text(v) ?? c.db_operation),
    'db.operation': (c, v) => void (c.db_operation ??= text(v)),
    'db.query.text': (c, v) => void (c.db_statement = text(v) ?? c.db_statement),
    'db.statement': (c, v) => void (c.db_statement ??= text(v)),
    'messaging.system': (c, v) => void (c.msg_system = text(v)),
    'messaging.destination.name': (c, v) => void (c.msg_destination = text(v) ?? c.msg_destination),
    'messaging.destination': (c, v) => void (c.msg_destination ??= text(v)),
    'messaging.batch.message_count': (c, v) => void (c.msg_batch_size = number(v)),
    'messaging.message.id': (c, v) => void (c.msg_message_id = text(v) ?? c.msg_message_id),
    'messaging.message_id': (c, v) => void (c.msg_message_id ??= text(v)),
    'messaging.operation.type': (c, v) => void (c.msg_operation ??= text(v)),
    'messaging.operation': (c, v) => void (c.msg_operation ??= text(v)),
    // These say more than the span's kind, which is what rpc_system has without them.
    'rpc.system.name': (c, v) => void (c.rpc_system = text(v) ?? c.rpc_system),
    'rpc.system': (c, v) => void (c.rpc_system = text(v) ?? c.rpc_system),
    'rpc.service': (c, v) => void (c.rpc_service = text(v)),
    'rpc.method': (c, v) => void (c.rpc_method = text(v)),
    'rpc.response.status_code': (c, v) => void (c.rpc_status = text(v) ?? c.rpc_status),
    'rpc.grpc.status_code': (c, v) => void (c.rpc_status ??= grpcStatus(v)),
    'rpc.connect_rpc.error_code': (c, v) => void (c.rpc_status ??= text(v)),
    'exception.type': (c, v) => void (c.error_type = text(v) ?? c.error_type),
    'exception.message': (c, v) => void (c.error_message ??= text(v)),
    'exception.stacktrace': (c, v) => void (c.error_stack = text(v)),
    'error.type': (c, v) => void (c.error_type ??= text(v)),
  }),
)

export function mapResourceAttributes(attributes: Attributes, columns: EventColumns): void {
  for (const key in attributes) ofResource.get(key)?.(columns, attributes[key])
}

/** Of a span or a log. */
export function mapItemAttributes(attributes: Attributes, columns: EventColumns): void {
  for (const key in attributes) ofItem.get(key)?.(columns, attributes[key])
  if (columns.http_method !== undefined || columns.http_url !== undefined) mapHttpPeer(attributes, columns)
}

/** What says something of HTTP only beside HTTP: databases and message queues have servers and protocols too. */
function mapHttpPeer(attributes: Attributes, columns: EventColumns): void {
  if (columns.http_host === undefined && columns.http_url === undefined) {
    const host = text(attributes['server.address'] ?? attributes['net.host.name'] ?? attributes['net.peer.name'])
    if (host !== undefined) columns.http_host = host
  }
  const name = text(attributes['network.protocol.name'] ?? attributes['net.protocol.name'])
  const version = text(
    attributes['network.protocol.version'] ?? attributes['net.protocol.version'] ?? attributes['http.flavor'],
  )
  if (version === undefined) return
  // `2.0` and `3.0` are the old spelling of what is called HTTP/2 and HTTP/3.
  if (name === undefined || name.toLowerCase() === 'http') {
    columns.http_protocol = /^\d/.test(version)
      ? `HTTP/${version === '2.0' || version === '3.0' ? version[0] : version}`
      : version
  } else columns.http_protocol = `${name}/${version}`
}

/** Path and query in one, as old servers' spans have them. */
function setTarget(columns: EventColumns, value: unknown): void {
  const target = text(value)
  if (target === undefined) return
  const mark = target.indexOf('?')
  columns.http_path ??= mark < 0 ? target : target.slice(0, mark)
  if (mark >= 0 && mark + 1 < target.length) columns.http_query ??= target.slice(mark + 1)
}

const grpcStatuses = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const

function grpcStatus(value: unknown): string | undefined {
  const code = number(value)
  return code === undefined ? text(value) : (grpcStatuses[code] ?? String(code))
}

/** Text of a scalar; undefined for '', null, lists and objects. */
export function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

/** A finite number, also of decimal text. */
function number(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'string' && /^-?\d{1,15}(?:\.\d{1,15})?$/.test(value) ? Number(value) : undefined
}

/** Headers are lists of values. */
function first(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : value
}
