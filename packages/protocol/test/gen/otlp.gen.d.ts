/** Of the generated code, what the tests and the bench use: plain objects in, plain objects out. */
interface Codec {
  encode(message: object): { finish(): Uint8Array }
  decode(bytes: Uint8Array): Record<string, unknown>
}

export declare const opentelemetry: {
  readonly proto: {
    readonly collector: {
      readonly trace: { readonly v1: { readonly ExportTraceServiceRequest: Codec; readonly ExportTraceServiceResponse: Codec } }
      readonly logs: { readonly v1: { readonly ExportLogsServiceRequest: Codec; readonly ExportLogsServiceResponse: Codec } }
      readonly metrics: {
        readonly v1: { readonly ExportMetricsServiceRequest: Codec; readonly ExportMetricsServiceResponse: Codec }
      }
    }
    readonly trace: { readonly v1: { readonly Span: Codec } }
  }
}

export declare const google: {
  readonly rpc: { readonly Status: Codec; readonly RetryInfo: Codec }
}
