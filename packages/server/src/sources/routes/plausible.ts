import type { Receipt } from '../../core/outcome.ts'
import { decodePlausible } from '../../decoders/plausible.ts'
import type { HttpAnswer } from '../../http/answer.ts'
import { problemAnswer } from '../../http/problem.ts'
import { describePlausible } from '../describe/plausible.ts'
import { jsonTypes } from '../media-types.ts'
import type { AnswerContext, Source } from '../source.ts'
import { partlyStored } from './own.ts'

/** Plausible's tracker and its events API. The key stands in the endpoint's query: its tracker sets no headers. */
export const plausible: Source = {
  name: 'plausible',
  routes: [{ path: '/api/event', kind: 'event' }],
  accepts: jsonTypes,
  decode: decodePlausible,
  keyInBody: false,
  answer,
  describe: describePlausible,
}

/** 202 `ok`, as Plausible says it; what is not in the tables is counted in a header, by the name that Plausible gives it. */
function answer(receipts: readonly Receipt[], cx: AnswerContext): HttpAnswer {
  const retry = receipts.filter(({ outcome }) => outcome === 'retry').length
  if (retry > 0) return problemAnswer(partlyStored(retry, receipts.length), cx.requestId)
  const dropped = receipts.filter(({ outcome }) => outcome === 'dropped' || outcome === 'quarantined').length
  return {
    status: 202,
    type: 'text/plain; charset=utf-8',
    ...(dropped > 0 && { headers: { 'x-plausible-dropped': String(dropped) } }),
    body: 'ok',
  }
}
