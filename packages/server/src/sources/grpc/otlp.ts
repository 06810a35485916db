import type { OtlpKind } from '../../decoders/otlp.ts'
import { keyOf } from '../credentials.ts'
import { encodeExportResponse, exportResponse } from '../otlp-answer.ts'
import { partlyStored } from '../routes/own.ts'
import type { Source } from '../source.ts'
import { takeBatch, type TakeOptions } from '../take-batch.ts'
import type { GrpcMethod } from './server.ts'

/** OpenTelemetry's three services; the kinds are those of the source's routes. */
const services: Readonly<Record<OtlpKind, string>> = {
  traces: 'trace.v1.Trace',
  logs: 'logs.v1.Logs',
  metrics: 'metrics.v1.Metrics',
}

export interface OtlpMethodsOptions extends TakeOptions {
  readonly source: Source
}

/** `Export` of each service: the message is the body that OTLP over HTTP has, and goes the same way. */
export function otlpMethods(options: OtlpMethodsOptions): readonly GrpcMethod[] {
  const { source } = options
  return (Object.keys(services) as OtlpKind[]).map((kind) => ({
    path: `/opentelemetry.proto.collector.${services[kind]}Service/Export`,
    dialect: source.name,
    async respond({ headers, readMessage, signal }) {
      const key = keyOf(headers, undefined)
      const { receipts } = await takeBatch(
        source,
        {
          kind,
          headers: { ...headers, 'content-type': 'application/x-protobuf' },
          ...(key !== undefined && { key }),
          readBody: readMessage,
          signal,
        },
        options,
      )
      const response = exportResponse(kind, receipts)
      // Exporters send the whole batch again; what is stored already is a duplicate then.
      if (response.retry > 0) throw partlyStored(response.retry, receipts.length)
      return encodeExportResponse(response)
    },
  }))
}
