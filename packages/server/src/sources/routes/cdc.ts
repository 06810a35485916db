import { decodeCdc, decodeCdcInSteps } from '../../decoders/cdc.ts'
import { describeCdc } from '../describe/cdc.ts'
import { jsonTypes, ndjsonTypes } from '../media-types.ts'
import type { Source } from '../source.ts'
import { ownAnswer } from './own.ts'

/** Changes of database rows, from HTTP sinks of Kafka Connect and Debezium Server, or plain. Sinks look at the status alone. */
export const cdc: Source = {
  name: 'cdc',
  routes: [{ path: '/v1/cdc', kind: 'cdc' }],
  accepts: [...jsonTypes, ...ndjsonTypes],
  decode: decodeCdc,
  decodeInSteps: decodeCdcInSteps,
  keyInBody: false,
  answer: ownAnswer,
  describe: describeCdc,
}
