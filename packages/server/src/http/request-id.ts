import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const sane = /^[\w.:-]{1,128}$/

/** A proxy's `x-request-id` when it is one, so that its logs and ours meet; else a short one of our own, unique over processes. */
export function createRequestIds(): (request: Pick<IncomingMessage, 'headers'>) => string {
  const prefix = randomBytes(6).toString('hex')
  let count = 0
  return (request) => {
    const given = request.headers['x-request-id']
    if (typeof given === 'string' && sane.test(given)) return given
    count++
    return `${prefix}-${count.toString(36)}`
  }
}
