import { request } from 'node:http'
import { type EventColumns, encodeEventsRecord } from '@millrace/protocol'
import { Registry } from 'prom-client'
import { WebSocket } from 'ws'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Principal } from '../../core/principal.ts'
import { httpLimits } from '../../http/config.ts'
import { createHttpServer } from '../../http/server.ts'
import type { Rows, Store } from '../../stores/store.ts'
import { type MemoryLog, memoryLog, type MemoryLogOptions } from '../../testing/memory-log.ts'
import { createApiAuth } from '../auth.ts'
import { liveConfig } from './config.ts'
import { createLive, type Live } from './live.ts'

const never = new AbortController().signal

export interface LiveUnderTestOptions {
  readonly config?: object
  readonly mode?: 'open' | 'keys'
  readonly log?: MemoryLogOptions
  /** Rows of the tables for a query of ours. */
  readonly rows?: (sql: string) => Rows
}

export interface LiveUnderTest {
  readonly url: string
  readonly live: Live
  readonly log: MemoryLog
  /** Good keys, by secret; change it to revoke one. */
  readonly keys: Map<string, Principal>
  /** One record. */
  store(events: readonly EventColumns[], options?: { project?: string; partition?: number; at?: number }): Promise<void>
  metric(name: string): Promise<number>
  socket(query?: string, headers?: Record<string, string>, path?: string): Promise<Socket>
  stop(): Promise<void>
}

export interface Told {
  readonly type: string
  readonly [key: string]: unknown
}

/** A WebSocket that keeps what it is told. */
export interface Socket {
  readonly webSocket: WebSocket
  readonly told: Told[]
  /** Events of `event` and `batch` messages, in order. */
  events(): { cursor: string; topic: string; event: Record<string, unknown> }[]
  ids(): unknown[]
  say(message: unknown): void
  /** The first message of that type, now or later. */
  until(type: string, count?: number): Promise<Told>
  untilEvents(count: number): Promise<void>
  readonly closed: Promise<{ code: number; reason: string }>
}

/** Live streams on a listener of their own, over a log in memory. */
export async function startLive(options: LiveUnderTestOptions = {}): Promise<LiveUnderTest> {
  const metrics = new Registry()
  const deps = { clock: systemClock, logger: silentLogger, metrics }
  const log = memoryLog(options.log)
  const keys = new Map<string, Principal>()
  const auth = createApiAuth({
    mode: options.mode ?? 'open',
    projects: ['default', 'shop', 'blog'],
    authenticate({ key, scope }) {
      const principal = keys.get(key ?? '')
      if (principal === undefined) throw new PipelineError('unauthorized', 'a key is needed')
      if (principal.scope !== 'admin' && principal.scope !== scope)
        throw new PipelineError('forbidden', 'not with this key')
      return principal
    },
  })
  const store = { query: (sql: string) => Promise.resolve(options.rows?.(sql) ?? []) } as unknown as Store
  const live = createLive({
    config: liveConfig.parse(options.config ?? {}),
    auth,
    log,
    store,
    ask: {
      async start() {},
      async stop() {},
      async ask(project, sql) {
        if (sql.includes('fail')) throw new PipelineError('query_failed', 'no such column')
        const events = log.all('events').length
        return {
          contentType: 'application/json',
          body: (async function* () {
            yield Buffer.from(JSON.stringify({ columns: [], rows: [{ project, events }], statistics: {} }))
          })(),
        }
      },
    },
    deps,
  })
  const http = createHttpServer({
    name: 'api',
    host: '127.0.0.1',
    port: 0,
    limits: httpLimits.parse({}),
    deps,
    mount: (on) => live.mount(on),
  })
  await live.start(never)
  await http.start(never)
  const url = http.url()
  return {
    url,
    live,
    log,
    keys,
    async store(events, { project = 'default', partition = 0, at = Date.now() } = {}) {
      const value = encodeEventsRecord(
        { project, batchId: 'b', source: 'test', ingestedAt: at, schemaVersion: 1, planVersion: 0 },
        events,
      )
      await log.append([{ topic: 'events', partition, value }], {}, never)
    },
    async metric(name) {
      const line = (await metrics.metrics()).split('\n').find((each) => each.startsWith(`${name} `))
      return Number(line?.slice(name.length + 1))
    },
    socket: (query = '', headers = {}, path = '/api/v1/live') => openSocket(`${url}${path}${query}`, headers),
    async stop() {
      await live.stop()
      await http.stop()
    },
  }
}

export async function openSocket(url: string, headers: Record<string, string> = {}): Promise<Socket> {
  const webSocket = new WebSocket(url.replace(/^http/, 'ws'), { headers })
  const told: Told[] = []
  let waiting: (() => void)[] = []
  const wake = () => {
    const woken = waiting
    waiting = []
    for (const resolve of woken) resolve()
  }
  webSocket.on('message', (data: Buffer) => {
    told.push(JSON.parse(data.toString('utf8')) as Told)
    wake()
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    webSocket.once('close', (code, reason) => {
      resolve({ code, reason: reason.toString() })
      wake()
    }),
  )
  await new Promise<void>((resolve, reject) => {
    webSocket.once('open', () => resolve())
    webSocket.once('error', reject)
  })
  webSocket.on('error', () => {})
  const change = () => new Promise<void>((resolve) => waiting.push(resolve))
  const events = () =>
    told.flatMap((message) =>
      message.type === 'event' ? [message] : message.type === 'batch' ? (message['events'] as Told[]) : [],
    ) as unknown as ReturnType<Socket['events']>
  return {
    webSocket,
    told,
    events,
    ids: () => events().map(({ event }) => event['id']),
    say: (message) => webSocket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async until(type, count = 1) {
      for (;;) {
        const found = told.filter((message) => message.type === type)[count - 1]
        if (found !== undefined) return found
        if (webSocket.readyState === WebSocket.CLOSED)
          throw new Error(`closed without ${type}: ${JSON.stringify(told)}`)
        await change()
      }
    },
    async untilEvents(count) {
      while (events().length < count) await change()
    },
    closed,
  }
}

/** The answer to an upgrade that is refused. */
export function refusedUpgrade(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; code: unknown; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    })
    asked.on('response', (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => {
        const { code } = JSON.parse(text) as { code: unknown }
        resolve({ status: response.statusCode ?? 0, code, headers: response.headers })
      })
    })
    asked.on('upgrade', (_response, socket) => {
      socket.destroy()
      resolve({ status: 101, code: undefined, headers: {} })
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** Reads server-sent events until `count` of them (comments aside) have come, then leaves. */
export async function readSse(
  url: string,
  count: number,
  headers: Record<string, string> = {},
): Promise<{ id: string | undefined; data: Told }[]> {
  const leave = new AbortController()
  const response = await fetch(url, { headers, signal: leave.signal })
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
  const found: { id: string | undefined; data: Told }[] = []
  let text = ''
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString('utf8')
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1]
      if (data !== undefined) found.push({ id: /^id: (.*)$/m.exec(block)?.[1], data: JSON.parse(data) as Told })
    }
    if (found.length >= count) break
  }
  leave.abort()
  return found
}
