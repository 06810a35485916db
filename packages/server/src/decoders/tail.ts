import type { RawEvent } from '../core/batch.ts'
import { runAtOnce } from '../core/in-steps.ts'
import type { Decode, DecodeInSteps } from './decode.ts'
import { decodeEvents } from './event-list.ts'
import { expected, type Issue, isObject, noteInfinite } from './issues.ts'
import { isSecretHeader } from './request-headers.ts'
import { fromLogpush, isLogpush } from './tail-logpush.ts'
import { mapTail } from './transformers/tail.ts'

/**
 * Invocations of Cloudflare Workers: what a Tail Worker posts (`JSON.stringify(events)`: an array), one, `{"events":[…]}`,
 * `{"traces":[…]}`, or the lines that Logpush posts of `workers_trace_events`.
 * They have no ids: the gate makes them of the content, so a body sent again is the same events.
 */
export const decodeTail: Decode = (body, cx) => runAtOnce(decodeTailInSteps(body, cx))

export const decodeTailInSteps: DecodeInSteps = (body, cx) => decodeEvents(body, cx, decodeItem, ['events', 'traces'])

function decodeItem(item: unknown, mayHaveInfinite: boolean): RawEvent {
  if (!isObject(item)) return { columns: {}, original: item, issues: [expected('', 'object', item)] }
  const issues: Issue[] = []
  const columns = mapTail(isLogpush(item) ? fromLogpush(item) : item, issues)
  if (mayHaveInfinite) noteInfinite(item, issues)
  return issues.length === 0 ? { columns, original: item } : { columns, original: withoutSecrets(item), issues }
}

/** The original of a quarantined item is kept sealed, but nobody's login needs to be in it. */
function withoutSecrets(item: Record<string, unknown>): Record<string, unknown> {
  const event = isObject(item['event']) ? item['event'] : undefined
  const request = isObject(event?.['request']) ? event['request'] : undefined
  const headers = isObject(request?.['headers']) ? request['headers'] : undefined
  if (headers === undefined || !Object.keys(headers).some(isSecretHeader)) return item
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !isSecretHeader(name)))
  return { ...item, event: { ...event, request: { ...request, headers: kept } } }
}
