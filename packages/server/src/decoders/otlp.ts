import type { DecodedBatch } from '../core/batch.ts'
import { PipelineError } from '../core/errors.ts'
import { runAtOnce } from '../core/in-steps.ts'
import type { Decode, DecodeContext, DecodeInSteps } from './decode.ts'
import { decodeJson } from './otlp/json-request.ts'
import type { OtlpKind } from './otlp/model.ts'
import { decodeWire } from './otlp/wire-request.ts'

export type { OtlpKind } from './otlp/model.ts'

/**
 * OTLP: `kind` is traces, logs or metrics, the content type says protobuf or JSON. A span, a log record and a point of a metric are
 * one event each; what their resource and scope say stands in each of them.
 */
export const decodeOtlpInSteps: DecodeInSteps = (body, cx) => steps(body, cx)

/** The same at once. */
export const decodeOtlp: Decode = (body, cx) => runAtOnce(steps(body, cx))

function steps(body: Uint8Array, { kind, contentType }: DecodeContext): Generator<undefined, DecodedBatch> {
  if (!isOtlpKind(kind)) throw new PipelineError('not_found', `unknown OTLP route of ${kind.length} characters`)
  return isJson(contentType) ? decodeJson(kind, body) : decodeWire(kind, body)
}

function isOtlpKind(kind: string): kind is OtlpKind {
  return kind === 'traces' || kind === 'logs' || kind === 'metrics'
}

function isJson(contentType: string): boolean {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase().endsWith('json')
}
