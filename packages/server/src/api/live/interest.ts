import { type Filter, maxFilters, parseFilter } from './filter.ts'
import { LiveError } from './live-error.ts'
import type { RecordView } from './record-view.ts'
import { createTopicMatcher, errorsTopic, topicIssue } from './topic.ts'

/** What somebody wants to see. Two with the same key want exactly the same, and share all work. */
export interface Interest {
  readonly topics: readonly string[]
  readonly filters: readonly string[]
  readonly key: string
  /** Also what was not admitted. */
  readonly wantsErrors: boolean
  /** Of events. None of the topics, and so nothing at all, is possible: after an unsubscribe. */
  wantsTopic(topic: string): boolean
  /** Only events with this text in this column can pass. */
  readonly only: Filter['only']
  /** After `wantsTopic`. */
  passes(view: RecordView, index: number): boolean
}

export const maxTopics = 100

/** Throws LiveError with the code of what is wrong. */
export function createInterest(topics: readonly string[], filters: readonly string[]): Interest {
  const distinct = [...new Set(topics)]
  if (distinct.length > maxTopics)
    throw new LiveError('TOO_MANY_TOPICS', `${distinct.length} topics, at most ${maxTopics}: use wildcards`)
  for (const topic of distinct) {
    const issue = topicIssue(topic)
    if (issue !== undefined) throw new LiveError(issue.code, issue.message)
  }
  if (filters.length > maxFilters)
    throw new LiveError('TOO_MANY_FILTERS', `${filters.length} filters, at most ${maxFilters}`)
  const tests: readonly Filter[] = filters.map(parseFilter)
  const wantsErrors = distinct.includes(errorsTopic)
  if (wantsErrors && filters.length > 0)
    throw new LiveError(
      'INVALID_FILTER',
      `filters are over the columns of stored events, and ${errorsTopic} has none: ask for it by a stream without filters`,
    )
  return {
    topics: distinct,
    filters,
    key: JSON.stringify([[...distinct].sort(), [...filters].sort()]),
    only: tests.find(({ only }) => only !== undefined)?.only,
    wantsErrors,
    wantsTopic: createTopicMatcher(distinct.filter((topic) => topic !== errorsTopic)),
    passes(view, index) {
      if (tests.length === 0) return true
      const row = view.row(index)
      return tests.every((test) => test.passes(row))
    },
  }
}
