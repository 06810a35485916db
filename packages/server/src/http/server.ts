import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify'
import type { Deps } from '../core/deps.ts'
import { PipelineError, toPipelineError } from '../core/errors.ts'
import type { Service } from '../core/service.ts'
import type { HttpAnswer } from './answer.ts'
import { createBodyReader, type OpenBody } from './body.ts'
import { createClientErrorHandler } from './client-error.ts'
import type { HttpLimits, TlsConfig } from './config.ts'
import { answerPreflight, type Cors, originHeaders } from './cors.ts'
import type { RouteDescription } from './describe.ts'
import { createInFlight, type InFlight, showInFlight, type Slot } from './in-flight.ts'
import { problemAnswer, problemMediaType, toProblem } from './problem.ts'
import { createRequestIds } from './request-id.ts'
import { createRequestMetrics } from './request-metrics.ts'
import { createRouteTable } from './route-table.ts'
import { readTls } from './tls.ts'

/** One request on its way to its answer. */
export interface Exchange {
  readonly request: FastifyRequest
  readonly requestId: string
  /** The whole body, inflated; see BodyReader. At most once. */
  readonly readBody: (open?: OpenBody) => Promise<Buffer>
  /** Aborts when a stop has lasted too long. NOT when the client leaves: what it sent is stored all the same. */
  readonly signal: AbortSignal
  /** Aborts when the client leaves before its answer: for work that nobody else wants, such as a query. */
  readonly untilGone: () => AbortSignal
}

export interface HttpRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Fastify's syntax; a slash at the end makes no difference. */
  readonly path: string
  /** Label of the request metrics. */
  readonly dialect: string
  /** Rejections become problems, once, here. */
  respond(exchange: Exchange): Promise<HttpAnswer>
  /** A dialect's own words for a refusal. Default: `problemAnswer`. */
  readonly refuse?: (error: PipelineError, requestId: string, headers: IncomingHttpHeaders) => HttpAnswer
  /** Probes: answered also when the process is full or stopping, and not counted as load. */
  readonly isProbe?: boolean
  /** For `/openapi.json` and `/docs`; `hidden` is for routes between our own processes. */
  readonly describes: RouteDescription | 'hidden'
}

export interface HttpServerOptions {
  /** `collector`, `api`: names log lines and queues. */
  readonly name: string
  readonly host: string
  /** 0: any free one; `url()` names it. */
  readonly port: number
  readonly tls?: TlsConfig
  readonly trustProxy?: boolean | number | string
  readonly limits: HttpLimits
  /** The configuration's key of `port`, for messages. Default: `<name>.port`. */
  readonly portKey?: string
  /** Bounds that other listeners of this process share; whoever made it shows it. Default: its own. */
  readonly inFlight?: InFlight
  /** Answer preflights, and let pages of other origins read the answers. Default: neither. */
  readonly cors?: Cors
  readonly deps: Deps
  /** Called once, in `start`. */
  mount(http: Http): void | Promise<void>
}

/** What `mount` gets. */
export interface Http {
  route(route: HttpRoute): void
  /** What `route` was called with so far. */
  routes(): readonly HttpRoute[]
  /** False from the moment of `stop` on. */
  isOpen(): boolean
  /** For what is not request and answer (WebSocket, SSE). */
  readonly app: FastifyInstance
}

export interface HttpServer extends Service {
  /** Where it listens, or has listened. Throws before `start`. */
  url(): string
}

/**
 * A listener: what collector and API share. Fastify routes; bodies, errors, limits, CORS, metrics and the stop are here.
 * Order of a stop: readiness says no, `drainMs` pass, new requests get 503, those under way finish within `stopMs`, connections end.
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { limits, deps, cors } = options
  const inFlight = options.inFlight?.share() ?? createInFlight(limits)
  const requestMetrics = createRequestMetrics(deps.metrics)
  const table = createRouteTable()
  const stopDeadline = new AbortController()
  const bodies = createBodyReader(limits)
  let app: FastifyInstance | undefined
  let server: Server | undefined
  let url: string | undefined
  let state: 'new' | 'open' | 'draining' | 'closing' = 'new'
  let stopped: Promise<void> | undefined

  if (options.inFlight === undefined) showInFlight(deps.metrics, options.name, inFlight, limits)

  function refuse(error: unknown, requestId: string, route?: HttpRoute, headers: IncomingHttpHeaders = {}): HttpAnswer {
    const failure = toPipelineError(error)
    const answer = route?.refuse?.(failure, requestId, headers) ?? problemAnswer(failure, requestId)
    if (answer.status === 500) {
      deps.logger.error(
        { requestId, listener: options.name, path: route?.path, code: failure.code, err: error },
        'a request failed',
      )
    }
    return answer
  }

  async function serve(route: HttpRoute, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const startedAt = performance.now()
    const requestId = request.id
    let slot: Slot | undefined
    let answer: HttpAnswer
    try {
      if (lacksHost(request)) throw noHost()
      if (route.isProbe !== true) slot = inFlight.enter()
      answer = await route.respond({
        request,
        requestId,
        readBody: (open) => bodies.read(request.raw, slot ?? unlimited, open),
        signal: stopDeadline.signal,
        untilGone: () => goneSignal(reply, stopDeadline.signal),
      })
    } catch (error) {
      answer = refuse(error, requestId, route, request.headers)
    }
    const isGone = reply.raw.destroyed || request.raw.socket.destroyed
    requestMetrics.count(route.dialect, isGone ? 499 : answer.status, (performance.now() - startedAt) / 1000)
    if (isGone) {
      slot?.leave()
      reply.hijack()
      if (answer.body instanceof Readable) answer.body.destroy()
      return
    }
    if (slot !== undefined && answer.body instanceof Readable) reply.raw.once('close', () => slot.leave())
    else slot?.leave()
    send(request, reply, answer)
  }

  /**
   * Written past Fastify's reply: no hook and no serializer is registered, and its way costs a microsecond per request.
   * Bodies of HEAD are left out by node itself.
   */
  function send(request: FastifyRequest, reply: FastifyReply, answer: HttpAnswer, mayRead = true): void {
    const { status, body } = answer
    const headers = ['x-request-id', request.id]
    if (answer.type !== undefined) headers.push('content-type', answer.type)
    if (!(body instanceof Readable) && status !== 204) headers.push('content-length', String(Buffer.byteLength(body)))
    for (const name in answer.headers) headers.push(name, answer.headers[name]!)
    const { origin } = request.headers
    if (cors !== undefined && origin !== undefined && mayRead) headers.push(...originHeaders(origin))
    if (state !== 'open') headers.push('connection', 'close')
    reply.hijack()
    const response = reply.raw
    response.writeHead(status, headers)
    // An error in the middle of a stream can only be told by cutting it short.
    if (body instanceof Readable) pipeline(body, response, () => undefined)
    else response.end(body)
    if (!request.raw.complete) bodies.abandon(request.raw)
  }

  function notFound(request: FastifyRequest, reply: FastifyReply): void {
    const path = request.url.split('?', 1)[0]!
    const methods = table.methods(path)
    if (lacksHost(request)) throw noHost()
    if (request.method === 'OPTIONS' && methods.length > 0) {
      const allowed = [...methods, 'OPTIONS'].join(', ')
      const { origin } = request.headers
      if (cors === undefined || origin === undefined)
        send(request, reply, { status: 204, headers: { allow: allowed }, body: '' })
      else if (cors.allows(origin, request)) send(request, reply, answerPreflight(request, allowed))
      else send(request, reply, { status: 403, body: '' }, false)
      return
    }
    // The path is the client's own text: short, and as it came (percent-encoded).
    const shown = path.length > 100 ? `${path.slice(0, 100)}…` : path
    const error =
      methods.length === 0
        ? new PipelineError('not_found', `there is no route ${shown}`)
        : new PipelineError(
            'method_not_allowed',
            `${shown} does not answer ${request.method}, only ${methods.join(', ')}`,
            {
              details: { allow: methods.join(', ') },
            },
          )
    const answer = refuse(error, request.id)
    requestMetrics.count('none', answer.status)
    send(request, reply, answer)
  }

  async function open(): Promise<FastifyInstance> {
    const https = options.tls === undefined ? undefined : await readTls(options.tls)
    const http = {
      headersTimeout: limits.headersTimeoutMs,
      // The sweeper of bodies answers slow ones; this is what ends a connection that even it does not see.
      requestTimeout: limits.headersTimeoutMs + limits.bodyTimeoutMs + 5000,
      connectionsCheckingInterval: Math.min(1000, Math.max(20, limits.headersTimeoutMs / 4)),
      maxHeaderSize: 16_384,
      noDelay: true,
      // Said by us, as a problem.
      requireHostHeader: false,
    }
    const fastifyOptions = {
      ...(https === undefined ? { http } : { https: { ...http, ...https } }),
      logger: false,
      trustProxy: options.trustProxy ?? false,
      genReqId: createRequestIds(),
      keepAliveTimeout: limits.keepAliveMs,
      requestTimeout: http.requestTimeout,
      return503OnClosing: false,
      exposeHeadRoutes: true,
      clientErrorHandler: createClientErrorHandler((status) => requestMetrics.count('none', status)),
      frameworkErrors: (_error: unknown, request: FastifyRequest, reply: FastifyReply) =>
        send(request, reply, refuse(new PipelineError('malformed', 'the request’s path cannot be read'), request.id)),
      routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 1024 },
    } as unknown as FastifyServerOptions
    const instance = Fastify(fastifyOptions) as unknown as FastifyInstance
    instance.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
      requestMetrics.count('none', 417)
      const failure = new PipelineError('malformed', 'the header Expect is for 100-continue only: leave it out')
      const problem = JSON.stringify({ ...toProblem(failure, '-'), status: 417 })
      const headers = {
        'content-type': problemMediaType,
        'content-length': Buffer.byteLength(problem),
        connection: 'close',
      }
      response.writeHead(417, headers).end(problem)
      request.resume()
    })
    // Bodies are read by `readBody`, raw: without this Fastify would parse them by content type first.
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      instance.addHttpMethod(method, { hasBody: false, overrideExisting: true })
    instance.setNotFoundHandler(notFound)
    instance.setErrorHandler((error, request, reply) => send(request, reply, refuse(error, request.id)))
    const routes: HttpRoute[] = []
    await options.mount({
      routes: () => routes,
      route(route) {
        routes.push(route)
        table.add(route.method, route.path)
        if (route.method === 'GET') table.add('HEAD', route.path)
        instance.route({
          method: route.method,
          url: route.path,
          handler: (request, reply) => {
            serve(route, request, reply).catch((error: unknown) => {
              // Only an answer that cannot be written comes here; the client learns from the cut, everybody else goes on.
              deps.logger.error({ requestId: request.id, path: route.path, err: error }, 'an answer could not be sent')
              reply.raw.destroy()
            })
          },
        })
      },
      isOpen: () => state === 'open',
      app: instance,
    })
    return instance
  }

  async function close(): Promise<void> {
    const instance = app
    if (instance === undefined || server === undefined) {
      bodies.close()
      return
    }
    state = 'draining'
    if (limits.drainMs > 0) await sleep(limits.drainMs)
    state = 'closing'
    inFlight.refuse()
    const closed = instance.close()
    const deadline = setTimeout(() => {
      deps.logger.warn(
        { listener: options.name, requests: inFlight.requests },
        'requests were still under way at the end of a stop',
      )
      stopDeadline.abort(new PipelineError('unavailable', 'the server is stopping: try again'))
      server?.closeAllConnections()
    }, limits.stopMs)
    // Keep-alive connections become idle one by one as their requests finish; node would wait for their clients.
    const reaper = setInterval(() => server?.closeIdleConnections(), 20)
    // Whoever ignores even the deadline's signal is left behind: a stop has an end.
    const givenUp = sleep(limits.stopMs + afterDeadlineMs, undefined, { ref: false })
    try {
      await Promise.race([Promise.all([inFlight.empty(), closed]), givenUp])
    } finally {
      clearTimeout(deadline)
      clearInterval(reaper)
      bodies.close()
    }
  }

  return {
    async start(signal) {
      signal.throwIfAborted()
      const instance = await open()
      app = instance
      server = instance.server
      server.maxConnections = limits.maxConnections
      state = 'open'
      try {
        await instance.listen({ host: options.host, port: options.port })
      } catch (cause) {
        state = 'closing'
        throw listenError(options, cause, options.portKey)
      }
      const address = instance.server.address() as AddressInfo
      url = `${options.tls === undefined ? 'http' : 'https'}://${reachable(address)}:${address.port}`
    },
    stop() {
      stopped ??= close()
      return stopped
    },
    url() {
      if (url === undefined) throw new PipelineError('internal', `the ${options.name} does not listen`)
      return url
    },
  }
}

function lacksHost({ raw }: FastifyRequest): boolean {
  return raw.headers.host === undefined && raw.httpVersionMinor === 1 && raw.httpVersionMajor === 1
}

function noHost(): PipelineError {
  return new PipelineError('malformed', 'the request has no Host header, which HTTP/1.1 asks for')
}

/** For what the deadline of a stop has aborted to fall back to its answer. */
const afterDeadlineMs = 1000

/** A probe's body is nobody's load. */
const unlimited: Slot = { grow() {}, shrink() {}, leave() {} }

function goneSignal(reply: FastifyReply, stop: AbortSignal): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new PipelineError('cancelled', 'the client went away'))
  })
  return AbortSignal.any([gone.signal, stop])
}

/** An address that a client on this machine can use: a wildcard is where we listen, not where anyone connects. */
export function reachable(address: AddressInfo): string {
  if (address.address === '0.0.0.0' || address.address === '::') return '127.0.0.1'
  return address.family === 'IPv6' ? `[${address.address}]` : address.address
}

/** Why a listener cannot listen, and what to do; `details.code` is node's. `portKey`: the configuration's key of the port. */
export function listenError(
  { name, host, port }: Pick<HttpServerOptions, 'name' | 'host' | 'port'>,
  cause: unknown,
  portKey = `${name}.port`,
): PipelineError {
  const { code } = cause as { code?: string }
  const where = `${host}:${port}`
  const hostKey = portKey.replace(/[^.]+$/, 'host')
  const why =
    code === 'EADDRINUSE'
      ? `another process listens on ${where}: stop it, or set ${portKey} (0 takes any free one)`
      : code === 'EACCES'
        ? `this user may not listen on ${where}: ports below 1024 need more rights; set ${portKey}`
        : `cannot listen on ${where} (${code ?? 'unknown'}): check ${hostKey} and ${portKey}`
  return new PipelineError('config', why, { details: { port, code }, cause })
}
