import { runAtOnce } from '../core/in-steps.ts'
import { decodeSignals, type SignalForm } from './browser-signals.ts'
import type { Decode, DecodeInSteps } from './decode.ts'
import { type BrowserContext, readBrowserContext } from './transformers/browser-context.ts'
import { mapWebVital } from './transformers/web-vital.ts'

const form: SignalForm<BrowserContext> = {
  one: 'a metric of web-vitals',
  lists: ['vitals', 'metrics'],
  fields: [],
  read: readBrowserContext,
  map: mapWebVital,
}

/**
 * Metric objects of `web-vitals` as they are: one, an array, or `{"vitals":[…]}` (`metrics` too) with `pageUrl`, `sessionId`, `userId` …
 * beside them (browser-signals.ts). They have no time of their own, so that of receipt counts unless the sender adds `timestamp`.
 */
export const decodeWebVitals: Decode = (body, cx) => runAtOnce(decodeWebVitalsInSteps(body, cx))

export const decodeWebVitalsInSteps: DecodeInSteps = (body, cx) => decodeSignals(body, cx, form)
