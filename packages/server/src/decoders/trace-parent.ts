/** Of a W3C `traceparent`: version 00 (later ones may only add to it), and neither id all zeros. */
export interface TraceParent {
  readonly traceId: string
  readonly spanId: string
}

const form = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$/

/** Undefined for what is none: a trace that cannot be followed is no reason to refuse an event. */
export function parseTraceParent(value: unknown): TraceParent | undefined {
  if (typeof value !== 'string' || value.length > 512) return undefined
  const match = form.exec(value.trim().toLowerCase())
  return match === null ? undefined : { traceId: match[1] as string, spanId: match[2] as string }
}
