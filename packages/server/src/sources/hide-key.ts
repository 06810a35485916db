import type { DecodedBatch, RawEvent } from '../core/batch.ts'
import { runInSteps } from '../core/in-steps.ts'
import type { DecodeContext } from '../decoders/decode.ts'
import { setKey } from '../decoders/issues.ts'

/** What stands in the key's place. */
const mark = '[key]'
/** A shorter one may be a word that stands everywhere; those that `keys create` makes have more than fifty characters. */
const minKeyLength = 8
/** Events between two yields. */
const stepEvents = 200
/** More than the gate admits in a column; what is deeper is not stored but under seal. */
const maxDepth = 40
/** Of these characters, JSON and URLs have no other way to write them. */
const plain = /^[\w.~-]+$/
/** Where keys belong: no decoder puts these into an event. */
const keyHeaders: ReadonlySet<string> = new Set(['authorization', 'x-write-key', ':path'])
const keyQuery = 'writeKey'

/** The ways in which a key is written. */
interface Secret {
  readonly forms: readonly string[]
  readonly shortest: number
}

/**
 * Takes the key that the request was sent with out of its events. Pages tell of their own beacons, whose URLs hold it: in resource
 * timings, referrers, spans and recordings. What is sealed in quarantine stays as it was sent.
 *
 * A request that holds the key only where keys belong costs a search of its body. Otherwise each event's columns are walked: in texts,
 * names, JSON and bytes, each occurrence becomes `[key]`. Deeper levels of JSON may be shared with originals and other events, so they
 * are replaced, never changed.
 */
export function hideKey(
  key: string | undefined,
  batch: DecodedBatch,
  body: Buffer,
  cx: DecodeContext,
  signal: AbortSignal,
): DecodedBatch | Promise<DecodedBatch> {
  if (key === undefined || key.length < minKeyLength) return batch
  const isEverywhere = !plain.test(key) || isInHead(key, cx) || isInBody(key, batch, body)
  const within = isEverywhere ? batch.events : batch.events.filter(({ columns }) => isUnpacked(columns, body))
  if (within.length === 0) return batch
  const secret = secretOf(key)
  const { batchId } = batch
  const hidden = batchId === undefined ? batch : { ...batch, batchId: hideInText(batchId, secret) }
  if (within.length <= stepEvents) {
    for (const event of within) hideInEvent(event, secret)
    return hidden
  }
  return runInSteps(hideInEvents(within, secret), signal).then(() => hidden)
}

function isInHead(key: string, { headers, query }: DecodeContext): boolean {
  for (const name in headers) {
    if (headers[name]?.includes(key) && !keyHeaders.has(name)) return true
  }
  for (const name in query) {
    if (query[name]?.includes(key) && name !== keyQuery) return true
  }
  return false
}

/** Elsewhere than once in the dialect's own field, which no decoder keeps: server libraries send thousands of events with it. */
function isInBody(key: string, { writeKey }: DecodedBatch, body: Buffer): boolean {
  const at = body.indexOf(key)
  return at >= 0 && (writeKey !== key || body.includes(key, at + key.length))
}

/** A recording that is no part of the body's bytes was compressed in them: there the search of the body saw nothing. */
function isUnpacked({ replay_data: data }: RawEvent['columns'], body: Buffer): boolean {
  if (data === undefined) return false
  const at = data.byteOffset - body.byteOffset
  return data.buffer !== body.buffer || at < 0 || at + data.length > body.length
}

function secretOf(key: string): Secret {
  const forms = [...new Set([key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key.toWellFormed())])]
  return { forms, shortest: Math.min(...forms.map(({ length }) => length)) }
}

function* hideInEvents(events: readonly RawEvent[], secret: Secret): Generator<undefined, void> {
  for (const [index, event] of events.entries()) {
    if (index > 0 && index % stepEvents === 0) yield
    hideInEvent(event, secret)
  }
}

/** The columns are this event's own. */
function hideInEvent({ columns }: RawEvent, secret: Secret): void {
  const fields = columns as Record<string, unknown>
  for (const name in fields) {
    const value = fields[name]
    const hidden = hideIn(value, secret, 0)
    if (hidden !== value) fields[name] = hidden
  }
}

/** The value itself when it does not hold the key. */
function hideIn(value: unknown, secret: Secret, depth: number): unknown {
  if (typeof value === 'string') return value.length < secret.shortest ? value : hideInText(value, secret)
  if (typeof value !== 'object' || value === null || depth > maxDepth) return value
  if (Array.isArray(value)) return hideInList(value, secret, depth + 1)
  if (value instanceof Uint8Array) return hideInBytes(value, secret)
  return hideInObject(value as Readonly<Record<string, unknown>>, secret, depth + 1)
}

function hideInText(text: string, { forms }: Secret): string {
  let hidden = text
  for (const form of forms) if (hidden.includes(form)) hidden = hidden.replaceAll(form, mark)
  return hidden
}

function hideInList(list: readonly unknown[], secret: Secret, depth: number): readonly unknown[] {
  let copy: unknown[] | undefined
  for (let i = 0; i < list.length; i++) {
    const value = list[i]
    const hidden = hideIn(value, secret, depth)
    if (hidden !== value) (copy ??= [...list])[i] = hidden
  }
  return copy ?? list
}

function hideInObject(
  object: Readonly<Record<string, unknown>>,
  secret: Secret,
  depth: number,
): Readonly<Record<string, unknown>> {
  let copy: Record<string, unknown> | undefined
  for (const name in object) {
    const value = object[name]
    const hidden = hideIn(value, secret, depth)
    const shown = name.length < secret.shortest ? name : hideInText(name, secret)
    if (hidden === value && shown === name) continue
    copy ??= { ...object }
    if (shown !== name) delete copy[name]
    setKey(copy, shown, hidden)
  }
  return copy ?? object
}

function hideInBytes(bytes: Uint8Array, { forms }: Secret): Uint8Array {
  let hidden = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (const form of forms) {
    const parts: Uint8Array[] = []
    let from = 0
    for (let at = hidden.indexOf(form); at >= 0; at = hidden.indexOf(form, from)) {
      parts.push(hidden.subarray(from, at), Buffer.from(mark))
      from = at + Buffer.byteLength(form)
    }
    if (from > 0) hidden = Buffer.concat([...parts, hidden.subarray(from)])
  }
  // The mark is shorter than any key.
  return hidden.length === bytes.length ? bytes : hidden
}
