import type { EventColumns } from '@millrace/protocol'
import { type SegmentMessage, transformSegment } from './segment.ts'
import type { Transformer } from './transformer.ts'

export interface SegmentIdentify extends SegmentMessage {
  readonly traits?: Readonly<Record<string, unknown>> | null
}

/**
 * An `identify` call into columns: event_type `track` and event_name `identify`, since there is no such event type; actor_id and
 * anonymous_id in one event are what links the two. A message without a time gets that of its arrival from the gate.
 */
export function transformSegmentIdentify(message: SegmentIdentify, ns?: string): EventColumns {
  return transformSegment('identify', message, ns)
}

export const segmentIdentify: Transformer = {
  name: 'segment-identify',
  description: 'an identify call: who somebody is, and their traits',
  source: 'segment',
  eventType: 'track',
  multipleOutputs: false,
  transform: transformSegmentIdentify,
}
