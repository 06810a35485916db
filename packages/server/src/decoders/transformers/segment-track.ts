import type { EventColumns } from '@millrace/protocol'
import { type SegmentMessage, transformSegment } from './segment.ts'
import type { Transformer } from './transformer.ts'

export interface SegmentTrack extends SegmentMessage {
  readonly event: string
  readonly properties?: Readonly<Record<string, unknown>> | null
}

/** A `track` call into columns, as segment-message.ts says. Throws a TransformError, e.g. without `event`. */
export function transformSegmentTrack(message: SegmentTrack, ns?: string): EventColumns {
  return transformSegment('track', message, ns)
}

export const segmentTrack: Transformer = {
  name: 'segment-track',
  description: 'a track call: somebody did something',
  source: 'segment',
  eventType: 'track',
  multipleOutputs: false,
  transform: transformSegmentTrack,
}
