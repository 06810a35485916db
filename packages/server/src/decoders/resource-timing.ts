import { runAtOnce } from '../core/in-steps.ts'
import { decodeSignals, type SignalForm } from './browser-signals.ts'
import type { Decode, DecodeInSteps } from './decode.ts'
import { mapSnippet, readSnippetContext, type SnippetContext } from './transformers/snippet.ts'

const form: SignalForm<SnippetContext> = {
  one: 'a resource timing entry',
  lists: ['entries', 'resources'],
  fields: ['timeOrigin'],
  read: readSnippetContext,
  map: mapSnippet,
}

/**
 * Resource timing entries as `performance.getEntriesByType('resource')` gives them: one, an array, or `{"entries":[…]}` (`resources`
 * too) with `pageUrl`, `sessionId`, `timeOrigin` … beside them (browser-signals.ts).
 */
export const decodeResourceTiming: Decode = (body, cx) => runAtOnce(decodeResourceTimingInSteps(body, cx))

export const decodeResourceTimingInSteps: DecodeInSteps = (body, cx) => decodeSignals(body, cx, form)
