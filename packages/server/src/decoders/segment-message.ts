import type { EventColumns } from '@millrace/protocol'
import { asId, expected, type Issue, isObject, setKey } from './issues.ts'
import { mapContext } from './segment-context.ts'
import { readTime } from './timestamp.ts'

const messageTypes = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const
export type MessageType = (typeof messageTypes)[number]

function isMessageType(value: unknown): value is MessageType {
  return (messageTypes as readonly unknown[]).includes(value)
}

type Message = Record<string, unknown>

/**
 * One message into columns.
 *
 * | message  | event_type / event_name                    | beside what all have                                          |
 * | -------- | ------------------------------------------ | ------------------------------------------------------------- |
 * | track    | track / `event`                            | properties                                                    |
 * | identify | track / identify                           | traits, actor_name = traits.name                              |
 * | page     | page / `<category>.page_view`, `page_view` | page_title = name or properties.title; properties' url, path, referrer, search come before context.page's; name and category are kept in properties |
 * | screen   | page / `<category>.screen_view`, `screen_view` | the same: an app's screens are its pages                  |
 * | group    | track / group                              | resource_type group, resource_id = groupId, resource_name = traits.name, traits |
 * | alias    | track / alias                              | actor_id = userId, resource_type user, resource_id = previousId: who becomes one with the actor |
 *
 * All: id = messageId, actor_id = userId, anonymous_id, timestamp = timestamp or originalTimestamp, context's columns.
 * `data` holds every other field of the message as it came, so nothing is dropped; `context` the whole context (without
 * `ip`), with `integrations`. Neither `properties` nor `traits` can make a message bad: they are the client's own.
 * A message of another type, or of none, is an issue, and is mapped as far as all types are: it is found under its own id.
 */
export function mapMessage(
  type: unknown,
  message: Message,
  defaults: Message | undefined,
  columns: EventColumns,
  issues: Issue[],
): void {
  setId(columns, 'id', message['messageId'], '/messageId', issues)
  setId(columns, 'actor_id', message['userId'], '/userId', issues)
  setId(columns, 'anonymous_id', message['anonymousId'], '/anonymousId', issues)
  setTimestamp(message, columns, issues)
  mapContext(message, defaults, columns, issues)
  const properties = copyObject(message, 'properties', issues)
  if (properties !== undefined) columns.properties = properties
  const traits = copyObject(message, 'traits', issues)
  if (traits !== undefined) columns.traits = traits
  switch (type) {
    case 'track':
      columns.event_type = 'track'
      setRequiredId(columns, 'event_name', message['event'], '/event', issues)
      break
    case 'identify':
      columns.event_type = 'track'
      columns.event_name = 'identify'
      if (typeof traits?.['name'] === 'string') columns.actor_name = traits['name']
      break
    case 'page':
    case 'screen':
      mapPage(type, message, properties, columns, issues)
      break
    case 'group':
      columns.event_type = 'track'
      columns.event_name = 'group'
      columns.resource_type = 'group'
      setRequiredId(columns, 'resource_id', message['groupId'], '/groupId', issues)
      if (typeof traits?.['name'] === 'string') columns.resource_name = traits['name']
      break
    case 'alias':
      columns.event_type = 'track'
      columns.event_name = 'alias'
      columns.resource_type = 'user'
      setRequiredId(columns, 'resource_id', message['previousId'], '/previousId', issues)
      if (columns.actor_id === undefined) issues.push('/userId: required')
      break
    default:
      issues.push(type === undefined ? '/type: required' : expected('/type', messageTypes.join(', '), type))
  }
  keepOtherFields(isMessageType(type) ? placedByType[type] : [], message, columns)
}

function mapPage(
  type: 'page' | 'screen',
  message: Message,
  properties: Message | undefined,
  columns: EventColumns,
  issues: Issue[],
): void {
  const view = type === 'page' ? 'page_view' : 'screen_view'
  const name = readText(message['name'], '/name', issues)
  const ownCategory = readText(message['category'], '/category', issues)
  const category = ownCategory ?? textOf(properties?.['category'])
  columns.event_type = 'page'
  columns.event_name = category === undefined ? view : `${category}.${view}`
  if (properties !== undefined) {
    // A page's own properties say more of it than the context, which may be that of the page before.
    const url = textOf(properties['url'])
    const path = textOf(properties['path'])
    const referrer = textOf(properties['referrer'])
    const search = textOf(properties['search'])
    if (url !== undefined) columns.http_url = url
    if (path !== undefined) columns.http_path = path
    if (referrer !== undefined) columns.http_referrer = referrer
    if (search !== undefined) columns.page_search = search
  }
  const search = columns.page_search
  if (search !== undefined) columns.http_query = search.startsWith('?') ? search.slice(1) : search
  const title = name ?? textOf(properties?.['title'])
  if (title !== undefined) columns.page_title = title
  if (name === undefined && ownCategory === undefined) return
  const kept: Message = properties ?? {}
  if (name !== undefined && !Object.hasOwn(kept, 'name')) kept['name'] = name
  if (ownCategory !== undefined && !Object.hasOwn(kept, 'category')) kept['category'] = ownCategory
  columns.properties = kept
}

/**
 * The message's own time: `timestamp`, else `originalTimestamp`, which relays set and which stays in `data` beside a
 * timestamp. `sentAt` is no time of the event, but it is checked, since a wrong one says that the sender's code is wrong.
 */
function setTimestamp(message: Message, columns: EventColumns, issues: Issue[]): void {
  const own = readOptionalTime(message['timestamp'], '/timestamp', issues)
  const original = readOptionalTime(message['originalTimestamp'], '/originalTimestamp', issues)
  readOptionalTime(message['sentAt'], '/sentAt', issues)
  const time = own ?? original
  if (time !== undefined) columns.timestamp = time
}

function readOptionalTime(value: unknown, pointer: string, issues: Issue[]): number | undefined {
  if (value === undefined || value === null) return undefined
  // JSON has no dates; programs that hand messages to a transformer do.
  const time = readTime(typeof value === 'object' && value instanceof Date ? value.getTime() : value)
  if (typeof time === 'number') return time
  issues.push(`${pointer}: ${time}`)
  return undefined
}

type IdColumn = 'id' | 'actor_id' | 'anonymous_id' | 'resource_id' | 'event_name'

function setId(columns: EventColumns, column: IdColumn, value: unknown, pointer: string, issues: Issue[]): void {
  const id = asId(value)
  if (id === null) issues.push(expected(pointer, 'string', value))
  else if (id !== undefined) columns[column] = id
}

function setRequiredId(
  columns: EventColumns,
  column: IdColumn,
  value: unknown,
  pointer: string,
  issues: Issue[],
): void {
  if (value === undefined || value === null || value === '') issues.push(`${pointer}: required`)
  else setId(columns, column, value, pointer, issues)
}

/** A fresh copy of the top level, so that later changes do not reach the original. */
function copyObject(message: Message, key: string, issues: Issue[]): Message | undefined {
  const value = message[key]
  if (value === undefined || value === null) return undefined
  if (isObject(value)) return { ...value }
  issues.push(expected(`/${key}`, 'object', value))
  return undefined
}

function readText(value: unknown, pointer: string, issues: Issue[]): string | undefined {
  const text = asId(value)
  if (text !== null) return text
  issues.push(expected(pointer, 'string', value))
  return undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Fields that have a place of their own; `writeKey` is a credential and has none. */
const placed: ReadonlySet<string> = new Set([
  'type',
  'messageId',
  'userId',
  'anonymousId',
  'timestamp',
  'sentAt',
  'context',
  'integrations',
  'properties',
  'traits',
  'writeKey',
])

/** Fields that only some types place. */
const placedByType: Readonly<Record<MessageType, readonly string[]>> = {
  track: ['event'],
  identify: [],
  page: ['name', 'category'],
  screen: ['name', 'category'],
  group: ['groupId'],
  alias: ['previousId'],
}

function keepOtherFields(placedToo: readonly string[], message: Message, columns: EventColumns): void {
  let data = columns.data
  for (const key in message) {
    if (placed.has(key) || placedToo.includes(key)) continue
    const value = message[key]
    if (value === null || value === undefined) continue
    if (key === 'originalTimestamp' && (message['timestamp'] === undefined || message['timestamp'] === null)) continue
    data ??= {}
    setKey(data, key, value)
  }
  if (data !== undefined) columns.data = data
}
