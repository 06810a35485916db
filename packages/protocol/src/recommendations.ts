/**
 * The five events of a recommender, as JSON Schema 2020-12: one object per event, written out to `schemas/events/` by
 * scripts/generate.ts. `x-pii` is the class of a field: `none`, `low` (hashed or coarse) or `high`, which no event may carry.
 */

type Schema = Readonly<Record<string, unknown>>

const uuid4 = '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
const uuid = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'

/** Case makes no difference in a UUID; what is stored is lower case. */
const anyCase = (pattern: string) => pattern.replaceAll('a-f', 'a-fA-F').replaceAll('[89ab]', '[89abAB]')

const requestId = {
  type: 'string',
  pattern: anyCase(uuid4),
  title: 'UUID v4',
  description: 'joins the five events of one recommendation',
  'x-pii': 'none',
}
const hash = (of: string) => ({
  type: 'string',
  pattern: '^[0-9a-fA-F]{64}$',
  title: '64 hex digits',
  description: `keyed SHA-256 of the ${of}, made before it is sent`,
  'x-pii': 'low',
})
const name = (description: string, maxLength = 256) => ({
  type: 'string',
  minLength: 1,
  maxLength,
  description,
  'x-pii': 'none',
})
const words = (description: string, ...values: string[]) => ({ enum: values, description, 'x-pii': 'none' })
const milliseconds = (description: string) => ({ type: 'number', minimum: 0, description, 'x-pii': 'none' })
const share = (description: string) => ({ type: 'number', minimum: 0, maximum: 1, description, 'x-pii': 'none' })
const count = (description: string, maximum?: number) => ({
  type: 'integer',
  minimum: 1,
  ...(maximum !== undefined && { maximum }),
  description,
  'x-pii': 'none',
})

/** Names of fields of class High: an event with one is refused, whatever it holds. */
export const forbiddenFields = [
  'raw_user_id',
  'email',
  'email_address',
  'phone',
  'phone_number',
  'full_name',
  'ip',
  'ip_address',
  'user_agent',
  'query',
  'search_query',
  'query_text',
] as const

const forbidden = Object.fromEntries(forbiddenFields.map((field) => [field, false]))

const common = {
  event_id: { type: 'string', pattern: anyCase(uuid), title: 'UUID', description: 'unique per event', 'x-pii': 'none' },
  schema_version: { type: ['string', 'number'], description: 'of this schema', 'x-pii': 'none' },
  event_type: { type: 'string', 'x-pii': 'none' },
  event_date: {
    type: 'string',
    pattern: '^\\d{4}-\\d{2}-\\d{2}$',
    title: 'YYYY-MM-DD',
    description: 'UTC date of timestamp_ms',
    'x-pii': 'none',
  },
  timestamp_ms: {
    type: 'integer',
    minimum: 1e11,
    maximum: 10_413_791_999_999,
    title: 'Unix milliseconds',
    description: 'when it happened',
    'x-pii': 'none',
  },
}
const user = { user_id: hash('user id'), session_id: hash('session id') }
const experiment = {
  experiment_id: name('e.g. hybrid_v1'),
  bucket: words('where the user was put', 'control', 'treatment_a', 'treatment_b'),
}
const device = { device_type: { enum: ['desktop', 'mobile', 'tablet', 'tv'], 'x-pii': 'low' } }
const item = { canonical_id: name('the item'), position: count('place in the list, from 1') }

function event(title: string, description: string, required: readonly string[], properties: Schema): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:millrace:schema:recommendation.${title}`,
    title,
    description,
    type: 'object',
    required: ['timestamp_ms', ...required],
    properties: { ...common, ...properties, ...forbidden },
  }
}

export type RecommendationEvent = 'request' | 'ranking' | 'impression' | 'click' | 'error'

export const recommendationSchemas: Readonly<Record<RecommendationEvent, Schema>> = {
  request: event(
    'request',
    'A recommendation is asked for.',
    ['request_id', 'user_id', 'experiment_id', 'bucket', 'k'],
    {
      request_id: requestId,
      ...user,
      ...experiment,
      filters: {
        type: 'object',
        properties: forbidden,
        description: 'genres, years, providers … as the user chose them; no free text',
        'x-pii': 'none',
      },
      k: count('items asked for', 100),
      region: { type: 'string', maxLength: 64, 'x-pii': 'low' },
      locale: { type: 'string', maxLength: 64, 'x-pii': 'low' },
    },
  ),
  ranking: event(
    'ranking',
    'The answer: ranked items, and how they were found. One per request.',
    ['request_id', 'user_id', 'experiment_id', 'bucket', 'latency_ms', 'coverage', 'algorithm', 'alpha', 'items'],
    {
      request_id: requestId,
      ...user,
      ...experiment,
      latency_ms: milliseconds('how long it took'),
      coverage: share('of the catalogue that could be ranked'),
      algorithm: words('what ranked', 'content_only', 'hybrid', 'collaborative_only'),
      alpha: share('weight of the collaborative part'),
      k: count('items asked for', 100),
      items: {
        type: 'array',
        maxItems: 100,
        items: {
          type: 'object',
          required: ['canonical_id', 'position'],
          properties: { ...item, score: { type: 'number', 'x-pii': 'none' } },
        },
        description: 'in order; as many as asked for, or as there are',
        'x-pii': 'none',
      },
    },
  ),
  impression: event(
    'impression',
    'An item was shown. Many per ranking.',
    ['request_id', 'canonical_id', 'position', 'visible_ms', 'surface', 'user_id'],
    {
      request_id: requestId,
      ...user,
      ...item,
      visible_ms: milliseconds('how long it was in view'),
      surface: words('where', 'home', 'detail', 'search', 'carousel', 'email'),
      ...device,
    },
  ),
  click: event(
    'click',
    'Somebody did something with a shown item. At most one of each kind per impression.',
    ['request_id', 'canonical_id', 'engagement_type', 'dwell_ms'],
    {
      request_id: requestId,
      ...user,
      ...item,
      engagement_type: words('what', 'click', 'play', 'save', 'like', 'dismiss', 'share'),
      dwell_ms: milliseconds('how long the user stayed'),
      ...device,
    },
  ),
  error: event('error', 'Something failed.', ['component', 'severity', 'error_code', 'message'], {
    request_id: requestId,
    ...user,
    component: words('where', 'api', 'ranker', 'content', 'collaborative', 'cache', 'storage'),
    severity: words('how bad', 'info', 'warning', 'error', 'critical'),
    error_code: name('which'),
    message: { type: 'string', maxLength: 1000, description: 'without anybody’s data', 'x-pii': 'none' },
    context: { type: 'object', properties: forbidden, 'x-pii': 'none' },
    resolution: { type: 'object', 'x-pii': 'none' },
  }),
}
