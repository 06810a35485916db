import { decodeResourceTiming, decodeResourceTimingInSteps } from '../../decoders/resource-timing.ts'
import { decodeRrweb, decodeRrwebInSteps } from '../../decoders/rrweb.ts'
import { decodeWebVitals, decodeWebVitalsInSteps } from '../../decoders/web-vitals.ts'
import { describeReplay, describeSnippet, describeVitals } from '../describe/browser-signals.ts'
import { jsonTypes } from '../media-types.ts'
import type { Source } from '../source.ts'
import { ownAnswer } from './own.ts'

/**
 * What browsers send by themselves, mostly with `navigator.sendBeacon`: text/plain, so that no preflight is needed, the key in the
 * query or the body. Nobody reads the answer then; those who send by `fetch` do.
 */
const beacon = { keyInBody: true, answer: ownAnswer } as const

/** Metric objects of web-vitals. */
export const webVitals: Source = {
  ...beacon,
  name: 'web_vitals',
  routes: [{ path: '/v1/vitals', kind: 'vitals' }],
  accepts: jsonTypes,
  decode: decodeWebVitals,
  decodeInSteps: decodeWebVitalsInSteps,
  describe: describeVitals,
}

const compressedTypes = ['application/octet-stream', 'application/gzip', 'application/x-gzip'] as const

/** Chunks of rrweb recordings. */
export const rrweb: Source = {
  ...beacon,
  name: 'rrweb',
  routes: [{ path: '/v1/replay', kind: 'replay' }],
  accepts: [...jsonTypes, ...compressedTypes],
  decode: decodeRrweb,
  decodeInSteps: decodeRrwebInSteps,
  describe: describeReplay,
}

/** Resource timing. */
export const snippet: Source = {
  ...beacon,
  name: 'snippet',
  routes: [{ path: '/v1/snippet', kind: 'snippet' }],
  accepts: jsonTypes,
  decode: decodeResourceTiming,
  decodeInSteps: decodeResourceTimingInSteps,
  describe: describeSnippet,
}
