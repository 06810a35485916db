/*
 * topic    = segment *( "." segment )                 1 … 256 characters, 1 … 10 segments
 * segment  = 1*( A-Z a-z 0-9 _ - )
 * pattern  = topic | "*" | "**" | topic ".*" | topic ".**"
 *
 *   *        every topic
 *   a.*      exactly one segment more than a
 *   a.**     a itself and everything below it
 *
 * Letters are matched as they are. `_errors` is no topic of events, and no pattern matches it: see errors-topic.ts. An event's topic is `<event_type>.<event_name>`, brought into this form by `topicOf`.
 */

export type TopicCode =
  | 'EMPTY_TOPIC'
  | 'TOPIC_TOO_LONG'
  | 'PATH_TRAVERSAL'
  | 'RESERVED_PREFIX'
  | 'INVALID_CHARACTER'
  | 'INVALID_DOT_POSITION'
  | 'CONSECUTIVE_DOTS'
  | 'MAX_DEPTH_EXCEEDED'
  | 'INVALID_WILDCARD'

export interface TopicIssue {
  readonly code: TopicCode
  readonly message: string
}

const maxLength = 256
const maxSegments = 10
/** What the gate did not admit. Named exactly, or not asked for: no wildcard matches it, and no event has it. */
export const errorsTopic = '_errors'
const reservedPrefixes = ['__', '_system', '$', 'internal.'] as const

/** What is wrong with a topic or pattern that somebody sent; undefined when nothing is. */
export function topicIssue(topic: string): TopicIssue | undefined {
  const issue = (code: TopicCode, message: string): TopicIssue => ({ code, message })
  if (topic === '') return issue('EMPTY_TOPIC', 'a topic is empty; leave it out, or * for everything')
  if (topic.length > maxLength)
    return issue('TOPIC_TOO_LONG', `a topic has ${topic.length} characters, at most ${maxLength}`)
  if (topic === '..' || /\.\.[/\\]|[/\\]\.\./.test(topic))
    return issue('PATH_TRAVERSAL', 'a topic is no path: separate its segments by single dots')
  const reserved = reservedPrefixes.find((prefix) => topic.startsWith(prefix))
  if (reserved !== undefined) return issue('RESERVED_PREFIX', `topics that begin with ${reserved} are reserved`)
  const bad = /[^A-Za-z0-9._*-]/u.exec(topic)
  if (bad !== null)
    return issue(
      'INVALID_CHARACTER',
      `a topic has ${JSON.stringify(bad[0])} at ${bad.index}; expected letters, digits, . _ - (events' other characters became _)`,
    )
  if (topic.startsWith('.') || topic.endsWith('.'))
    return issue('INVALID_DOT_POSITION', 'a topic begins or ends with a dot')
  if (topic.includes('..')) return issue('CONSECUTIVE_DOTS', 'a topic has two dots in a row')
  const segments = topic.split('.')
  if (segments.length > maxSegments)
    return issue('MAX_DEPTH_EXCEEDED', `a topic has ${segments.length} segments, at most ${maxSegments}`)
  const last = segments.pop() as string
  if (segments.some((segment) => segment.includes('*')) || (last.includes('*') && last !== '*' && last !== '**'))
    return issue('INVALID_WILDCARD', 'a wildcard is * or ** as the whole last segment')
  return undefined
}

/** As `topicIssue`, for a topic of its own, where a wildcard means nothing. */
export function exactTopicIssue(topic: string): TopicIssue | undefined {
  const issue = topicIssue(topic)
  if (topic === errorsTopic)
    return { code: 'RESERVED_PREFIX', message: `${errorsTopic} is the topic of refused events` }
  if (issue !== undefined || !topic.includes('*')) return issue
  return { code: 'INVALID_WILDCARD', message: 'an event goes to one topic: no wildcard' }
}

/** The topic of an event. Never empty, never refused by `topicIssue` but for a prefix that is reserved. */
export function topicOf(eventType: string, eventName: string): string {
  const segments = `${eventType}.${eventName}`
    .replaceAll(/[^A-Za-z0-9_.-]/g, '_')
    .split('.')
    .filter((segment) => segment !== '')
    .slice(0, maxSegments)
  const topic = segments.join('.').slice(0, maxLength)
  return topic.endsWith('.') ? topic.slice(0, -1) : topic || '_'
}

/** The pattern comes first. */
export function matchesTopic(pattern: string, topic: string): boolean {
  return createTopicMatcher([pattern])(topic)
}

/** Many patterns at once; a topic's cost does not grow with their number. */
export function createTopicMatcher(patterns: readonly string[]): (topic: string) => boolean {
  if (patterns.some((pattern) => pattern === '*' || pattern === '**')) return () => true
  const exact = new Set<string>()
  const oneBelow = new Set<string>()
  const below = new Set<string>()
  for (const pattern of patterns) {
    if (pattern.endsWith('.**')) below.add(pattern.slice(0, -3))
    else if (pattern.endsWith('.*')) oneBelow.add(pattern.slice(0, -2))
    else exact.add(pattern)
  }
  return (topic) => {
    if (exact.has(topic)) return true
    const lastDot = topic.lastIndexOf('.')
    if (lastDot > 0 && oneBelow.has(topic.slice(0, lastDot))) return true
    if (below.size === 0) return false
    if (below.has(topic)) return true
    for (let dot = topic.indexOf('.'); dot >= 0; dot = topic.indexOf('.', dot + 1))
      if (below.has(topic.slice(0, dot))) return true
    return false
  }
}
