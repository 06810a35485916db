import { expect, it } from 'vitest'
import { transformOtelLog } from './otel-log.ts'

const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }

it('maps a log record (X3-14)', () => {
  const event = transformOtelLog(
    {
      timeUnixNano: '1544712660300000001',
      observedTimeUnixNano: '1544712660300000002',
      severityNumber: 10,
      severityText: 'INFO',
      traceId: '5B8EFFF798038103D269B633813FC60C',
      spanId: 'EEE19B7EC3C1B174',
      body: { stringValue: 'hello' },
      attributes: [{ key: 'exception.type', value: { stringValue: 'E' } }],
      flags: 1,
      droppedAttributesCount: 2,
      vendor: 'x',
    },
    resource,
  )
  expect(event).toEqual({
    event_type: 'log',
    event_source: 'otel',
    event_name: 'otel.log',
    ns: 'otel.logs.shop',
    service_name: 'shop',
    trace_id: '5b8efff798038103d269b633813fc60c',
    span_id: 'eee19b7ec3c1b174',
    timestamp: 1544712660300,
    timestamp_ns: 1544712660300000001n,
    log_level: 'info',
    log_level_num: 10,
    log_message: 'hello',
    error_type: 'E',
    attributes: { 'exception.type': 'E' },
    data: { observed_time_unix_nano: '1544712660300000002', flags: 1, dropped_attributes_count: 2, vendor: 'x' },
    context: { resource: { 'service.name': 'shop' } },
  })
  expect(event).not.toHaveProperty('id')
})

it('has the ns otel.logs without a service, and the name of an event that has one', () => {
  expect(transformOtelLog({ eventName: 'cart.emptied' })).toMatchObject({ ns: 'otel.logs', event_name: 'cart.emptied' })
})

it('takes the observed time where there is no other', () => {
  const event = transformOtelLog({ timeUnixNano: '0', observedTimeUnixNano: '1544712660300000002' })
  expect(event).toMatchObject({ timestamp: 1544712660300, timestamp_ns: 1544712660300000002n })
  expect(event).not.toHaveProperty('data')
})

it('has a level by its text, else by its number', () => {
  const levels = [1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24].map(
    (severityNumber) => transformOtelLog({ severityNumber }).log_level,
  )
  expect(levels).toEqual([
    'trace',
    'trace',
    'debug',
    'debug',
    'info',
    'info',
    'warn',
    'warn',
    'error',
    'error',
    'fatal',
    'fatal',
  ])
  const of = (severityText: string, severityNumber?: number | string) => {
    const { log_level, log_level_num, data } = transformOtelLog({ severityText, severityNumber })
    return [log_level, log_level_num, data]
  }
  expect(of('ERROR')).toEqual(['error', 17, undefined])
  expect(of('DEBUG', 9)).toEqual(['debug', 9, undefined])
  expect(of('Warning', 13)).toEqual(['warn', 13, { severity_text: 'Warning' }])
  expect(of('AUDIT', 11)).toEqual(['audit', 11, undefined])
  expect(of('', 'SEVERITY_NUMBER_WARN2')).toEqual(['warn', 14, undefined])
  expect(of('', 30)).toEqual([undefined, undefined, { severity_number: 30 }])
  expect(of('')).toEqual([undefined, undefined, undefined])
})

it('has a body as text, and lists and objects as JSON too', () => {
  const of = (body: unknown) => {
    const { log_message, data } = transformOtelLog({ body })
    return [log_message, data?.['body']]
  }
  const list = { values: [{ key: 'a', value: { intValue: '0' } }] }
  expect(of({ kvlistValue: list })).toEqual(['{"a":0}', { a: 0 }])
  expect(of({ arrayValue: { values: [{ boolValue: false }] } })).toEqual(['[false]', [false]])
  expect(of({ intValue: '0' })).toEqual(['0', undefined])
  expect(of({ boolValue: false })).toEqual(['false', undefined])
  expect(of({ intValue: '9007199254740993' })).toEqual(['9007199254740993', undefined])
  expect(of({ stringValue: '' })).toEqual(['', undefined])
  expect(of({})).toEqual([undefined, undefined])
})

it('has no trace where the ids are zeros or absent, and refuses those of another length', () => {
  const { trace_id, span_id } = transformOtelLog({ traceId: '0'.repeat(32), spanId: '' })
  expect([trace_id, span_id]).toEqual([undefined, undefined])
  expect(() => transformOtelLog({ traceId: 'ab' })).toThrow('/traceId: expected 16 bytes, got 1')
})
