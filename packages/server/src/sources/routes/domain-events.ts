import { decodeDomainEvents, decodeDomainEventsInSteps } from '../../decoders/domain-events.ts'
import { describeDomainEvents } from '../describe/domain-events.ts'
import { jsonTypes, ndjsonTypes } from '../media-types.ts'
import type { Source } from '../source.ts'
import { ownAnswer } from './own.ts'

/** Domain events; actions come the same way, with `do_action` as their `event_source`. */
export const domainEvents: Source = {
  name: 'do_event',
  routes: [{ path: '/v1/do', kind: 'do' }],
  accepts: [...jsonTypes, ...ndjsonTypes],
  decode: decodeDomainEvents,
  decodeInSteps: decodeDomainEventsInSteps,
  keyInBody: false,
  answer: ownAnswer,
  describe: describeDomainEvents,
}
