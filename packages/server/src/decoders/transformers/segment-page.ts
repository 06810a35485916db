import type { EventColumns } from '@millrace/protocol'
import { type SegmentMessage, transformSegment } from './segment.ts'
import type { Transformer } from './transformer.ts'

export interface SegmentPage extends SegmentMessage {
  readonly name?: string | null
  readonly category?: string | null
  readonly properties?: Readonly<Record<string, unknown>> | null
}

/** A `page` call into columns: event_name `<category>.page_view` or `page_view`; its own properties come before the context's page. */
export function transformSegmentPage(message: SegmentPage, ns?: string): EventColumns {
  return transformSegment('page', message, ns)
}

export const segmentPage: Transformer = {
  name: 'segment-page',
  description: 'a page call: somebody viewed a page',
  source: 'segment',
  eventType: 'page',
  multipleOutputs: false,
  transform: transformSegmentPage,
}
