import { describe, expect, it } from 'vitest'
import { transformOtelSpan } from './otel-span.ts'
import { TransformError } from './transformer.ts'

const ids = { traceId: '5B8EFFF798038103D269B633813FC60C', spanId: 'EEE19B7EC3C1B174' }
const attribute = (key: string, value: unknown) => ({
  key,
  value:
    typeof value === 'number'
      ? Number.isInteger(value)
        ? { intValue: String(value) }
        : { doubleValue: value }
      : typeof value === 'boolean'
        ? { boolValue: value }
        : Array.isArray(value)
          ? { arrayValue: { values: value.map((item) => ({ stringValue: item as string })) } }
          : { stringValue: value },
})
const attributes = (record: object) => Object.entries(record).map(([key, value]) => attribute(key, value))
const span = (more: object = {}, record: object = {}) =>
  transformOtelSpan({ ...ids, name: 'GET /', attributes: attributes(record), ...more })
const ofResource = (record: object) => transformOtelSpan({ ...ids, name: 'x' }, { attributes: attributes(record) })

describe('transformOtelSpan (X3-12)', () => {
  it('has the id of trace and span, lower-cased ids, the name, and its own time', () => {
    expect(
      span({
        parentSpanId: 'EEE19B7EC3C1B173',
        startTimeUnixNano: '1544712660000000000',
        endTimeUnixNano: '1544712661000500000',
      }),
    ).toMatchObject({
      event_type: 'trace',
      event_source: 'otel',
      ns: 'otel',
      id: 'span_5b8efff798038103d269b633813fc60c_eee19b7ec3c1b174',
      trace_id: '5b8efff798038103d269b633813fc60c',
      span_id: 'eee19b7ec3c1b174',
      parent_id: 'eee19b7ec3c1b173',
      event_name: 'GET /',
      timestamp: 1544712660000,
      started_at: 1544712660000,
      ended_at: 1544712661000,
      timestamp_ns: 1544712660000000000n,
      duration_ms: 1000.5,
    })
  })

  it('has no duration while one of the times is missing, and one of 0 when they are the same (G3-7)', () => {
    const start = { startTimeUnixNano: '1544712660000000000' }
    expect(span(start)).not.toHaveProperty('duration_ms')
    expect(span({ endTimeUnixNano: '1544712660000000000' })).not.toHaveProperty('timestamp')
    expect(span({ ...start, endTimeUnixNano: start.startTimeUnixNano }).duration_ms).toBe(0)
  })

  it('maps kinds: server and client, publish and consume, and nothing for the others', () => {
    const places = [0, 1, 2, 3, 4, 5].map((kind) => {
      const { rpc_system, msg_operation, data } = span({ kind })
      return [rpc_system, msg_operation, data?.['kind']]
    })
    expect(places).toEqual([
      [undefined, undefined, undefined],
      [undefined, undefined, 'internal'],
      ['server', undefined, 'server'],
      ['client', undefined, 'client'],
      [undefined, 'publish', 'producer'],
      [undefined, 'consume', 'consumer'],
    ])
    expect(span({ kind: 2 }, { 'rpc.system': 'grpc' }).rpc_system).toBe('grpc')
  })

  it('maps the status: ok, error with its message, and neither', () => {
    const places = [{ code: 1 }, { code: 2, message: 'broke' }, { code: 0 }, undefined].map((status) => {
      const { outcome, status_code, error_message } = span({ status })
      return [outcome, status_code, error_message]
    })
    expect(places).toEqual([
      ['success', 1, undefined],
      ['error', 2, 'broke'],
      [undefined, 0, undefined],
      [undefined, undefined, undefined],
    ])
    expect(span({ status: { code: 1, message: 'fine' } }).data).toMatchObject({ status_message: 'fine' })
  })

  it('takes the last exception, and its message where the status has none', () => {
    const exception = (type: string) => ({
      name: 'exception',
      attributes: attributes({
        'exception.type': type,
        'exception.message': `${type}!`,
        'exception.stacktrace': 'at x',
      }),
    })
    const events = [exception('First'), { name: 'other' }, exception('Last'), { name: 'after' }]
    expect(span({ events })).toMatchObject({ error_type: 'Last', error_message: 'Last!', error_stack: 'at x' })
    expect(span({ events, status: { code: 2, message: 'broke' } }).error_message).toBe('broke')
    expect(span({ events }).data?.['events']).toHaveLength(4)
  })

  it('keeps events, links, state, flags and counts of what was dropped', () => {
    const link = {
      traceId: ids.traceId,
      spanId: ids.spanId,
      traceState: 'a=b',
      attributes: attributes({ n: 0 }),
      flags: 1,
    }
    expect(
      span({
        traceState: 'k=v',
        flags: 257,
        links: [link],
        events: [
          {
            timeUnixNano: '1544712660000000001',
            name: 'e',
            attributes: attributes({ z: 0 }),
            droppedAttributesCount: 2,
          },
        ],
        droppedAttributesCount: 1,
        droppedEventsCount: 2,
        droppedLinksCount: 3,
      }).data,
    ).toEqual({
      trace_state: 'k=v',
      flags: 257,
      links: [
        {
          trace_id: ids.traceId.toLowerCase(),
          span_id: ids.spanId.toLowerCase(),
          trace_state: 'a=b',
          attributes: { n: 0 },
          flags: 1,
        },
      ],
      events: [{ time_unix_nano: '1544712660000000001', name: 'e', attributes: { z: 0 }, dropped_attributes_count: 2 }],
      dropped_attributes_count: 1,
      dropped_events_count: 2,
      dropped_links_count: 3,
    })
  })

  it('keeps every attribute as it is, and is named unknown without a name', () => {
    const record = { 'http.method': 'GET', 'a.b': 0, ratio: 0.5, no: false, list: ['x'], '': 'empty' }
    expect(span({}, record).attributes).toEqual(record)
    expect(span({ name: '' }).event_name).toBe('unknown')
  })

  it('does not change its input', () => {
    const input = { ...ids, name: 'x', attributes: attributes({ a: 1 }), events: [{ name: 'e' }] }
    const before = structuredClone(input)
    const event = transformOtelSpan(input)
    event.attributes!['b'] = 2
    expect(input).toEqual(before)
  })

  it('throws for what is no span', () => {
    expect(() => transformOtelSpan([])).toThrow(TransformError)
    expect(() => transformOtelSpan({ ...ids, spanId: '00' })).toThrow('/spanId: expected 8 bytes, got 1')
    expect(() => transformOtelSpan({ ...ids, endTimeUnixNano: '9999999999999999999' })).toThrow('after the year 2262')
    expect(() => transformOtelSpan({ ...ids, startTimeUnixNano: 1.5 })).toThrow('/startTimeUnixNano: expected Unix ns')
    expect(() => transformOtelSpan(ids, { attributes: 7 })).toThrow('/resource/attributes: expected array')
  })
})

describe('values of OTLP (X3-13)', () => {
  const valueOf = (value: unknown) => transformOtelSpan({ ...ids, attributes: [{ key: 'k', value }] }).attributes?.['k']
  it.each([
    [{ stringValue: '' }, ''],
    [{ intValue: '9223372036854775807' }, 9223372036854775807n],
    [{ intValue: '-9223372036854775808' }, -9223372036854775808n],
    [{ intValue: 0 }, 0],
    [{ doubleValue: 0 }, 0],
    [{ doubleValue: '1.5e3' }, 1500],
    [{ doubleValue: 'NaN' }, 'NaN'],
    [{ doubleValue: '-Infinity' }, '-Infinity'],
    [{ boolValue: false }, false],
    [{ bytesValue: 'AAEC' }, 'AAEC'],
    [{ arrayValue: {} }, []],
    [{ arrayValue: { values: [{ stringValue: 'a' }, {}, { intValue: '1' }] } }, ['a', null, 1]],
    [
      {
        kvlistValue: {
          values: [{ key: 'a', value: { kvlistValue: { values: [{ key: 'b', value: { boolValue: true } }] } } }],
        },
      },
      { a: { b: true } },
    ],
    [{}, null],
    [undefined, null],
    [{ intValue: null, stringValue: 'x' }, 'x'],
  ])('%j', (value, plain) => {
    expect(valueOf(value)).toEqual(plain)
  })

  it.each([
    [
      { intValue: '9223372036854775808' },
      '/attributes/0/value/intValue: expected an integer of 64 bits, got string(19)',
    ],
    [{ intValue: 1.5 }, '/attributes/0/value/intValue: expected an integer of 64 bits, got number'],
    [{ stringValue: 5 }, '/attributes/0/value/stringValue: expected string, got number'],
    [{ boolValue: 'true' }, '/attributes/0/value/boolValue: expected true or false, got string(4)'],
    [{ arrayValue: [] }, '/attributes/0/value/arrayValue: expected {"values":[…]}, got array(0)'],
    ['text', '/attributes/0/value: expected an object such as {"stringValue":…}, got string(4)'],
  ])('refuses %j', (value, issue) => {
    expect(() => valueOf(value)).toThrow(issue)
  })
})

describe('semantic conventions', () => {
  const both = (newer: object, older: object, columns: object) => {
    expect(span({}, newer)).toMatchObject(columns)
    expect(span({}, older)).toMatchObject(columns)
    const onlyOlder = Object.entries(older).filter(([key]) => !(key in newer))
    const wrong = Object.fromEntries(onlyOlder.map(([key, value]) => [key, typeof value === 'number' ? 999 : 'old']))
    // The newer name counts, whichever comes first.
    expect(span({}, { ...wrong, ...newer })).toMatchObject(columns)
    expect(span({}, { ...newer, ...wrong })).toMatchObject(columns)
  }

  it('HTTP, of today and of old', () => {
    both(
      {
        'http.request.method': 'POST',
        'url.full': 'https://a.example/b?c=d',
        'http.response.status_code': 500,
        'user_agent.original': 'UA',
        'http.request.body.size': 0,
        'http.response.body.size': 12,
      },
      {
        'http.method': 'POST',
        'http.url': 'https://a.example/b?c=d',
        'http.status_code': 500,
        'http.user_agent': 'UA',
        'http.request_content_length': 0,
        'http.response_content_length': 12,
      },
      {
        http_method: 'POST',
        http_url: 'https://a.example/b?c=d',
        http_status: 500,
        http_user_agent: 'UA',
        http_request_size: 0,
        http_response_size: 12,
      },
    )
    both(
      {
        'http.request.method': 'GET',
        'url.path': '/b',
        'url.query': 'c=d',
        'server.address': 'a.example',
        'network.protocol.version': '2',
      },
      { 'http.method': 'GET', 'http.target': '/b?c=d', 'http.host': 'a.example', 'http.flavor': '2.0' },
      { http_path: '/b', http_query: 'c=d', http_protocol: 'HTTP/2' },
    )
    expect(span({}, { 'http.method': 'GET', 'http.target': '/b' })).not.toHaveProperty('http_query')
    expect(span({}, { 'http.method': 'GET', 'net.host.name': 'h', 'http.flavor': '1.1' })).toMatchObject({
      http_host: 'h',
      http_protocol: 'HTTP/1.1',
    })
    expect(
      span({}, { 'http.request.header.referer': ['https://r/'], 'http.response.header.content-type': ['text/html'] }),
    ).toMatchObject({ http_referrer: 'https://r/', http_content_type: 'text/html' })
  })

  it('takes a server for the HTTP host only beside HTTP', () => {
    expect(
      span({}, { 'db.system': 'redis', 'server.address': 'cache', 'network.protocol.version': '3' }),
    ).not.toHaveProperty('http_host')
    expect(span({}, { 'http.request.method': 'GET', 'server.address': 'a.example' }).http_host).toBe('a.example')
  })

  it('databases, of today and of old', () => {
    both(
      {
        'db.system.name': 'postgresql',
        'db.namespace': 'shop',
        'db.collection.name': 'orders',
        'db.operation.name': 'SELECT',
        'db.query.text': 'SELECT 1',
      },
      {
        'db.system': 'postgresql',
        'db.name': 'shop',
        'db.sql.table': 'orders',
        'db.operation': 'SELECT',
        'db.statement': 'SELECT 1',
      },
      {
        db_system: 'postgresql',
        db_name: 'shop',
        db_table: 'orders',
        db_operation: 'SELECT',
        db_statement: 'SELECT 1',
      },
    )
  })

  it('messaging and RPC, of today and of old', () => {
    both(
      {
        'messaging.system': 'kafka',
        'messaging.destination.name': 'orders',
        'messaging.message.id': 'm-1',
        'messaging.batch.message_count': 0,
      },
      {
        'messaging.system': 'kafka',
        'messaging.destination': 'orders',
        'messaging.message_id': 'm-1',
        'messaging.batch.message_count': 0,
      },
      { msg_system: 'kafka', msg_destination: 'orders', msg_message_id: 'm-1', msg_batch_size: 0 },
    )
    expect(span({ kind: 4 }, { 'messaging.operation': 'send' }).msg_operation).toBe('publish')
    expect(span({}, { 'messaging.operation.type': 'settle' }).msg_operation).toBe('settle')
    expect(
      span({}, { 'rpc.system': 'grpc', 'rpc.service': 'S', 'rpc.method': 'M', 'rpc.grpc.status_code': 0 }),
    ).toMatchObject({ rpc_system: 'grpc', rpc_service: 'S', rpc_method: 'M', rpc_status: 'OK' })
    expect(span({}, { 'rpc.response.status_code': 'NOT_FOUND', 'rpc.grpc.status_code': 13 }).rpc_status).toBe(
      'NOT_FOUND',
    )
  })

  it('who and where', () => {
    both({ 'user.id': 'u' }, { 'enduser.id': 'u' }, { actor_id: 'u' })
    expect(span({}, { 'session.id': 's', 'enduser.pseudo.id': 'p', 'user.full_name': 'Ada' })).toMatchObject({
      session_id: 's',
      anonymous_id: 'p',
      actor_name: 'Ada',
    })
    both(
      {
        'geo.country.iso_code': 'DE',
        'geo.locality.name': 'Berlin',
        'geo.location.lat': 0,
        'geo.location.lon': 13.4,
        'geo.region.iso_code': 'DE-BE',
        'geo.postal_code': '10115',
      },
      {
        'client.geo.country_iso_code': 'DE',
        'client.geo.city_name': 'Berlin',
        'client.geo.location.lat': 0,
        'client.geo.location.lon': 13.4,
        'client.geo.region_iso_code': 'DE-BE',
        'client.geo.postal_code': '10115',
      },
      {
        geo_country: 'DE',
        geo_city: 'Berlin',
        geo_latitude: 0,
        geo_longitude: 13.4,
        geo_region: 'DE-BE',
        geo_postal: '10115',
      },
    )
  })

  it('errors without an event', () => {
    expect(span({}, { 'error.type': '500' }).error_type).toBe('500')
    expect(span({}, { 'error.type': '500', 'exception.type': 'E' }).error_type).toBe('E')
  })

  it('leaves a value that is not of its column an attribute', () => {
    const event = span({}, { 'http.request.method': ['GET'], 'http.response.status_code': 'ok' })
    expect(event).not.toMatchObject({ http_method: expect.anything() })
    expect([event.http_method, event.http_status]).toEqual([undefined, undefined])
    expect(span({}, { 'http.status_code': '204' }).http_status).toBe(204)
    expect(span({}, { 'enduser.id': 7 }).actor_id).toBe('7')
  })
})

it('maps a resource in full and keeps it in the context (X3-15)', () => {
  const record = {
    'service.name': 'checkout',
    'service.version': '1.2',
    'service.instance.id': 'i-1',
    'service.namespace': 'shop',
    'host.name': 'h',
    'host.id': 'hid',
    'cloud.provider': 'aws',
    'cloud.region': 'eu',
    'cloud.availability_zone': 'eu-1a',
    'container.id': 'c',
    'k8s.namespace.name': 'kn',
    'k8s.pod.name': 'kp',
    'k8s.deployment.name': 'kd',
    'os.name': 'Debian',
    'os.type': 'linux',
    'os.version': '12',
    'device.model.identifier': 'T14',
    'device.manufacturer': 'Lenovo',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.version': '2.0',
    'telemetry.sdk.language': 'go',
    'process.pid': 0,
  }
  expect(ofResource(record)).toMatchObject({
    ns: 'shop',
    service_name: 'checkout',
    service_version: '1.2',
    service_instance: 'i-1',
    service_namespace: 'shop',
    host_name: 'h',
    host_id: 'hid',
    cloud_provider: 'aws',
    cloud_region: 'eu',
    cloud_zone: 'eu-1a',
    container_id: 'c',
    k8s_namespace: 'kn',
    k8s_pod: 'kp',
    k8s_deployment: 'kd',
    os_name: 'Debian',
    os_version: '12',
    device_model: 'T14',
    device_brand: 'Lenovo',
    client_type: 'sdk',
    client_name: 'opentelemetry',
    client_version: '2.0',
    context: { resource: record },
  })
  expect(ofResource({ 'deployment.environment': 'staging' })).toMatchObject({
    ns: 'otel',
    service_namespace: 'staging',
  })
  expect(ofResource({ 'service.namespace': 'shop', 'deployment.environment.name': 'staging' }).service_namespace).toBe(
    'shop',
  )
  expect(span({}, { 'service.name': 'other' }).service_name).toBeUndefined()
})
