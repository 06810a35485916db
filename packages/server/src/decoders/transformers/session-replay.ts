import { type EventColumns, stringifyJson } from '@millrace/protocol'
import { expected, isObject, type Issue } from '../issues.ts'
import { readTime } from '../timestamp.ts'
import { type BrowserContext, readBrowserContext, readOptionalTime, setContext } from './browser-context.ts'
import { strictly, type Transformer } from './transformer.ts'

type Json = Record<string, unknown>

const replayTypes = ['DomContentLoaded', 'Load', 'FullSnapshot', 'IncrementalSnapshot', 'Meta', 'Custom'] as const
const replaySources = [
  'Mutation',
  'MouseMove',
  'MouseInteraction',
  'Scroll',
  'ViewportResize',
  'Input',
  'TouchMove',
  'MediaInteraction',
  'StyleSheetRule',
  'CanvasMutation',
  'Font',
  'Log',
  'Drag',
] as const

const meta = 4
const incremental = 3

/** Beside an event of a recording. */
export interface ReplayContext extends BrowserContext {
  /** Place of the event, or of its chunk, in the session. */
  readonly sequence?: number | undefined
  /** When the session began, Unix ms. */
  readonly startedAt?: number | undefined
}

/** A context with its place in the session; from a query, numbers come as their digits. */
export function readReplayContext(fields: Json, around: ReplayContext, issues: Issue[]): ReplayContext {
  const context = readBrowserContext(fields, around, issues)
  const sequence = readSequence(fields, issues) ?? around.sequence
  const startedAt = readOptionalTime(fields, 'startedAt', issues) ?? around.startedAt
  return { ...context, sequence, startedAt }
}

function readSequence(fields: Json, issues: Issue[]): number | undefined {
  const given = fields['sequence']
  if (given === undefined || given === null || given === '') return undefined
  const value = typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : given
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  issues.push(
    typeof value === 'number'
      ? `/sequence: ${value} is no whole number from 0 on`
      : expected('/sequence', 'whole number from 0 on', given),
  )
  return undefined
}

/**
 * An event of an rrweb recording into columns, event_type `replay`.
 *
 * | event and context      | column                                                                                   |
 * | ---------------------- | ---------------------------------------------------------------------------------------- |
 * | type                   | replay_type; a number without a word here is `Unknown(n)`                                |
 * | data.source (type 3)   | replay_source, the same way                                                              |
 * | both                   | event_name `Type` or `Type.Source`                                                        |
 * | the whole event        | replay_data, its JSON text: what a player takes                                          |
 * | timestamp              | timestamp; less startedAt: replay_timestamp_offset                                       |
 * | sessionId              | session_id and trace_id: a session is the trace of its events                            |
 * | sequence               | replay_sequence                                                                          |
 * | pageUrl, else data.href of a Meta event | http_url                                               |
 *
 * `json` is the event's text where it is at hand, so that it is kept byte for byte.
 */
export function mapSessionReplay(
  event: Json,
  context: ReplayContext,
  issues: Issue[],
  json: Uint8Array = new TextEncoder().encode(stringifyJson(event)),
): EventColumns {
  const columns: EventColumns = { event_type: 'replay' }
  setContext(columns, context)
  if (context.sessionId === undefined) issues.push('/sessionId: required')
  else columns.trace_id = context.sessionId
  const { type, data, timestamp } = event
  if (typeof type === 'number' && Number.isSafeInteger(type)) {
    const name = replayTypes[type] ?? `Unknown(${type})`
    columns.replay_type = name
    columns.event_name = name
    if (type === incremental) mapSource(event, name, columns, issues)
  } else issues.push(type == null ? '/type: required' : expected('/type', 'whole number', type))
  if (context.sequence !== undefined) columns.replay_sequence = context.sequence
  mapTime(timestamp, context, columns, issues)
  const href = type === meta && isObject(data) ? data['href'] : undefined
  const url = context.pageUrl ?? (typeof href === 'string' && href !== '' ? href : undefined)
  if (url !== undefined) columns.http_url = url
  columns.replay_data = json
  return columns
}

/** Where rrweb has it; beside `type`, where some recorders of their own put it. */
function mapSource(event: Json, typeName: string, columns: EventColumns, issues: Issue[]): void {
  const { data } = event
  const source = (isObject(data) ? data['source'] : undefined) ?? event['source']
  if (source === undefined || source === null) return
  if (typeof source !== 'number' || !Number.isSafeInteger(source)) {
    issues.push(expected('/data/source', 'whole number', source))
    return
  }
  const name = replaySources[source] ?? `Unknown(${source})`
  columns.replay_source = name
  columns.event_name = `${typeName}.${name}`
}

/** A recording without times cannot be played, and that of receipt would be a wrong one. */
function mapTime(timestamp: unknown, context: ReplayContext, columns: EventColumns, issues: Issue[]): void {
  const time = timestamp === undefined || timestamp === null ? 'required' : readTime(timestamp)
  if (typeof time === 'string') {
    issues.push(`/timestamp: ${time}`)
    return
  }
  columns.timestamp = time
  if (context.startedAt !== undefined) columns.replay_timestamp_offset = time - context.startedAt
}

/** Throws TransformError for an event that cannot be mapped. */
export function transformSessionReplay(event: unknown, context: ReplayContext): EventColumns {
  return strictly(event, (issues) => ({
    ...mapSessionReplay(event as Json, readReplayContext({ ...context }, {}, issues), issues),
    event_source: 'rrweb',
  }))
}

export const sessionReplay: Transformer = {
  name: 'session-replay',
  description: 'An event of an rrweb recording',
  source: 'rrweb',
  eventType: 'replay',
  multipleOutputs: false,
  transform: transformSessionReplay,
}
