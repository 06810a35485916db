/** What a transformer is tried with. */
export interface TransformerSample {
  /** The input and what stands beside it. */
  readonly given: readonly [input: Readonly<Record<string, unknown>>, ...beside: unknown[]]
  /** Pointers of numbers for which the source's own definition says that 0 is the same as none. */
  readonly zeroIsNone?: readonly string[]
}

const at = '2026-01-01T00:00:00.000Z'
const segmentContext = {
  page: {
    url: 'https://shop.example/cart?a=1',
    path: '/cart',
    title: 'Cart',
    search: '?a=1',
    referrer: 'https://x.example/',
  },
  campaign: { name: 'spring', source: 'news', medium: 'mail', term: 'shoes', content: 'top' },
  device: { type: 'mobile', model: 'M1', manufacturer: 'Acme' },
  os: { name: 'Linux', version: '6.1' },
  library: { name: 'analytics.js', version: '1' },
  screen: { width: 320, height: 568 },
  location: { country: 'DE', latitude: 52.5, longitude: 13.4 },
  userAgent: 'Mozilla/5.0',
  timezone: 'Europe/Berlin',
}
const segmentMessage = { messageId: 'm-1', userId: 'u-1', anonymousId: 'a-1', timestamp: at, context: segmentContext }
const attributes = [
  { key: 'http.request.method', value: { stringValue: 'GET' } },
  { key: 'count', value: { intValue: '7' } },
  { key: 'ratio', value: { doubleValue: 0.5 } },
  { key: 'ok', value: { boolValue: false } },
]
const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
const nanos = '1767225600000000000'

/** At least one for each name of transformers.ts; all of them together touch every branch that a number can take. */
export const transformerSamples: Readonly<Record<string, readonly TransformerSample[]>> = {
  'segment-track': [
    { given: [{ ...segmentMessage, event: 'Bought', properties: { revenue: 12.5, items: [{ count: 2 }] } }, 'shop'] },
    { given: [{ type: 'track', event: 'Bare' }] },
  ],
  'segment-identify': [{ given: [{ ...segmentMessage, traits: { name: 'Ada', age: 36 } }, 'shop'] }],
  'segment-page': [
    {
      given: [
        { ...segmentMessage, category: 'Docs', name: 'Install', properties: { url: 'https://x.example/', depth: 3 } },
        'shop',
      ],
    },
  ],
  cdc: [
    {
      given: [
        {
          operation: 'UPDATE',
          table: 'orders',
          schema: 'shop',
          primaryKey: 7,
          before: { total: 1 },
          after: { total: 2 },
          lsn: 99,
          version: 3,
          timestamp: 1767225600000,
        },
        'shop',
      ],
    },
  ],
  'do-event': [
    {
      given: [
        {
          id: 'e-1',
          verb: 'created',
          source: 'orders/1',
          actionId: 't-1',
          actor: 'u-1',
          actorType: 'user',
          timestamp: at,
          bizStep: 'shipping',
          data: { amount: 5 },
        },
        'https://shop.example/',
      ],
    },
  ],
  'do-action': [
    {
      given: [
        {
          id: 'a-1',
          verb: 'ship',
          status: 'completed',
          durability: 'do',
          target: 'orders/1',
          inputVersion: 4,
          requestId: 'r-1',
          durationMs: 12,
          createdAt: at,
        },
        'https://shop.example/',
      ],
    },
  ],
  'web-vital': [
    {
      given: [
        { id: 'v-1', name: 'LCP', value: 1200.5, delta: 3.5, rating: 'good', entries: [] },
        { pageUrl: 'https://x.example/', sessionId: 's-1', ns: 'shop' },
      ],
    },
    {
      given: [
        { id: 'v-2', name: 'CLS', value: 0.25, delta: 0.25, rating: 'poor' },
        { pageUrl: 'https://x.example/', ns: 'shop' },
      ],
    },
  ],
  'session-replay': [
    {
      given: [
        { type: 3, timestamp: 1767225600000, data: { source: 3, x: 10, y: 20, id: 5 } },
        { sessionId: 's-1', pageUrl: 'https://x.example/', ns: 'shop', sequence: 4 },
      ],
    },
  ],
  snippet: [
    {
      given: [
        {
          name: 'https://cdn.example/a.js',
          initiatorType: 'script',
          requestId: 'r-1',
          sessionId: 's-1',
          startTime: 10,
          duration: 50,
          domainLookupStart: 12,
          domainLookupEnd: 14,
          connectStart: 14,
          connectEnd: 20,
          requestStart: 21,
          responseStart: 40,
          responseEnd: 60,
          transferSize: 1234,
          decodedBodySize: 4000,
          responseStatus: 200,
        },
        'shop',
      ],
      // Resource Timing: a status of 0 is one that the page may not know.
      zeroIsNone: ['/responseStatus'],
    },
  ],
  tail: [
    {
      given: [
        {
          scriptName: 'shop',
          outcome: 'ok',
          eventTimestamp: 1767225600000,
          event: {
            request: { url: 'https://shop.example/', method: 'GET', cf: { country: 'DE' } },
            response: { status: 200 },
          },
          logs: [{ level: 'log', message: ['hi', 5], timestamp: 1767225600001 }],
          exceptions: [],
          cpuTime: 3,
          wallTime: 9,
        },
      ],
    },
  ],
  'otel-span': [
    {
      given: [
        {
          traceId: '5b8efff798038103d269b633813fc60c',
          spanId: 'eee19b7ec3c1b174',
          name: 'GET /',
          kind: 2,
          startTimeUnixNano: nanos,
          endTimeUnixNano: '1767225600005000000',
          status: { code: 2, message: 'bad' },
          attributes,
        },
        resource,
      ],
      // OTLP is protobuf, where 0 is what an absent number reads as: SPAN_KIND_UNSPECIFIED, STATUS_CODE_UNSET.
      zeroIsNone: ['/kind', '/status/code'],
    },
  ],
  'otel-log': [
    {
      given: [
        { timeUnixNano: nanos, severityNumber: 9, severityText: 'Info', body: { stringValue: 'hello' }, attributes },
        resource,
      ],
      zeroIsNone: ['/severityNumber'],
    },
  ],
  'otel-metric': [
    {
      given: [
        {
          name: 'requests',
          unit: '1',
          sum: {
            aggregationTemporality: 2,
            isMonotonic: true,
            dataPoints: [{ startTimeUnixNano: nanos, timeUnixNano: nanos, asDouble: 4.5, attributes }],
          },
        },
        resource,
      ],
      zeroIsNone: ['/sum/aggregationTemporality'],
    },
  ],
  epcis: [
    {
      given: [
        {
          type: 'ObjectEvent',
          eventID: 'urn:uuid:1',
          eventTime: 1767225600000,
          action: 'OBSERVE',
          bizStep: 'shipping',
          disposition: 'urn:epcglobal:cbv:disp:in_transit',
          epcList: ['urn:epc:id:sgtin:0614141.107346.2017'],
          quantityList: [{ epcClass: 'urn:epc:class:lgtin:4012345.012345.998877', quantity: 200 }],
          readPoint: { id: 'urn:epc:id:sgln:0614141.00001.0' },
          sensorElementList: [{ sensorReport: [{ type: 'Temperature', value: 26 }] }],
        },
        { ns: 'warehouse', actorId: 5, correlationId: 'c-1' },
      ],
    },
  ],
  'api-request': [
    {
      given: [
        {
          method: 'get',
          url: 'https://api.example/orders/1?expand=1',
          status: 200,
          timestamp: 1767225600000,
          durationMs: 12.5,
          ttfb: 4,
          cacheStatus: 'HIT',
          requestId: 9,
          requestSize: 10,
          responseSize: 20,
          retries: 3,
        },
        'gateway',
      ],
    },
  ],
}
