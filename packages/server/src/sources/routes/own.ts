import { PipelineError } from '../../core/errors.ts'
import type { Receipt } from '../../core/outcome.ts'
import { type HttpAnswer, jsonType } from '../../http/answer.ts'
import { problemAnswer } from '../../http/problem.ts'
import type { AnswerContext } from '../source.ts'

/**
 * The answer of Millrace's own routes and of Segment's (docs/guide/sending.md): counts, and receipts of what was not stored.
 * 200 when every event has a durable outcome, good or bad; 503 when some have none, with the same members, so that the sender
 * sees which part to send again (sending all again is as good: the rest are duplicates then).
 */
export function ownAnswer(receipts: readonly Receipt[], cx: AnswerContext): HttpAnswer {
  let stored = 0
  let duplicate = 0
  let dropped = 0
  let quarantined = 0
  let retry = 0
  for (const { outcome } of receipts) {
    switch (outcome) {
      case 'stored':
        stored++
        break
      case 'duplicate':
        duplicate++
        break
      case 'dropped':
        dropped++
        break
      case 'quarantined':
        quarantined++
        break
      case 'retry':
        retry++
        break
    }
  }
  const isAllStored = stored === receipts.length
  const headers = cx.wantsAll ? { 'preference-applied': 'return=representation' } : undefined
  if (isAllStored && !cx.wantsAll) {
    const body = `{"success":true,"stored":${stored},"duplicate":0,"dropped":0,"quarantined":0,"receipts":[]}`
    return { status: 200, type: jsonType, body }
  }
  const listed = cx.wantsAll ? receipts : receipts.filter(({ outcome }) => outcome !== 'stored')
  const counts = { stored, duplicate, dropped, quarantined }
  if (retry === 0) {
    const body = JSON.stringify({ success: true, ...counts, receipts: listed })
    return { status: 200, type: jsonType, ...(headers && { headers }), body }
  }
  return problemAnswer(partlyStored(retry, receipts.length), cx.requestId, {
    success: false,
    ...counts,
    retry,
    receipts: listed,
  })
}

/** Some events found no place: what 503 says of it, in every dialect. */
export function partlyStored(retry: number, all: number): PipelineError {
  return new PipelineError('unavailable', `${retry} of ${all} events are not stored yet: send them again`, {
    retryAfterSeconds: 1,
  })
}
