import type { RawEvent } from '../core/batch.ts'
import { runAtOnce } from '../core/in-steps.ts'
import type { Decode, DecodeInSteps } from './decode.ts'
import { decodeEvents, type ListedIn } from './event-list.ts'
import { expected, type Issue, isObject, noteInfinite } from './issues.ts'
import { mapDoAction } from './transformers/do-action.ts'
import { mapDoEvent } from './transformers/do-event.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Domain events and actions, in one body as they come:
 *
 *   body = item / [ item, … ] / {"ns":…, "events":[ … ], "actions":[ … ]} / lines of item
 *
 * What stands under `actions` is an action. Elsewhere `type` (`event`, `action`) says it, else its fields: an action has a status
 * or a durability, an event has neither. `ns` of the body is that of the items that name none.
 */
export const decodeDomainEvents: Decode = (body, cx) => runAtOnce(decodeDomainEventsInSteps(body, cx))

export const decodeDomainEventsInSteps: DecodeInSteps = (body, cx) =>
  decodeEvents(body, cx, decodeItem, ['events', 'actions'])

function decodeItem(item: unknown, mayHaveInfinite: boolean, within?: ListedIn): RawEvent {
  if (!isObject(item)) return { columns: {}, original: item, issues: [expected('', 'object', item)] }
  const issues: Issue[] = []
  const ns = within?.body['ns']
  const beside = { ns: typeof ns === 'string' && ns !== '' ? ns : undefined }
  const isAction = within?.list === 'actions' || saysAction(item)
  const columns = isAction ? mapDoAction(item, beside, issues) : mapDoEvent(item, beside, issues)
  if (mayHaveInfinite) noteInfinite(item, issues)
  return issues.length === 0 ? { columns, original: item } : { columns, original: item, issues }
}

function saysAction(item: Json): boolean {
  if (item['type'] === 'action') return true
  if (item['type'] === 'event') return false
  return (item['status'] ?? item['durability']) != null
}
