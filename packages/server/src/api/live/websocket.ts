import { randomUUID } from 'node:crypto'
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { PipelineError } from '../../core/errors.ts'
import type { HttpAnswer } from '../../http/answer.ts'
import { problemAnswer } from '../../http/problem.ts'
import type { Http } from '../../http/server.ts'
import type { LiveConfig } from './config.ts'
import type { Carrier } from './connection.ts'
import { describesWebSocket } from './describe.ts'
import type { Admitted, Streams } from './live.ts'
import { readOpening } from './opening.ts'
import type { Transport } from './outbox.ts'
import { liveRefusal } from './refusal.ts'

/** The second is S3's name for it. */
const webSocketPaths = ['/api/v1/live', '/events'] as const
/** For the other side to answer a close. */
const closeTimeoutMs = 2000

/** GET /api/v1/live and /events: a WebSocket; without an upgrade 426. */
export function mountWebSocket(http: Http, streams: Streams, config: LiveConfig): void {
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: config.maxMessageBytes,
    clientTracking: false,
    // Compressing for each subscriber alone costs more than all the rest; a proxy in front may do it.
    perMessageDeflate: false,
    closeTimeout: closeTimeoutMs,
  } as ConstructorParameters<typeof WebSocketServer>[0])

  webSockets.on('wsClientError', (error, socket) => {
    const answer = liveRefusal(
      new PipelineError('malformed', `the WebSocket handshake: ${error.message}`),
      randomUUID(),
    )
    refuse(socket, { ...answer, headers: { ...answer.headers, 'sec-websocket-version': '13' } })
  })

  for (const path of webSocketPaths)
    http.route({
      method: 'GET',
      path,
      dialect: 'live',
      describes: path === webSocketPaths[0] ? describesWebSocket : { ...describesWebSocket, sameAs: webSocketPaths[0] },
      isProbe: true,
      respond: ({ requestId }) => Promise.resolve(upgradeRequired(requestId)),
    })

  const { server } = http.app
  // Others (h2c, say) may be declined: then the request is answered as if nobody had asked to upgrade.
  Object.assign(server, { shouldUpgradeCallback: (request: IncomingMessage) => isWebSocket(request) })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    void accept(request, socket, head)
  })

  async function accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gone = new AbortController()
    const onGone = () => gone.abort(new PipelineError('cancelled', 'the client went away'))
    socket.on('error', onGone)
    socket.once('close', onGone)
    let admitted: Admitted
    try {
      const { pathname, searchParams } = urlOf(request)
      if (!webSocketPaths.includes(pathname.replace(/\/+$/, '') as (typeof webSocketPaths)[number]))
        throw new PipelineError('not_found', `there is no WebSocket here, only at ${webSocketPaths.join(' and ')}`)
      admitted = await streams.admit((auth) => readOpening(auth, request.headers, searchParams), gone.signal)
    } catch (error) {
      refuse(socket, liveRefusal(error, randomUUID()))
      return
    }
    // A handshake that is none is answered below, and the socket closed.
    const onRefused = () => admitted.giveUp()
    socket.once('close', onRefused)
    try {
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        socket.off('close', onRefused)
        socket.off('close', onGone)
        open(webSocket, socket, admitted)
      })
    } catch (error) {
      admitted.giveUp()
      socket.destroy(error as Error)
    }
  }

  function open(webSocket: WebSocket, socket: Duplex, admitted: Admitted): void {
    const transport: Transport = {
      framing: 'websocket',
      // Whole frames, past `ws`: one buffer for all who get the message. It writes its own frames whole as well.
      write: (bytes) => webSocket.readyState !== webSocket.OPEN || socket.write(bytes),
      onDrain: () => {},
    }
    socket.on('drain', () => transport.onDrain())
    let isAlive = true
    const alive = () => {
      isAlive = true
    }
    const carrier: Carrier = {
      end: (code, reason) => webSocket.close(code, reason),
      cut: () => webSocket.terminate(),
      beat() {
        if (!isAlive) return webSocket.terminate()
        isAlive = false
        if (webSocket.readyState === webSocket.OPEN) webSocket.ping()
      },
      closed: new Promise((resolve) => webSocket.once('close', () => resolve())),
    }
    // Without a listener an error (a frame that breaks the rules, a message too large) would end the process; `close` follows.
    webSocket.on('error', () => {})
    const onMessage = admitted.open(transport, carrier)
    webSocket.on('pong', alive)
    webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      alive()
      if (webSocket.readyState === webSocket.OPEN) onMessage(isBinary ? undefined : data.toString('utf8'))
    })
  }
}

function isWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket'
}

function urlOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? '/', 'http://localhost')
  } catch (cause) {
    throw new PipelineError('malformed', 'the request’s path cannot be read', { cause })
  }
}

function upgradeRequired(requestId: string): HttpAnswer {
  const answer = problemAnswer(
    new PipelineError('malformed', 'this is a WebSocket: upgrade, or use /api/v1/live/sse for server-sent events'),
    requestId,
    { title: 'Upgrade Required', status: 426, code: 'upgrade_required' },
  )
  return { ...answer, status: 426, headers: { ...answer.headers, upgrade: 'websocket' } }
}

/** An answer to an upgrade that is none, written by hand: the socket is no longer node's. */
function refuse(socket: Duplex, { status, type, headers, body }: HttpAnswer): void {
  const text = body as string
  const lines = Object.entries({
    connection: 'close',
    'content-type': type ?? 'text/plain',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${text}`, () => socket.destroy())
}
