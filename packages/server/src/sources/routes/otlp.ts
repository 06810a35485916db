import type { PipelineError } from '../../core/errors.ts'
import type { Receipt } from '../../core/outcome.ts'
import { decodeOtlp, decodeOtlpInSteps, type OtlpKind } from '../../decoders/otlp.ts'
import type { HttpAnswer } from '../../http/answer.ts'
import { errorHeaders } from '../../http/problem.ts'
import { describeOtlp } from '../describe/otlp.ts'
import { protobufTypes } from '../media-types.ts'
import {
  encodeExportResponse,
  encodeStatus,
  exportResponse,
  exportResponseToJson,
  type RpcStatus,
  sayLater,
  statusOf,
  statusToJson,
} from '../otlp-answer.ts'
import type { AnswerContext, RefusalContext, Source } from '../source.ts'
import { partlyStored } from './own.ts'

const protobuf = 'application/x-protobuf'
const json = 'application/json'

/** OTLP over HTTP: every answer, refusals too, is in the request's encoding. */
export const otlp: Source = {
  name: 'otel',
  routes: [
    { path: '/v1/traces', kind: 'traces' },
    { path: '/v1/logs', kind: 'logs' },
    { path: '/v1/metrics', kind: 'metrics' },
  ],
  // Not without a type: nothing else tells the two encodings apart.
  accepts: [...protobufTypes, json],
  decode: decodeOtlp,
  decodeInSteps: decodeOtlpInSteps,
  keyInBody: false,
  answer: answerOtlp,
  refuse: refuseOtlp,
  describe: describeOtlp,
}

/**
 * 200 with the truth about what was rejected, which exporters log and do not send again. When some events are not stored yet, 503: the
 * exporter sends all of the request again, and those stored are duplicates then.
 */
function answerOtlp(receipts: readonly Receipt[], { kind, mediaType, requestId }: AnswerContext): HttpAnswer {
  const response = exportResponse(kind as OtlpKind, receipts)
  if (response.retry > 0) return refuseOtlp(partlyStored(response.retry, receipts.length), { requestId, mediaType })
  if (mediaType !== json) return { status: 200, type: protobuf, body: encodeExportResponse(response) }
  return { status: 200, type: json, body: JSON.stringify(exportResponseToJson(kind as OtlpKind, response)) }
}

function refuseOtlp(error: PipelineError, { requestId, mediaType }: RefusalContext): HttpAnswer {
  const status: RpcStatus = statusOf(error, requestId)
  const { httpStatus } = status
  const headers = errorHeaders(sayLater(error))
  // Who sent neither reads text more easily than bytes.
  if (!protobufTypes.includes(mediaType)) {
    return { status: httpStatus, type: json, headers, body: JSON.stringify(statusToJson(status)) }
  }
  return { status: httpStatus, type: protobuf, headers, body: encodeStatus(status) }
}
