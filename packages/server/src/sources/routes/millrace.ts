import { decodeMillrace, decodeMillraceInSteps } from '../../decoders/millrace.ts'
import { jsonTypes, ndjsonTypes } from '../media-types.ts'
import { describeMillrace } from '../describe/millrace.ts'
import type { Source } from '../source.ts'
import { asCloudEvents } from './cloudevents.ts'
import { ownAnswer } from './own.ts'

/** Millrace's own JSON: one event, an array, `{"events":[…]}` or lines. */
export const millrace: Source = {
  name: 'millrace',
  routes: [{ path: '/v1/events', kind: 'events' }],
  delegate: asCloudEvents,
  accepts: [...jsonTypes, ...ndjsonTypes],
  decode: decodeMillrace,
  decodeInSteps: decodeMillraceInSteps,
  keyInBody: false,
  answer: ownAnswer,
  describe: describeMillrace,
}
