import { isEventType } from '@millrace/protocol'
import { PipelineError } from '../core/errors.ts'
import { LiveError } from './live/live-error.ts'
import { exactTopicIssue } from './live/topic.ts'

/** Body of POST /broadcast → one event in Millrace's own JSON. */
export interface Broadcast {
  readonly event: Readonly<Record<string, unknown>>
  /** S3 answers more to its unified events. */
  readonly isUnified: boolean
}

/**
 * Two forms: a unified event (it has `event_type` or `event_name`), or `{topic, event: {id, type, payload, timestamp}}`, whose topic
 * the stream keeps. Throws `malformed`, with a code of its own for the topic.
 */
export function readBroadcast(text: string): Broadcast {
  const body = parseObject(text)
  if ('event_type' in body || 'event_name' in body) {
    const event = { ns: 'default', event_type: 'trace', event_name: 'unknown', ...body }
    if (typeof event.event_type !== 'string' || !isEventType(event.event_type))
      throw new PipelineError('malformed', '/event_type is no type of event; see the guide for the ten there are')
    if (typeof event.event_name !== 'string' || event.event_name === '')
      throw new PipelineError('malformed', '/event_name is empty or no text')
    return { event, isUnified: true }
  }
  const topic = body['topic'] ?? 'default'
  if (typeof topic !== 'string') throw new PipelineError('malformed', '/topic is no text')
  const issue = exactTopicIssue(topic)
  if (issue !== undefined) throw new LiveError(issue.code, issue.message)
  const inner = body['event'] ?? {}
  if (!isObject(inner)) throw new PipelineError('malformed', '/event is no object')
  const { id, type = 'broadcast', payload, timestamp } = inner
  if (typeof type !== 'string' || type === '') throw new PipelineError('malformed', '/event/type is empty or no text')
  return {
    event: {
      ...(id !== undefined && { id }),
      event_type: 'track',
      event_name: type,
      ns: 'default',
      event_source: 'broadcast',
      ...(timestamp !== undefined && { timestamp }),
      ...(payload !== undefined && { data: isObject(payload) ? payload : { payload } }),
      context: { topic },
    },
    isUnified: false,
  }
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text) as unknown
  } catch (cause) {
    throw new PipelineError('malformed', 'the body is not JSON', { cause })
  }
  if (isObject(value)) return value
  throw new PipelineError('malformed', 'the body is no object; expected an event or {"topic": "…", "event": {…}}')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
