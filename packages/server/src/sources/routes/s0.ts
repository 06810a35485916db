import {
  type BrowserBatchAnswer,
  browserAnswerToJson,
  encodeBrowserAnswer,
  type RejectedBrowserEvent,
} from '@millrace/protocol'
import type { Receipt } from '../../core/outcome.ts'
import { decodeS0 } from '../../decoders/s0.ts'
import { type HttpAnswer, jsonType } from '../../http/answer.ts'
import { errorHeaders } from '../../http/problem.ts'
import { describeS0 } from '../describe/s0.ts'
import { jsonTypes, protobufTypes } from '../media-types.ts'
import type { AnswerContext, Source } from '../source.ts'
import { partlyStored } from './own.ts'

/** The protobuf batch, or its JSON mapping; answered in the encoding it came in. */
export const s0: Source = {
  name: 's0',
  routes: [{ path: '/v1/events/batch', kind: 'batch' }],
  // Not without a type: the answer's encoding is the request's.
  accepts: [...protobufTypes, ...jsonTypes.filter((type) => type !== '')],
  decode: decodeS0,
  keyInBody: false,
  answer: answerS0,
  describe: describeS0,
}

/**
 * Accepted, duplicates, and each rejected event with its reason. `rejected` is final: sending such an event again changes nothing.
 * `retry` lists what is not stored yet; the status is 503 then.
 */
function answerS0(receipts: readonly Receipt[], cx: AnswerContext): HttpAnswer {
  const rejected: RejectedBrowserEvent[] = []
  const retry: RejectedBrowserEvent[] = []
  let accepted = 0
  let duplicates = 0
  for (const receipt of receipts) {
    if (receipt.outcome === 'stored') accepted++
    else if (receipt.outcome === 'duplicate') duplicates++
    else (receipt.outcome === 'retry' ? retry : rejected).push(refused(receipt))
  }
  const answer: BrowserBatchAnswer = { batchId: cx.batch.batchId ?? '', accepted, duplicates, rejected, retry }
  const coding = protobufTypes.includes(cx.mediaType)
    ? { type: 'application/x-protobuf', body: encodeBrowserAnswer(answer) }
    : { type: jsonType, body: JSON.stringify(browserAnswerToJson(answer)) }
  if (retry.length === 0) return { status: 200, ...coding }
  return { status: 503, headers: errorHeaders(partlyStored(retry.length, receipts.length)), ...coding }
}

/** `dropped: expired`, `quarantined: schema`: the outcome says whether it is kept. */
function refused({ index, id, outcome, reason, issues }: Receipt): RejectedBrowserEvent {
  return { index, eventId: id, reason: reason === undefined ? outcome : `${outcome}: ${reason}`, issues: issues ?? [] }
}
