import type { EventColumns } from '@millrace/protocol'
import { expected } from '../issues.ts'
import { mapMessage, type MessageType } from '../segment-message.ts'
import { strictly } from './transformer.ts'

/** What every Segment message may hold; more fields are kept in `data`. */
export interface SegmentMessage {
  readonly type?: string
  readonly messageId?: string | number
  readonly userId?: string | number | null
  readonly anonymousId?: string | number | null
  readonly timestamp?: Date | string | number | null
  readonly originalTimestamp?: Date | string | number | null
  readonly context?: Readonly<Record<string, unknown>> | null
  readonly integrations?: Readonly<Record<string, unknown>> | null
}

/** A message of one type, which its own `type` may leave out but not contradict, under a namespace. */
export function transformSegment(type: MessageType, message: unknown, ns: string | undefined): EventColumns {
  return strictly(message, (issues) => {
    const own = message as Record<string, unknown>
    const said = own['type']
    if (said !== undefined && said !== null && said !== type) issues.push(expected('/type', type, said))
    const columns: EventColumns = { event_source: 'segment' }
    if (typeof ns === 'string') {
      if (ns !== '') columns.ns = ns
    } else if (ns !== undefined) issues.push(expected('/ns', 'string', ns))
    mapMessage(type, own, undefined, columns, issues)
    return columns
  })
}
