import { createTokenBucket } from './token-bucket.ts'
import { LiveError } from './live-error.ts'
import { createInterest, type Interest } from './interest.ts'
import type { ErrorsTopic } from './errors-topic.ts'
import type { Hub } from './hub.ts'
import type { Subscriber } from './subscriber.ts'
import type { LiveQueries } from './live-query.ts'
import { errorsTopic } from './topic.ts'

/** What a client may say, a second, and at once. Nobody needs more; the rest is told once a second and not looked at. */
const perSecond = 50
const burst = 200

export interface ClientMessageParts {
  readonly hub: Hub
  readonly errors: ErrorsTopic
  readonly subscriber: Subscriber
  readonly queries: LiveQueries
  readonly now: () => number
  /** Takes a new key for the same project. Throws PipelineError when it is none. */
  readonly refresh: (token: string) => void
  /** The client does not read what it is told. */
  readonly onDeaf: () => void
}

/**
 * client = subscribe | unsubscribe | ping | refresh_token | query | end_query                   JSON objects with `type`
 *
 *   {"type":"subscribe","topics":["a.*"]}      → {"type":"subscribed","topics":[all of them]}
 *   {"type":"unsubscribe","topics":["a.*"]}    → {"type":"unsubscribed","topics":[what is left]}
 *   {"type":"ping"}                            → {"type":"pong","timestamp":ms}
 *   {"type":"refresh_token","token":"…"}       → {"type":"token_refreshed"} | {"type":"token_error","message":"…"}
 *   {"type":"query","id":"q","sql":"…","params":{…}}  → query_result, again after each event that may change it
 *   {"type":"end_query","id":"q"}
 *
 * What cannot be read: {"type":"error","code":"PARSE_ERROR" or another,"message":"…"}; the connection stays.
 */
export function createClientMessages({
  hub,
  errors,
  subscriber,
  queries,
  now,
  refresh,
  onDeaf,
}: ClientMessageParts): (text: string | undefined) => void {
  const bucket = createTokenBucket(perSecond, burst)
  let isTold = false
  const tell = (value: Readonly<Record<string, unknown>>) => {
    if (!subscriber.tell(value)) onDeaf()
  }
  const fail = (code: string, message: string) => tell({ type: 'error', code, message })

  const changeTopics = (topics: readonly string[], answer: string) => {
    const interest = createInterest(topics, subscriber.interest.filters)
    const wantsErrorsNow = interest.wantsErrors && !subscriber.interest.wantsErrors
    take(interest)
    if (wantsErrorsNow) void joinErrors(answer)
    else tell({ type: answer, topics: interest.topics })
  }
  const take = (interest: Interest) => {
    // Catching up still: it takes the new interest along from where it is.
    if (subscriber.hasJoined) hub.change(subscriber, interest)
    else subscriber.interest = interest
    if (!interest.wantsErrors) errors.leave(subscriber)
  }
  /** Answers when all that is refused from then on goes by; other messages may have changed the topics until then. */
  const joinErrors = async (answer: string) => {
    try {
      const from = await errors.end()
      if (subscriber.isClosed()) return
      if (subscriber.interest.wantsErrors) errors.join(subscriber, from)
      tell({ type: answer, topics: subscriber.interest.topics })
    } catch {
      const { topics, filters } = subscriber.interest
      const rest = topics.filter((topic) => topic !== errorsTopic)
      take(createInterest(rest, filters))
      fail('UNAVAILABLE', `the log cannot be read now, and ${errorsTopic} is not subscribed to; try again in a moment`)
    }
  }

  return function onMessage(text) {
    if (!bucket.take(performance.now())) {
      if (!isTold) fail('RATE_LIMITED', `more than ${perSecond} messages a second; they are not looked at`)
      isTold = true
      return
    }
    isTold = false
    const message = text === undefined ? undefined : parseObject(text)
    if (message === undefined) return fail('PARSE_ERROR', 'expected a JSON object with a type, as text')
    try {
      switch (message['type']) {
        case 'subscribe':
          return changeTopics([...subscriber.interest.topics, ...topicsOf(message)], 'subscribed')
        case 'unsubscribe': {
          const gone = new Set(topicsOf(message))
          return changeTopics(
            subscriber.interest.topics.filter((topic) => !gone.has(topic)),
            'unsubscribed',
          )
        }
        case 'ping':
          return tell({ type: 'pong', timestamp: now() })
        case 'refresh_token':
          return refreshToken(message['token'])
        case 'query':
          return queries.ask(subscriber, message['id'], message['sql'] ?? message['query'], message['params'])
        case 'end_query':
          return queries.end(subscriber, message['id'])
        default:
          return fail('UNKNOWN_TYPE', 'expected type subscribe, unsubscribe, ping, refresh_token, query or end_query')
      }
    } catch (error) {
      if (!(error instanceof LiveError)) throw error
      fail(error.liveCode, error.message)
    }
  }

  function refreshToken(token: unknown): void {
    try {
      if (typeof token !== 'string' || token === '') throw new Error('expected {"type":"refresh_token","token":"…"}')
      refresh(token)
    } catch (error) {
      return tell({ type: 'token_error', message: (error as Error).message })
    }
    tell({ type: 'token_refreshed' })
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function topicsOf(message: Readonly<Record<string, unknown>>): readonly string[] {
  const topics = message['topics'] ?? message['topic']
  const list = typeof topics === 'string' ? [topics] : topics
  if (Array.isArray(list) && list.every((topic) => typeof topic === 'string') && list.length > 0) return list
  throw new LiveError('EMPTY_TOPIC', 'expected "topics": a list of topics or patterns')
}
