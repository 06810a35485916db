import type { EventColumns } from '@millrace/protocol'
import type { DecodedBatch, RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import type { Decode } from './decode.ts'
import type { Issue } from './issues.ts'
import { maxEventsPerBody } from './limits.ts'
import { tooManyEvents } from './ndjson.ts'
import { type BatchFacts, readBrowserEvent } from './s0-event.ts'
import { decodeS0Json } from './s0-json.ts'
import { WireReader, wire } from './wire.ts'

/**
 * S0's batches of browser events: protobuf, or the JSON mapping of the same messages. Where the content type names neither,
 * the first byte tells: no protobuf message begins with a brace (it would be a group, which protobuf gave up).
 */
export const decodeS0: Decode = (body, cx) => {
  const type = (cx.contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
  if (type.endsWith('json')) return decodeS0Json(body)
  if (type.endsWith('protobuf')) return decodeS0Protobuf(body)
  return beginsJson(body) ? decodeS0Json(body) : decodeS0Protobuf(body)
}

function beginsJson(body: Uint8Array): boolean {
  const byte = body.find((each) => each !== 0x20 && each !== 0x0a && each !== 0x0d && each !== 0x09)
  return byte === 0x7b || byte === 0x5b || byte === 0xef
}

const eventsTag = (6 << 3) | wire.bytes

/**
 * An EventBatch. A cut or wrong frame around the events is malformed as a whole; an event that cannot be read within its
 * frame is quarantined and its neighbours go on.
 */
function decodeS0Protobuf(body: Uint8Array): DecodedBatch {
  const reader = new WireReader(body)
  try {
    return decodeBatch(reader)
  } catch (error) {
    throw error === reader.signal ? new PipelineError('malformed', `the body is ${reader.failure}`) : error
  }
}

function decodeBatch(reader: WireReader): DecodedBatch {
  const batch = readBatchFields(reader)
  const facts: BatchFacts = { deviceId: batch.deviceId, sdkVersion: batch.sdkVersion }
  const events: RawEvent[] = []
  reader.at = 0
  while (events.length < batch.events) {
    const tag = reader.uint32()
    if (tag === eventsTag) events.push(readEvent(reader, facts))
    else reader.skip(tag & 7)
  }
  const device = batch.deviceId === '' ? deviceOf(events) : batch.deviceId
  return {
    events,
    ...(batch.sentAt !== 0 && { sentAt: batch.sentAt }),
    ...(batch.batchId !== '' && { batchId: batch.batchId }),
    ...(batch.sequence !== 0 && device !== undefined && { sequence: { device, number: batch.sequence } }),
  }
}

/** The batch's own fields and the number of its events: they may stand behind the events, which need them. */
function readBatchFields(reader: WireReader) {
  const batch = { batchId: '', sequence: 0, sdkVersion: '', sentAt: 0, deviceId: '', events: 0 }
  const end = reader.end
  let known = end === 0
  while (reader.at < end) {
    const tag = reader.uint32()
    if (tag === eventsTag) {
      reader.at = reader.enter()
      batch.events++
      if (batch.events > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody)
      continue
    }
    if (tag === 10) batch.batchId = reader.string()
    else if (tag === 16) batch.sequence = safe(reader.uint64())
    else if (tag === 26) batch.sdkVersion = reader.string()
    else if (tag === 32) batch.sentAt = safe(reader.int64())
    else if (tag === 42) batch.deviceId = reader.string()
    else {
      if (tag >>> 3 === 0) throw reader.malformed('field number 0', reader.at)
      reader.skip(tag & 7)
      continue
    }
    known = true
  }
  if (!known && batch.events === 0) {
    throw new PipelineError('malformed', `the body of ${end} bytes is no EventBatch: it has none of its fields`)
  }
  return batch
}

function readEvent(reader: WireReader, facts: BatchFacts): RawEvent {
  const outerEnd = reader.end
  const stop = reader.enter()
  const start = reader.at
  const columns: EventColumns = {}
  const issues: Issue[] = []
  reader.end = stop
  try {
    readBrowserEvent(reader, facts, columns, issues)
  } catch (error) {
    if (error !== reader.signal) throw error
    issues.push(`: ${reader.failure}`)
  }
  reader.at = stop
  reader.end = outerEnd
  const original = reader.bytes.subarray(start, stop)
  return issues.length === 0 ? { columns, original } : { columns, original, issues }
}

/** Batches of older SDKs name the device in each event only. */
function deviceOf(events: readonly RawEvent[]): string | undefined {
  const device = events[0]?.columns.context?.['device_id']
  return typeof device === 'string' ? device : undefined
}

/** Counters and times that a number cannot hold exactly are as good as none. */
function safe(value: number | bigint): number {
  return typeof value === 'number' ? value : 0
}
