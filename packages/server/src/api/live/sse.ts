import { Readable } from 'node:stream'
import type { Http } from '../../http/server.ts'
import type { Carrier } from './connection.ts'
import { describesSse } from './describe.ts'
import type { Streams } from './live.ts'
import { readOpening } from './opening.ts'
import type { Transport } from './outbox.ts'
import { liveRefusal } from './refusal.ts'

const path = '/api/v1/live/sse'
/** What stands between outbox and socket. */
const bufferBytes = 64 * 1024
/** How long an EventSource waits before it comes back with its last id. */
const retry = Buffer.from('retry: 1000\n\n')
const comment = Buffer.from(': \n\n')

/** GET /api/v1/live/sse: the same stream as server-sent events; `id` is the cursor. */
export function mountSse(http: Http, streams: Streams): void {
  http.route({
    method: 'GET',
    path,
    dialect: 'live',
    describes: describesSse,
    // Streams have a limit of their own: as requests under way they would leave no room for others.
    isProbe: true,
    refuse: liveRefusal,
    async respond({ request, untilGone }) {
      if (request.method === 'HEAD') return { status: 200, type: 'text/event-stream', body: '' }
      const query = new URL(request.url, 'http://localhost').searchParams
      const signal = untilGone()
      const admitted = await streams.admit((auth) => readOpening(auth, request.headers, query), signal)
      const { stream, transport, carrier } = createSse()
      stream.push(retry)
      admitted.open(transport, carrier)
      return {
        status: 200,
        type: 'text/event-stream; charset=utf-8',
        // Proxies that gather answers before they pass them on would make a stream of nothing.
        headers: { 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
        body: stream,
      }
    },
  })
}

function createSse() {
  let onClosed = () => {}
  const transport: Transport = {
    framing: 'sse',
    write: (bytes) => stream.push(bytes),
    onDrain: () => {},
  }
  const stream = new Readable({
    highWaterMark: bufferBytes,
    read: () => transport.onDrain(),
    destroy(error, done) {
      isEnded = true
      onClosed()
      done(error)
    },
  })
  let isEnded = false
  const carrier: Carrier = {
    end() {
      if (isEnded) return
      isEnded = true
      stream.push(null)
    },
    cut: () => void stream.destroy(),
    beat() {
      if (!isEnded && stream.readableLength < bufferBytes) stream.push(comment)
    },
    closed: new Promise((resolve) => {
      onClosed = resolve
    }),
  }
  return { stream, transport, carrier }
}
