import {
  createSecureServer,
  createServer,
  constants,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Deps } from '../../core/deps.ts'
import { PipelineError, toPipelineError } from '../../core/errors.ts'
import type { Service } from '../../core/service.ts'
import { createBodyReader } from '../../http/body.ts'
import type { HttpLimits, TlsConfig } from '../../http/config.ts'
import type { InFlight, Slot } from '../../http/in-flight.ts'
import { createRequestIds } from '../../http/request-id.ts'
import { createRequestMetrics } from '../../http/request-metrics.ts'
import { listenError, reachable } from '../../http/server.ts'
import { readTls } from '../../http/tls.ts'
import { statusOf } from '../otlp-answer.ts'
import { acceptedEncodings, frameMessage, prefixBytes, readMessage, timeoutMs, tooLarge } from './message.ts'
import { codes, type GrpcStatus } from './status.ts'
import { statusTrailers } from './trailers.ts'

/** One call on its way to its answer. */
export interface Call {
  /** Metadata: lower-cased names. */
  readonly headers: IncomingHttpHeaders
  readonly requestId: string
  /** The message, inflated. At most once. */
  readonly readMessage: () => Promise<Buffer>
  /** Aborts at the caller's deadline, and when a stop has lasted too long; not when the caller leaves: what it sent is stored all the same. */
  readonly signal: AbortSignal
}

export interface GrpcMethod {
  /** `/package.Service/Method` */
  readonly path: string
  /** Label of the request metrics. */
  readonly dialect: string
  /** Resolves to the answer's message; rejections become statuses, once, here. */
  respond(call: Call): Promise<Uint8Array>
}

export interface GrpcServerOptions {
  readonly host: string
  /** 0: any free one; `url()` names it. */
  readonly port: number
  /** The configuration's key of `port`. */
  readonly portKey: string
  readonly tls?: TlsConfig
  readonly limits: HttpLimits
  /** Shared with the other listeners of this process. */
  readonly inFlight: InFlight
  readonly methods: readonly GrpcMethod[]
  readonly deps: Deps
}

export interface GrpcServer extends Service {
  /** Where it listens, or has listened. Throws before `start`. */
  url(): string
}

/** Calls of one connection at once: an exporter has one or two under way. */
const maxConcurrentStreams = 256
/** What a connection, and each of its calls, may send before it is told that it was read: 64 KB would cost a round trip each. */
const windowBytes = 1 << 20
/** A connection without a call for so long is told to go; exporters send every few seconds to a minute, and come again when they need to. */
const idleMs = 300_000
/** For what the deadline of a stop has aborted to fall back to its answer. */
const afterDeadlineMs = 1000

const contentType = 'application/grpc'
const head = { ':status': 200, 'content-type': contentType, 'grpc-accept-encoding': acceptedEncodings }

/**
 * Unary gRPC calls over HTTP/2. Written on node's own HTTP/2: so a message's bytes count in the process's bounds while they come, are
 * inflated under the same limits as any body, and a refusal is what it is over HTTP. There is no reflection and no other service.
 */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const { limits, deps } = options
  const inFlight = options.inFlight.share()
  const requestMetrics = createRequestMetrics(deps.metrics)
  const nameRequest = createRequestIds()
  const bodies = createBodyReader({ ...limits, maxBodyBytes: limits.maxBodyBytes + prefixBytes })
  const methods = new Map(options.methods.map((method) => [method.path, method]))
  const stopDeadline = new AbortController()
  const sessions = new Set<ServerHttp2Session>()
  let server: Http2Server | Http2SecureServer | undefined
  let url: string | undefined
  let stopped: Promise<void> | undefined

  async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const startedAt = performance.now()
    const method = methods.get(headers[':path'] ?? '')
    const requestId = nameRequest({ headers })
    let answer: Uint8Array | undefined
    let status: GrpcStatus
    try {
      if (method === undefined)
        throw new PipelineError(
          'not_found',
          'there is no such method here, only Export of OpenTelemetry’s three services',
        )
      answer = await respond(method, stream, headers, requestId)
      status = { code: codes.ok, message: '', httpStatus: 200 }
    } catch (error) {
      status = statusOf(toPipelineError(error), requestId)
      if (status.code === codes.internal)
        deps.logger.error({ requestId, listener: 'grpc', path: method?.path, err: error }, 'a request failed')
    }
    const isGone = stream.destroyed || stream.closed || stream.aborted
    const seconds = method === undefined ? undefined : (performance.now() - startedAt) / 1000
    requestMetrics.count(method?.dialect ?? 'none', isGone ? 499 : status.httpStatus, seconds)
    if (!isGone) send(stream, status, answer)
  }

  function respond(
    method: GrpcMethod,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    requestId: string,
  ): Promise<Uint8Array> {
    const patienceMs = timeoutMs(headers['grpc-timeout'] as string | undefined)
    const slot = inFlight.enter()
    const deadline = patienceMs === undefined ? undefined : createDeadline(patienceMs)
    const signal =
      deadline === undefined ? stopDeadline.signal : AbortSignal.any([stopDeadline.signal, deadline.signal])
    // The slot is held until the work is done, also when its caller no longer waits for it.
    const work = method
      .respond({ headers, requestId, readMessage: () => read(stream, headers, slot), signal })
      .finally(() => {
        slot.leave()
        deadline?.clear()
      })
    return deadline === undefined ? work : Promise.race([work, deadline.passed])
  }

  async function read(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, slot: Slot): Promise<Buffer> {
    const said = headers['content-length']
    if (said !== undefined && Number(said) > limits.maxBodyBytes + prefixBytes)
      throw tooLarge(Number(said) - prefixBytes, limits.maxBodyBytes)
    const wire = await bodies.receive(stream, slot)
    // A call that was cut off ends like one that is complete; only a little later does node tell.
    try {
      const { bytes, encoding } = readMessage(wire, headers['grpc-encoding'] as string | undefined, limits.maxBodyBytes)
      return await bodies.inflate(encoding, bytes, slot, wire.length)
    } catch (error) {
      if (await isCutOff(stream))
        throw new PipelineError('cancelled', `the client went away after ${wire.length} bytes`)
      throw error
    }
  }

  function send(stream: ServerHttp2Stream, status: GrpcStatus, message: Uint8Array | undefined): void {
    const trailers = statusTrailers(status)
    if (message === undefined) {
      stream.respond({ ...head, ...trailers }, { endStream: true })
      // What is still to come of the message is not wanted; the client reads its status all the same.
      if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
      return
    }
    stream.respond(head, { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers(trailers))
    stream.end(frameMessage(message))
  }

  function onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    // Errors of a stream are its client's: nothing is owed to one that is gone.
    stream.on('error', () => undefined)
    if (headers[':method'] !== 'POST' || !(headers['content-type'] ?? '').startsWith(contentType)) {
      requestMetrics.count('none', 415)
      stream.respond({ ':status': 415, ...statusTrailers(notGrpc) }, { endStream: true })
      stream.close(constants.NGHTTP2_NO_ERROR)
      return
    }
    serve(stream, headers).catch((error: unknown) => {
      deps.logger.error({ listener: 'grpc', err: error }, 'an answer could not be sent')
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    })
  }

  function onSession(session: ServerHttp2Session): void {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    session.on('error', () => undefined)
    session.setLocalWindowSize(windowBytes * 4)
    // A connection that never asks anything ends as soon as a request without a head would.
    session.setTimeout(limits.headersTimeoutMs, () => session.close())
    session.once('stream', () => session.setTimeout(idleMs))
  }

  async function listen(): Promise<string> {
    const settings = { maxConcurrentStreams, initialWindowSize: windowBytes, maxHeaderListSize: 16_384 }
    const opened =
      options.tls === undefined
        ? createServer({ settings })
        : createSecureServer({
            ...(await readTls(options.tls)),
            settings,
            allowHTTP1: false,
            ALPNProtocols: ['h2'],
            handshakeTimeout: limits.headersTimeoutMs,
          })
    server = opened
    opened.maxConnections = limits.maxConnections
    opened.on('session', onSession)
    opened.on('stream', onStream)
    opened.on('sessionError', () => undefined)
    await new Promise<void>((resolve, reject) => {
      opened.once('error', reject)
      opened.listen(options.port, options.host, () => {
        opened.off('error', reject)
        opened.on('error', (err: Error) => deps.logger.warn({ listener: 'grpc', err }, 'the listener reports'))
        resolve()
      })
    }).catch((cause: unknown) => {
      throw listenError({ name: 'grpc', host: options.host, port: options.port }, cause, options.portKey)
    })
    const address = opened.address() as AddressInfo
    return `${options.tls === undefined ? 'http' : 'https'}://${reachable(address)}:${address.port}`
  }

  async function close(): Promise<void> {
    if (server === undefined || !server.listening) {
      bodies.close()
      return
    }
    if (limits.drainMs > 0) await sleep(limits.drainMs)
    inFlight.refuse()
    const closed = new Promise((resolve) => server?.close(resolve))
    // GOAWAY: no new calls on these connections, those under way end.
    for (const session of sessions) session.close()
    const deadline = setTimeout(() => {
      deps.logger.warn({ listener: 'grpc', sessions: sessions.size }, 'calls were still under way at the end of a stop')
      stopDeadline.abort(new PipelineError('unavailable', 'the server is stopping: try again'))
      for (const session of sessions) session.destroy()
    }, limits.stopMs)
    const givenUp = sleep(limits.stopMs + afterDeadlineMs, undefined, { ref: false })
    try {
      await Promise.race([Promise.all([inFlight.empty(), closed]), givenUp])
    } finally {
      clearTimeout(deadline)
      bodies.close()
    }
  }

  return {
    async start(signal) {
      signal.throwIfAborted()
      url = await listen()
    },
    stop() {
      stopped ??= close()
      return stopped
    },
    url() {
      if (url === undefined) throw new PipelineError('internal', 'the gRPC listener does not listen')
      return url
    },
  }
}

/** How long after a call's end node may take to tell that it was none. */
const tellMs = 10

function isCutOff(stream: ServerHttp2Stream): Promise<boolean> {
  if (stream.aborted || stream.destroyed) return Promise.resolve(true)
  return new Promise((resolve) => {
    const timer = setTimeout(() => done(false), tellMs)
    const onAborted = () => done(true)
    const done = (isCut: boolean) => {
      clearTimeout(timer)
      stream.off('aborted', onAborted)
      resolve(isCut)
    }
    stream.once('aborted', onAborted)
  })
}

const notGrpc: GrpcStatus = {
  code: codes.unimplemented,
  message: 'this port speaks gRPC only: POST with content-type application/grpc; OTLP over HTTP has its own port',
  httpStatus: 415,
}

interface Deadline {
  readonly signal: AbortSignal
  /** Rejects at the deadline. */
  readonly passed: Promise<never>
  clear(): void
}

/** setTimeout's longest; who waits for 24 days waits for ever. */
const maxTimerMs = 2 ** 31 - 1

function createDeadline(ms: number): Deadline {
  const controller = new AbortController()
  const passed = Promise.withResolvers<never>()
  passed.promise.catch(() => {})
  const timer = setTimeout(
    () => {
      const error = new PipelineError(
        'timeout',
        `the call’s deadline of ${Math.ceil(ms)} ms passed before its events were stored`,
      )
      controller.abort(error)
      passed.reject(error)
    },
    Math.min(ms, maxTimerMs),
  )
  return { signal: controller.signal, passed: passed.promise, clear: () => clearTimeout(timer) }
}
