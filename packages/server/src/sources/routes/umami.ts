import type { Receipt } from '../../core/outcome.ts'
import { decodeUmami } from '../../decoders/umami.ts'
import { type HttpAnswer, jsonAnswer } from '../../http/answer.ts'
import { problemAnswer } from '../../http/problem.ts'
import { describeUmami } from '../describe/umami.ts'
import { jsonTypes } from '../media-types.ts'
import type { AnswerContext, Source } from '../source.ts'
import { partlyStored } from './own.ts'

/** Umami's tracker and its server libraries; the website's id is the write key. */
export const umami: Source = {
  name: 'umami',
  routes: [{ path: '/api/send', kind: 'send' }],
  accepts: jsonTypes,
  decode: decodeUmami,
  keyInBody: true,
  answer,
  describe: describeUmami,
}

/** The tracker hands `cache` back with its next event; there is nothing that we would keep in it. */
function answer(receipts: readonly Receipt[], cx: AnswerContext): HttpAnswer {
  const retry = receipts.filter(({ outcome }) => outcome === 'retry').length
  if (retry > 0) return problemAnswer(partlyStored(retry, receipts.length), cx.requestId)
  return jsonAnswer({ cache: '', disabled: false })
}
