import type { EventColumns } from '@millrace/protocol'
import { isObject, type Issue } from '../issues.ts'

/**
 * One event of a source into the unified schema's columns. The 13 sources of unified events have one file each here, which
 * holds the mapping (`mapX`, for the decoders: adds to `issues` what it cannot map and goes on) and its public form
 * (`transformX`, which throws instead).
 *
 * MUST be pure and synchronous, MUST NOT change its input, and MUST keep zeros apart from absence. Sets `timestamp` where the
 * source says a time; ids and missing times are the gate's matter, hour and day the table's.
 */
export interface Transformer {
  readonly name: string
  readonly description: string
  /** Who produces its input: `otel`, `segment`, `cdc` … */
  readonly source: string
  /** The `event_type` of what comes out. */
  readonly eventType: string
  /** One input may give several events: `transform` returns an array. */
  readonly multipleOutputs: boolean
  /** The input and what stands beside it (resource, namespace, session …), as the function of that transformer says. */
  readonly transform: (input: never, ...beside: never[]) => EventColumns | readonly EventColumns[]
}

/** The input of a transformer cannot be mapped; `issues` are `<JSON pointer>: <what is wrong>` without the event's strings. */
export class TransformError extends TypeError {
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[]) {
    super(issues.join('; '))
    this.name = 'TransformError'
    this.issues = issues
  }
}

/** Runs a mapping; throws a TransformError when it found issues, or when the input is no object. */
export function strictly<T>(input: unknown, map: (issues: Issue[]) => T): T {
  if (!isObject(input)) throw new TransformError([': expected an object'])
  const issues: Issue[] = []
  const mapped = map(issues)
  if (issues.length > 0) throw new TransformError(issues)
  return mapped
}
