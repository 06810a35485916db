/**
 * `millrace/transformers`: what the dialects' decoders do with one event, for programs that have such events in their hands.
 * `docs/guide/transformers.md` is its guide.
 */
export { createTransformerRegistry, type TransformerMeta, type TransformerRegistry } from './registry.ts'
export { type Transformer, TransformError } from './transformer.ts'
export { createTransformers } from './transformers.ts'
export { type ApiRequest, transformApiRequest } from './api-request.ts'
export { type CdcEvent, transformCdcEvent } from './cdc.ts'
export { type DoAction, transformDoAction } from './do-action.ts'
export { type DoEvent, transformDoEvent, transformDoEvents } from './do-event.ts'
export { type EpcisBeside, type EpcisEvent, shortCbvName, transformEPCISEvent } from './epcis.ts'
export { outcomeOfStatus } from './http-outcome.ts'
export { transformOtelLog } from './otel-log.ts'
export { transformOtelMetric } from './otel-metric.ts'
export { transformOtelSpan } from './otel-span.ts'
export { type SegmentIdentify, transformSegmentIdentify } from './segment-identify.ts'
export { type SegmentPage, transformSegmentPage } from './segment-page.ts'
export { type SegmentTrack, transformSegmentTrack } from './segment-track.ts'
export { transformSessionReplay } from './session-replay.ts'
export { transformSnippet } from './snippet.ts'
export { type TailEvent, transformTailEvent } from './tail.ts'
export { transformWebVital } from './web-vital.ts'
export type { EventColumns } from '@millrace/protocol'
