import { decodePlatformEvents, decodePlatformEventsInSteps } from '../../decoders/platform-events.ts'
import { describePlatformEvents } from '../describe/platform-events.ts'
import { jsonTypes, ndjsonTypes } from '../media-types.ts'
import type { Source } from '../source.ts'
import { ownAnswer } from './own.ts'

/** A platform's own events, as rows of its `platform_events` table. */
export const platformEvents: Source = {
  name: 'platform_events',
  routes: [{ path: '/v1/platform-events', kind: 'platform-events' }],
  accepts: [...jsonTypes, ...ndjsonTypes],
  decode: decodePlatformEvents,
  decodeInSteps: decodePlatformEventsInSteps,
  keyInBody: false,
  answer: ownAnswer,
  describe: describePlatformEvents,
}
