import { type Filter, maxFilters, parseFilter } from './filter.ts'
import { LiveError } from './live-error.ts'
import type { RecordView } from './record-view.ts'
import { createTopicMatcher, topicIssue } from './topic.ts'

/** What somebody wants to see. Two with the same key want exactly the same, and share all work. */
export interface Interest {
  readonly topics: readonly string[]
  readonly filters: readonly string[]
  readonly key: string
  /** None of the topics, and so nothing at all, is possible: after an unsubscribe. */
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
  return {
    topics: distinct,
    filters,
    key: JSON.stringify([[...distinct].sort(), [...filters].sort()]),
    only: tests.find(({ only }) => only !== undefined)?.only,
    wantsTopic: createTopicMatcher(distinct),
    passes(view, index) {
      if (tests.length === 0) return true
      const row = view.row(index)
      return tests.every((test) => test.passes(row))
    },
  }
}
