import type { EventColumns } from '@millrace/protocol'
import type { DecodedBatch, RawEvent } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import type { DecodeContext } from './decode.ts'
import { describe, expected, type Issue, isObject, noteInfinite, setKey } from './issues.ts'
import { parseJsonBytes } from './json.ts'
import { maxEventsPerBody } from './limits.ts'
import { tooManyEvents } from './ndjson.ts'
import { mapInSteps } from './steps.ts'
import { type BrowserContext, contextFields, readOptionalTime } from './transformers/browser-context.ts'

type Json = Record<string, unknown>

/** What is of one dialect only. */
export interface SignalForm<Context extends BrowserContext> {
  /** For messages: `a metric of web-vitals`. */
  readonly one: string
  /** Fields under any of which an object holds several. */
  readonly lists: readonly string[]
  /** The dialect's own fields of the context, beside `contextFields`. */
  readonly fields: readonly string[]
  readonly read: (fields: Json, around: BrowserContext, issues: Issue[]) => Context
  readonly map: (signal: Json, around: Context, issues: Issue[]) => EventColumns
}

/**
 * The body of a beacon: one signal, an array of them, or an object that holds them in a list and beside it what is true of all:
 * `{"vitals":[…],"pageUrl":…,"sessionId":…,"sentAt":…,"writeKey":…}`. What the object holds beyond that is kept in each event's
 * `data`. What the query says (`?sessionId=…&pageUrl=…`) holds where the body says nothing. Any content type. In steps.
 */
export function* decodeSignals<Context extends BrowserContext>(
  body: Uint8Array,
  cx: DecodeContext,
  form: SignalForm<Context>,
): Generator<undefined, DecodedBatch> {
  const { value, mayHaveInfinite } = parseJsonBytes(body)
  const asked: Issue[] = []
  const query = form.read(pickQuery(cx.query, form), fromHeaders(cx.headers), asked)
  if (Array.isArray(value)) return { events: yield* mapList(value, query, asked, undefined, mayHaveInfinite, form) }
  if (!isObject(value)) {
    throw new PipelineError(
      'malformed',
      `the body is ${describe(value)}, expected ${form.one}, an array of them or {"${form.lists[0]}":[…]}`,
    )
  }
  const key = form.lists.find((name) => Object.hasOwn(value, name))
  if (key === undefined) {
    return { events: yield* mapList([value], query, asked, undefined, mayHaveInfinite, form), ...batchFacts(value, cx) }
  }
  const list = value[key]
  if (!Array.isArray(list)) throw new PipelineError('malformed', `/${key} is ${describe(list)}, expected an array`)
  const issues = [...asked]
  const around = form.read(value, query, issues)
  const rest = restOf(value, [key, ...contextFields, ...form.fields, ...batchFields])
  if (mayHaveInfinite && rest !== undefined) noteInfinite(rest, issues)
  return { events: yield* mapList(list, around, issues, rest, mayHaveInfinite, form), ...batchFacts(value, cx) }
}

function* mapList<Context extends BrowserContext>(
  list: readonly unknown[],
  around: Context,
  shared: readonly Issue[],
  rest: Json | undefined,
  mayHaveInfinite: boolean,
  form: SignalForm<Context>,
): Generator<undefined, RawEvent[]> {
  if (list.length > maxEventsPerBody) throw tooManyEvents(maxEventsPerBody, list.length)
  return yield* mapInSteps(list, (signal) => {
    if (!isObject(signal)) return { columns: {}, original: signal, issues: [expected('', 'object', signal)] }
    const issues = [...shared]
    const columns = form.map(withoutBatchFields(signal), around, issues)
    if (rest !== undefined) columns.data = { ...rest, ...columns.data }
    if (mayHaveInfinite) noteInfinite(signal, issues)
    return issues.length === 0 ? { columns, original: signal } : { columns, original: signal, issues }
  })
}

/** Of the request, not of an event: `writeKey` is a credential and is kept nowhere. */
const batchFields = ['sentAt', 'writeKey'] as const

function withoutBatchFields(signal: Json): Json {
  return batchFields.some((name) => Object.hasOwn(signal, name)) ? (restOf(signal, batchFields) ?? {}) : signal
}

/** When and under which key it was sent. A `sentAt` that cannot be read means no correction of clocks, and the events go on. */
export function batchFacts(body: Json | undefined, cx: DecodeContext): { sentAt?: number; writeKey?: string } {
  const sentAt = readOptionalTime({ sentAt: body?.['sentAt'] ?? cx.query?.['sentAt'] }, 'sentAt', [])
  const writeKey = body?.['writeKey']
  return {
    ...(sentAt !== undefined && { sentAt }),
    ...(typeof writeKey === 'string' && writeKey !== '' && { writeKey }),
  }
}

function pickQuery(query: DecodeContext['query'], form: { readonly fields: readonly string[] }): Json {
  const picked: Json = {}
  if (query !== undefined) for (const name of [...contextFields, ...form.fields]) picked[name] = query[name]
  return picked
}

/** An object without some of its fields, and without those that are null; undefined when nothing is left. */
export function restOf(object: Json, without: readonly string[]): Json | undefined {
  let rest: Json | undefined
  for (const key of Object.keys(object)) {
    const value = object[key]
    if (value === null || value === undefined || without.includes(key)) continue
    rest ??= {}
    setKey(rest, key, value)
  }
  return rest
}

/**
 * What a browser says by itself. A page of another origin names only its origin as the referrer (the default policy): that is no URL
 * of a page, so only one with a path, or of this very host, is taken for it.
 */
export function fromHeaders(headers: DecodeContext['headers']): BrowserContext {
  const { referer, host } = headers
  const userAgent = headers['user-agent']
  const pageUrl = referer !== undefined && (namesPage(referer) || isOf(referer, host)) ? referer : undefined
  return {
    ...(pageUrl !== undefined && { pageUrl }),
    ...(userAgent !== undefined && userAgent !== '' && { userAgent }),
  }
}

function namesPage(url: string): boolean {
  const parsed = URL.parse(url)
  return parsed !== null && (parsed.pathname !== '/' || parsed.search !== '')
}

function isOf(url: string, host: string | undefined): boolean {
  return host !== undefined && URL.parse(url)?.host === host
}
