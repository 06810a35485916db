import type { ColumnsOfKind, EventColumns } from '@millrace/protocol'
import { asId, expected, type Issue, isObject } from './issues.ts'

type Json = Record<string, unknown>
type TextColumn = ColumnsOfKind<'string' | 'enum'>
type NumberColumn = ColumnsOfKind<'number'>

/** `context.<section>.<field>` → text column. Of two fields for one column the first that is there wins. */
const sections: Readonly<Record<string, Readonly<Record<string, TextColumn>>>> = {
  page: {
    url: 'http_url',
    path: 'http_path',
    referrer: 'http_referrer',
    title: 'page_title',
    search: 'page_search',
  },
  campaign: {
    name: 'campaign_name',
    source: 'campaign_source',
    medium: 'campaign_medium',
    term: 'campaign_term',
    content: 'campaign_content',
    id: 'campaign_id',
    utm_campaign: 'campaign_name',
    utm_source: 'campaign_source',
    utm_medium: 'campaign_medium',
    utm_term: 'campaign_term',
    utm_content: 'campaign_content',
    utm_id: 'campaign_id',
  },
  device: {
    type: 'device_type',
    model: 'device_model',
    manufacturer: 'device_brand',
    brand: 'device_brand',
  },
  os: { name: 'os_name', version: 'os_version' },
  library: { name: 'client_name', version: 'client_version' },
  location: {
    country: 'geo_country',
    region: 'geo_region',
    city: 'geo_city',
    postalCode: 'geo_postal',
  },
}

/** `context.<field>` → text column. */
const plainFields: Readonly<Record<string, TextColumn>> = {
  userAgent: 'http_user_agent',
  timezone: 'geo_timezone',
  sessionId: 'session_id',
}

const numbersOfLocation: Readonly<Record<string, NumberColumn>> = {
  latitude: 'geo_latitude',
  longitude: 'geo_longitude',
}

/**
 * The context into columns, and whole into `context` with the message's `integrations`: what has no column (locale,
 * network, app, traits, groupId, a section in a form of the client's own …) is asked for there. `ip` is left out: it is no
 * column and nothing of this pipeline may need it. A field that has a column and a wrong type is an issue.
 */
export function mapContext(message: Json, defaults: Json | undefined, columns: EventColumns, issues: Issue[]): void {
  const own = message['context']
  if (own !== undefined && own !== null && !isObject(own)) issues.push(expected('/context', 'object', own))
  const context: Json = { ...(defaults?.['context'] as Json | undefined), ...(isObject(own) ? own : undefined) }
  delete context['ip']
  for (const key in context) {
    const value = context[key]
    if (value === null || value === undefined) continue
    const fields = Object.hasOwn(sections, key) ? sections[key] : undefined
    if (fields !== undefined) {
      if (isObject(value)) mapSection(key, fields, value, columns, issues)
    } else if (key === 'screen') mapScreen(value, columns, issues)
    else if (Object.hasOwn(plainFields, key)) {
      setText(columns, plainFields[key] as TextColumn, value, () => `/context/${key}`, issues)
    }
  }
  keepIntegrations(message, defaults, context, columns, issues)
  for (const _ in context) {
    columns.context = context
    break
  }
}

function mapSection(
  key: string,
  fields: Readonly<Record<string, TextColumn>>,
  section: Json,
  columns: EventColumns,
  issues: Issue[],
): void {
  for (const field in fields) {
    const value = section[field]
    if (value === undefined || value === null) continue
    const column = fields[field] as TextColumn
    if (columns[column] === undefined) setText(columns, column, value, () => `/context/${key}/${field}`, issues)
  }
  if (key !== 'location') return
  for (const field in numbersOfLocation) {
    setNumber(columns, numbersOfLocation[field] as NumberColumn, section[field], `/context/location/${field}`, issues)
  }
}

function mapScreen(screen: unknown, columns: EventColumns, issues: Issue[]): void {
  if (!isObject(screen)) return
  const { width, height } = screen
  if (width === undefined || width === null || height === undefined || height === null) return
  if (typeof width !== 'number') issues.push(expected('/context/screen/width', 'number', width))
  else if (typeof height !== 'number') issues.push(expected('/context/screen/height', 'number', height))
  else columns.screen_size = `${width}x${height}`
}

/** The pointer is made only when it is needed: this runs for every field of every event. */
function setText(
  columns: EventColumns,
  column: TextColumn,
  value: unknown,
  pointer: () => string,
  issues: Issue[],
): void {
  const text = asId(value)
  if (text === null) issues.push(expected(pointer(), 'string', value))
  else if (text !== undefined) columns[column] = text
}

function setNumber(
  columns: EventColumns,
  column: NumberColumn,
  value: unknown,
  pointer: string,
  issues: Issue[],
): void {
  if (value === undefined || value === null) return
  if (typeof value === 'number') columns[column] = value
  else issues.push(expected(pointer, 'number', value))
}

function keepIntegrations(
  message: Json,
  defaults: Json | undefined,
  context: Json,
  columns: EventColumns,
  issues: Issue[],
): void {
  const own = message['integrations']
  if (own !== undefined && own !== null && !isObject(own)) issues.push(expected('/integrations', 'object', own))
  const integrations: Json = {
    ...(defaults?.['integrations'] as Json | undefined),
    ...(isObject(own) ? own : undefined),
  }
  if (Object.keys(integrations).length === 0) return
  if (Object.hasOwn(context, 'integrations')) columns.data = { ...columns.data, integrations }
  else context['integrations'] = integrations
}
