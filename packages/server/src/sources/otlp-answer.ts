import { ByteWriter } from '@millrace/protocol'
import { PipelineError } from '../core/errors.ts'
import type { Receipt } from '../core/outcome.ts'
import type { OtlpKind } from '../decoders/otlp.ts'
import { statusOfError } from './grpc/status.ts'

/** What an exporter is told of its request, whichever way it came. */
export interface ExportResponse {
  /** Spans, log records or data points that are final and not stored: quarantined or dropped. Duplicates are stored already. */
  readonly rejected: number
  /** Why, in numbers and reasons; '' when nothing was rejected. */
  readonly message: string
  /** Not stored yet: the whole request must be sent again, and what is stored of it will be a duplicate then. */
  readonly retry: number
}

const nouns: Readonly<Record<OtlpKind, string>> = {
  traces: 'spans',
  logs: 'log records',
  metrics: 'data points',
}
/** The JSON names of rejected_*: the only thing in which the three responses differ. */
const rejectedNames = {
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
  metrics: 'rejectedDataPoints',
} as const

/** Rejected events that are named with their issues; the rest stands in the counts and in the quarantine. */
const maxExamples = 3
const maxMessageLength = 1000

export function exportResponse(kind: OtlpKind, receipts: readonly Receipt[]): ExportResponse {
  const counts = new Map<string, number>()
  const examples: string[] = []
  let rejected = 0
  let retry = 0
  for (const { index, outcome, reason, issues } of receipts) {
    if (outcome === 'retry') retry++
    if (outcome !== 'quarantined' && outcome !== 'dropped') continue
    rejected++
    const why = reason === undefined ? outcome : `${outcome} (${reason})`
    counts.set(why, (counts.get(why) ?? 0) + 1)
    const issue = issues?.[0]
    if (issue !== undefined && examples.length < maxExamples) examples.push(`number ${index} ${issue}`)
  }
  if (rejected === 0) return { rejected, message: '', retry }
  const reasons = [...counts].map(([why, count]) => `${count} ${why}`).join(', ')
  const shown = examples.length === 0 ? '' : `; ${examples.join('; ')}`
  const message = `${rejected} of ${receipts.length} ${nouns[kind]} rejected: ${reasons}${shown}`
  return { rejected, message: message.slice(0, maxMessageLength), retry }
}

/**
 * ExportTraceServiceResponse, ExportLogsServiceResponse, ExportMetricsServiceResponse, which are the same on the wire:
 *
 *   response        = [ partial_success 1 ]              absent when all is well: no bytes at all
 *   partial_success = rejected 1 (int64), error_message 2
 */
export function encodeExportResponse({ rejected, message }: ExportResponse): Uint8Array {
  if (rejected === 0 && message === '') return new Uint8Array(0)
  const writer = new ByteWriter(message.length + 32)
  const partial = openField(writer, 1)
  if (rejected !== 0) {
    writer.varint32(1 << 3)
    writer.varint32(rejected)
  }
  stringField(writer, 2, message)
  writer.close(partial)
  return writer.take()
}

/** The same in OTLP's JSON: integers of 64 bits are strings. */
export function exportResponseToJson(kind: OtlpKind, { rejected, message }: ExportResponse): Record<string, unknown> {
  if (rejected === 0 && message === '') return {}
  return { partialSuccess: { [rejectedNames[kind]]: String(rejected), errorMessage: message } }
}

/** google.rpc.Status: what a refused request is answered with. */
export interface RpcStatus {
  /** gRPC's number. */
  readonly code: number
  readonly message: string
  readonly retryAfterSeconds?: number
  /** Over HTTP. Exporters send again on 429, 502, 503 and 504 only, so these, and only these, mean "later". */
  readonly httpStatus: number
}

export function statusOf(error: PipelineError, requestId: string): RpcStatus {
  return statusOfError(sayLater(error), requestId)
}

/** A body that came too slowly may come better later; 408 would make exporters drop it. */
export function sayLater(error: PipelineError): PipelineError {
  if (error.code !== 'slow_body') return error
  return new PipelineError('unavailable', error.message, { cause: error, details: error.details })
}

const retryInfoType = 'type.googleapis.com/google.rpc.RetryInfo'

/**
 *   Status    = code 1, message 2, *( details 3: Any )
 *   Any       = type_url 1, value 2
 *   RetryInfo = retry_delay 1: Duration
 *   Duration  = seconds 1
 */
export function encodeStatus({ code, message, retryAfterSeconds }: RpcStatus): Uint8Array {
  const writer = new ByteWriter(message.length + 128)
  writer.varint32(1 << 3)
  writer.varint32(code)
  stringField(writer, 2, message)
  if (retryAfterSeconds !== undefined) {
    const any = openField(writer, 3)
    stringField(writer, 1, retryInfoType)
    const retryInfo = openField(writer, 2)
    const duration = openField(writer, 1)
    writer.varint32(1 << 3)
    writer.varint32(retryAfterSeconds)
    writer.close(duration)
    writer.close(retryInfo)
    writer.close(any)
  }
  return writer.take()
}

export function statusToJson({ code, message, retryAfterSeconds }: RpcStatus): Record<string, unknown> {
  const retryInfo = { '@type': retryInfoType, retryDelay: `${retryAfterSeconds}s` }
  return { code, message, ...(retryAfterSeconds !== undefined && { details: [retryInfo] }) }
}

const delimited = 2

function openField(writer: ByteWriter, field: number): number {
  writer.varint32((field << 3) | delimited)
  return writer.open()
}

function stringField(writer: ByteWriter, field: number, text: string): void {
  writer.varint32((field << 3) | delimited)
  writer.string(text)
}
