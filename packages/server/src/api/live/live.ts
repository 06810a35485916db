import { randomUUID } from 'node:crypto'
import type { Deps } from '../../core/deps.ts'
import { PipelineError, toPipelineError } from '../../core/errors.ts'
import type { Service } from '../../core/service.ts'
import type { Http } from '../../http/server.ts'
import type { Log, Position } from '../../log/log.ts'
import { eventsBetween } from '../../query/events-between.ts'
import type { Ask } from '../../stores/ask.ts'
import type { Store } from '../../stores/store.ts'
import type { ApiAuth } from '../auth.ts'
import { packLogPosition } from '@millrace/protocol'
import { createCatchUp } from './catch-up.ts'
import { createClientMessages } from './client-messages.ts'
import type { LiveConfig } from './config.ts'
import { type Carrier, closeCodes, type Connection } from './connection.ts'
import { encodeCursor } from './cursor.ts'
import { createErrorsTopic } from './errors-topic.ts'
import { createHub } from './hub.ts'
import { createLiveQueries } from './live-query.ts'
import { authorize, type Opening, withToken } from './opening.ts'
import type { SharedRoom, Transport } from './outbox.ts'
import { mountSse } from './sse.ts'
import { createFindStart, type StartPlace } from './start-place.ts'
import { createStats, type LiveMeasures, type LiveStats, measuresOf } from './stats.ts'
import { createSubscriber, type Subscriber } from './subscriber.ts'
import { mountWebSocket } from './websocket.ts'

/** A key that was revoked or has expired ends its streams within so long. */
const reviewEveryMs = 1000

/** Live streams of the API: WebSocket and SSE over one reader of the log. */
export interface Live extends Service {
  /** `/api/v1/live` and its alias `/events` by WebSocket, `/api/v1/live/sse`. Once, before the listener listens. */
  mount(http: Http): void
  stats(): LiveStats
  /** What GET /metrics answers as JSON. */
  measures(): LiveMeasures
}

export interface LiveParts {
  readonly config: LiveConfig
  readonly auth: ApiAuth
  readonly log: Log
  readonly store: Store
  readonly ask: Ask
  readonly deps: Deps
}

/** What a way of carrying streams needs of the whole. */
export interface Streams {
  /** Throws `unavailable` at the limit and during a stop, `malformed`, `unauthorized`, `forbidden`. Each MUST be opened or given up. */
  admit(read: (auth: ApiAuth) => Opening, signal: AbortSignal): Promise<Admitted>
}

export interface Admitted {
  /** What the client says, undefined for what is not text; nothing is said by SSE. */
  open(transport: Transport, carrier: Carrier): (text: string | undefined) => void
  giveUp(): void
}

export function createLive({ config, auth, log, store, ask, deps }: LiveParts): Live {
  const connections = new Set<Connection>()
  const shared: SharedRoom = { pending: 0, limit: config.maxPendingBytesInAll }
  const stats = createStats(deps.metrics, () => connections.size)
  const queries = createLiveQueries({ log, ask, deps })
  const hub = createHub({
    log,
    config,
    deps,
    onLatency: (ms) => stats.latency(ms),
    onEvent: (project, topic, partition, offset) => queries.onEvent(project, topic, partition, offset),
  })
  const errors = createErrorsTopic({ log, config, deps })
  const findStart = createFindStart(log, store)
  const catchUp = createCatchUp({
    log,
    hub,
    config,
    deps,
    async countLost(project, partition, { offset, index }, first, signal) {
      const epoch = log.epoch()
      const from = packLogPosition({ epoch, partition, offset, index })
      const to = packLogPosition({ epoch, partition, offset: Math.max(offset, first - 1), index: 0xffff })
      return eventsBetween(store, project, [{ first: from, last: to }], signal).catch(() => 1)
    },
  })
  let opening = 0
  let isStopping = false
  let reviewTimer: NodeJS.Timeout | undefined
  let beatTimer: NodeJS.Timeout | undefined

  const topicsOf = () =>
    [...connections].map(({ subscriber: { interest } }) => (interest.topics.length === 0 ? ['*'] : interest.topics))

  const streams: Streams = {
    async admit(read, signal) {
      try {
        if (isStopping) throw new PipelineError('unavailable', 'the server is stopping: come back in a moment')
        if (connections.size + opening >= config.maxConnections)
          throw new PipelineError(
            'unavailable',
            `${config.maxConnections} streams are open, more are not (api.live.maxConnections)`,
            { retryAfterSeconds: 5 },
          )
        const opened = read(auth)
        opening++
        try {
          await hub.run()
          const start = await findStart(opened.principal.project, opened.wish, signal)
          const errorsFrom = opened.interest.wantsErrors ? await errors.end() : undefined
          signal.throwIfAborted()
          if (isStopping) throw new PipelineError('unavailable', 'the server is stopping: come back in a moment')
          return admitted(opened, start, errorsFrom)
        } catch (error) {
          opening--
          throw error
        }
      } catch (error) {
        stats.counts.errors++
        throw error
      }
    },
  }

  function admitted(
    opened: Opening,
    start: StartPlace | undefined,
    errorsFrom: readonly Position[] | undefined,
  ): Admitted {
    let isOpen = false
    return {
      giveUp() {
        if (!isOpen) opening--
        isOpen = true
      },
      open(transport, carrier) {
        isOpen = true
        opening--
        const { subscriber, onMessage } = open(opened, start, transport, carrier)
        if (errorsFrom !== undefined) errors.join(subscriber, errorsFrom)
        return onMessage
      },
    }
  }

  function open(
    { principal, interest, credentials }: Opening,
    start: StartPlace | undefined,
    transport: Transport,
    carrier: Carrier,
  ): { subscriber: Subscriber; onMessage: (text: string | undefined) => void } {
    const { project } = principal
    const subscriber = createSubscriber({
      id: randomUUID(),
      project,
      interest,
      transport,
      config,
      shared,
      counts: stats.counts,
    })
    const connection: Connection = { subscriber, carrier, credentials, gone: new AbortController() }
    connections.add(connection)
    stats.counts.total++
    void carrier.closed.then(() => {
      connection.gone.abort()
      connections.delete(connection)
      hub.leave(subscriber)
      errors.leave(subscriber)
      queries.leave(subscriber)
      subscriber.close()
    })
    subscriber.tell({
      type: 'connected',
      connectionId: subscriber.id,
      project,
      topics: interest.topics,
      filters: interest.filters,
      cursor: start === undefined ? hub.cursor() : encodeCursor(log.epoch(), start.places),
    })
    if (start === undefined) hub.join(subscriber)
    else {
      if (start.isTruncated)
        subscriber.tell({
          type: 'warning',
          code: 'REPLAY_TRUNCATED',
          message:
            'the log no longer holds all that was asked for; this begins at its first event, older ones are in the tables',
        })
      subscriber.gap(start.missed)
      catchUp(subscriber, start.places, connection.gone.signal).catch((error: unknown) => {
        if (!connection.gone.signal.aborted) endWith(connection, error)
      })
    }
    const onMessage = createClientMessages({
      hub,
      errors,
      subscriber,
      queries,
      now: () => deps.clock.now(),
      refresh(token) {
        const { headers, project: asked } = connection.credentials
        const { authorization: _, 'x-api-key': __, ...rest } = headers
        const renewed = { headers: withToken(rest, token), project: asked }
        if (authorize(auth, renewed).project !== project)
          throw new PipelineError('forbidden', 'this key is of another project: open another stream with it')
        connection.credentials = renewed
      },
      onDeaf: () => carrier.cut(),
    })
    return { subscriber, onMessage }
  }

  function endWith({ subscriber, carrier }: Connection, error: unknown): void {
    const failure = toPipelineError(error)
    const isOurs = failure.code === 'unauthorized' || failure.code === 'forbidden'
    stats.counts.errors++
    if (!isOurs) deps.logger.error({ err: error, connection: subscriber.id }, 'live: a stream ended by an error')
    subscriber.tell({
      type: 'error',
      code: isOurs ? failure.code.toUpperCase() : 'INTERNAL',
      message: isOurs ? failure.message : 'the stream cannot be read on; come back with the last cursor',
    })
    hub.leave(subscriber)
    errors.leave(subscriber)
    subscriber.close()
    carrier.end(isOurs ? closeCodes.policy : closeCodes.internal, isOurs ? failure.code : 'internal')
  }

  /** Keys end while streams last: each key is looked at once, however many streams it has. */
  function review(): void {
    const known = new Map<string, unknown>()
    for (const connection of connections) {
      const { headers, project } = connection.credentials
      const key = JSON.stringify([headers.authorization, headers['x-api-key'], headers.host, headers.origin, project])
      if (!known.has(key)) known.set(key, refusalOf(connection))
      const refusal = known.get(key)
      if (refusal !== undefined && !connection.subscriber.isClosed()) endWith(connection, refusal)
    }
  }

  function refusalOf({ credentials, subscriber }: Connection): unknown {
    try {
      if (authorize(auth, credentials).project === subscriber.project) return undefined
      return new PipelineError('forbidden', 'this key is of another project now')
    } catch (error) {
      return error
    }
  }

  async function drain(): Promise<void> {
    for (const { subscriber } of connections)
      subscriber.tell({
        type: 'shutdown',
        message: 'the server stops; come back with the last cursor',
        reconnectAfterMs: 1000,
      })
    const deadline = performance.now() + config.drainMs
    const isDrained = () => [...connections].every(({ subscriber }) => subscriber.isEmpty())
    while (!isDrained() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
    const gone = Promise.all([...connections].map(({ carrier }) => carrier.closed))
    for (const { carrier } of connections) carrier.end(closeCodes.goingAway, 'the server stops')
    const left = Math.max(500, Math.min(2000, deadline - performance.now()))
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, left).unref())])
    for (const { carrier } of connections) carrier.cut()
  }

  return {
    async start(signal) {
      await hub.start(signal)
      reviewTimer = setInterval(review, reviewEveryMs)
      beatTimer = setInterval(() => {
        for (const { carrier } of connections) carrier.beat()
      }, config.heartbeatMs)
    },
    async stop() {
      isStopping = true
      clearInterval(reviewTimer)
      clearInterval(beatTimer)
      await queries.stop()
      await hub.stop()
      await errors.stop()
      await drain()
      stats.stop()
    },
    mount(http) {
      mountWebSocket(http, streams, config)
      mountSse(http, streams)
    },
    stats: () => stats.read(connections.size, config.maxConnections, shared.pending),
    measures: () => measuresOf(stats.read(connections.size, config.maxConnections, shared.pending), topicsOf()),
  }
}
