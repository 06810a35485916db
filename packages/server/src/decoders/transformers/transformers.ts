import { tail } from './tail.ts'
import { doAction } from './do-action.ts'
import { doEvent } from './do-event.ts'
import { cdc } from './cdc.ts'
import { apiRequest } from './api-request.ts'
import { epcis } from './epcis.ts'
import { segmentTrack } from './segment-track.ts'
import { segmentIdentify } from './segment-identify.ts'
import { segmentPage } from './segment-page.ts'
import { sessionReplay } from './session-replay.ts'
import { snippet } from './snippet.ts'
import { webVital } from './web-vital.ts'
import { otelLog } from './otel-log.ts'
import { otelMetric } from './otel-metric.ts'
import { otelSpan } from './otel-span.ts'
import { createTransformerRegistry, type TransformerRegistry } from './registry.ts'
import type { Transformer } from './transformer.ts'

/** Every transformer of this release, one line each. */
const builtIn: readonly Transformer[] = [
  otelSpan,
  otelLog,
  otelMetric,
  segmentTrack,
  segmentIdentify,
  segmentPage,
  cdc,
  doEvent,
  doAction,
  epcis,
  apiRequest,
  webVital,
  sessionReplay,
  snippet,
  tail,
]

/** A registry of its own with all of them; what is registered there changes nothing elsewhere. */
export function createTransformers(): TransformerRegistry {
  return createTransformerRegistry(builtIn)
}
