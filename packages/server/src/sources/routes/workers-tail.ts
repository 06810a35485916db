import { decodeTail, decodeTailInSteps } from '../../decoders/tail.ts'
import { describeWorkersTail } from '../describe/workers-tail.ts'
import { jsonTypes, ndjsonTypes } from '../media-types.ts'
import type { Source } from '../source.ts'
import { ownAnswer } from './own.ts'

/** A Tail Worker's `fetch` says `text/plain`; Logpush compresses its lines and calls them what its destination says, or gzip. */
export const workersTail: Source = {
  name: 'workers_tail',
  routes: [{ path: '/v1/tail', kind: 'tail' }],
  accepts: [...jsonTypes, ...ndjsonTypes, 'application/gzip', 'application/x-gzip', 'application/octet-stream'],
  decode: decodeTail,
  decodeInSteps: decodeTailInSteps,
  keyInBody: false,
  answer: ownAnswer,
  describe: describeWorkersTail,
}
