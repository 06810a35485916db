import { PipelineError } from '../../core/errors.ts'
import type { TopicCode } from './topic.ts'

/** Codes that a subscriber may get beside those of every request; each stands in the guide. */
export type LiveCode =
  | TopicCode
  | 'TOO_MANY_TOPICS'
  | 'INVALID_FILTER'
  | 'UNKNOWN_COLUMN'
  | 'TOO_MANY_FILTERS'
  | 'INVALID_CURSOR'
  | 'INVALID_TIMESTAMP'

/** A request for a stream that cannot be read: 400 with a code of its own. */
export class LiveError extends PipelineError {
  readonly liveCode: LiveCode

  constructor(liveCode: LiveCode, message: string) {
    super('malformed', message)
    this.liveCode = liveCode
  }
}
