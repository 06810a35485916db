import { columns } from '@millrace/protocol'
import { type GateBatch, quarantine } from './gate-batch.ts'

/** Of the columns together, as UTF-8 where they are text. */
const maxEventBytes = 1_048_576
/** A full snapshot holds the page as a whole: of an event of type `replay` the recording may have so much beside all else. */
const maxRecordingBytes = 5 * 1_048_576
/** Levels within one JSON column: beyond it, every reader of the event would need a deeper stack than people need objects. */
const maxDepth = 32
/**
 * Keys of all JSON columns of one event together, those within arrays too. The store keeps a column per path and block, so keys cost
 * rows × paths: who has more than this uses values as keys (ids, dates), and one such client would slow every project's inserts.
 */
const maxKeys = 1000
/** Names of keys are paths of the store. */
const maxKeyLength = 256
/** Of an ordinary text column; free text has only the event's own limit. */
const maxTextLength = 8192

const freeText: ReadonlySet<string> = new Set([
  'error_message',
  'error_stack',
  'log_message',
  'db_statement',
  'db_before',
  'db_after',
  'http_url',
  'http_query',
  'http_referrer',
  'metric_buckets',
  'metric_quantiles',
  'page_search',
])

/** Stored as text: their keys are no paths of the store. */
const asText: ReadonlySet<string> = new Set(columns.filter(({ kind }) => kind === 'jsonText').map(({ name }) => name))

interface Tally {
  /** UTF-16 units of text; as UTF-8 at least as many bytes and at most three times. */
  units: number
  bytes: number
  keys: number
  isDeep: boolean
  isLongKey: boolean
}

/** Quarantines what is too big, too deep or too wide. One walk, no copy. */
export function checkLimits(batch: GateBatch, from = 0, to = batch.events.length): void {
  const { events, rejections } = batch
  const tally: Tally = { units: 0, bytes: 0, keys: 0, isDeep: false, isLongKey: false }
  for (let i = from; i < to; i++) {
    if (rejections[i] !== undefined) continue
    const issues = measureEvent(events[i] as Readonly<Record<string, unknown>>, tally)
    if (issues !== undefined) quarantine(batch, i, 'limit', issues)
    batch.bytes += tally.units + tally.bytes
  }
}

function measureEvent(event: Readonly<Record<string, unknown>>, tally: Tally): string[] | undefined {
  let issues: string[] | undefined
  tally.units = 0
  tally.bytes = 0
  tally.keys = 0
  const recording = recordingBytes(event)
  if (recording > maxRecordingBytes) {
    ;(issues ??= []).push(`/replay_data: ${recording} bytes, at most ${maxRecordingBytes}`)
  }
  for (const name in event) {
    const value = event[name]
    if (typeof value === 'string') {
      tally.units += value.length
      if (value.length > maxTextLength && !freeText.has(name))
        (issues ??= []).push(`/${name}: ${value.length} characters, at most ${maxTextLength}`)
    } else if (typeof value === 'object' && value !== null) {
      tally.isDeep = false
      tally.isLongKey = false
      const { keys } = tally
      measure(value, 0, tally)
      if (asText.has(name)) {
        tally.keys = keys
        tally.isLongKey = false
      }
      if (tally.isDeep) (issues ??= []).push(`/${name}: nested deeper than ${maxDepth} levels`)
      if (tally.isLongKey) (issues ??= []).push(`/${name}: a key of more than ${maxKeyLength} characters`)
    } else tally.bytes += 8
  }
  if (tally.keys > maxKeys) (issues ??= []).push(`/: ${tally.keys} keys in its JSON columns, at most ${maxKeys}`)
  if (tally.units * 3 + tally.bytes - recording > maxEventBytes) {
    const bytes = (issues === undefined ? exactBytes(event, 0) : tally.units + tally.bytes) - recording
    if (bytes > maxEventBytes) (issues ??= []).push(`/: ${bytes} bytes, at most ${maxEventBytes}`)
  }
  return issues
}

/** Bytes of `replay_data` that count on their own; 0 for any other type, where they are like those of other columns. */
function recordingBytes(event: Readonly<Record<string, unknown>>): number {
  if (event['event_type'] !== 'replay') return 0
  const data = event['replay_data']
  return data instanceof Uint8Array ? data.length : 0
}

function measure(value: object, depth: number, tally: Tally): void {
  if (value instanceof Uint8Array) {
    tally.bytes += value.length
    return
  }
  if (depth >= maxDepth) {
    tally.isDeep = true
    return
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) measureValue(value[i], depth, tally)
    return
  }
  const fields = value as Readonly<Record<string, unknown>>
  for (const key in fields) {
    tally.keys++
    tally.units += key.length
    if (key.length > maxKeyLength) tally.isLongKey = true
    measureValue(fields[key], depth, tally)
  }
}

function measureValue(value: unknown, depth: number, tally: Tally): void {
  if (typeof value === 'string') tally.units += value.length
  else if (typeof value === 'object' && value !== null) measure(value, depth + 1, tally)
  else tally.bytes += 8
}

/** Only for events near the limit. */
function exactBytes(value: unknown, depth: number): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (typeof value !== 'object' || value === null) return 8
  if (value instanceof Uint8Array) return value.length
  if (depth > maxDepth) return 0
  let sum = 0
  if (Array.isArray(value)) for (const item of value as unknown[]) sum += exactBytes(item, depth + 1)
  else for (const [key, field] of Object.entries(value)) sum += Buffer.byteLength(key) + exactBytes(field, depth + 1)
  return sum
}
