import type { IncomingHttpHeaders } from 'node:http'
import { decodeCloudEvents, decodeCloudEventsInSteps, isCloudEventsType } from '../../decoders/cloudevents.ts'
import { hasBinaryAttributes } from '../../decoders/cloudevents-binary.ts'
import { saidMediaType } from '../../http/media-type.ts'
import { describeMillrace } from '../describe/millrace.ts'
import { cloudEventsTypes } from '../media-types.ts'
import type { Source } from '../source.ts'
import { ownAnswer } from './own.ts'

/** CloudEvents, on the path of Millrace's own events: the head of the request tells them apart. */
const cloudevents: Source = {
  name: 'cloudevents',
  routes: [],
  accepts: cloudEventsTypes,
  decode: decodeCloudEvents,
  decodeInSteps: decodeCloudEventsInSteps,
  keyInBody: false,
  answer: ownAnswer,
  describe: describeMillrace,
}

/** Undefined for what is no CloudEvent. In binary mode the body is the event's data, whatever its type. */
export function asCloudEvents(headers: IncomingHttpHeaders): Source | undefined {
  const mediaType = saidMediaType(headers['content-type'])
  if (isCloudEventsType(mediaType)) return cloudevents
  return hasBinaryAttributes(headers) ? { ...cloudevents, accepts: [mediaType] } : undefined
}
