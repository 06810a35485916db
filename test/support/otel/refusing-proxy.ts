import { createServer, request } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'

/** A load balancer that refuses before it lets requests through. */
export interface RefusingProxy {
  readonly url: string
  /** Of each request to a path: what it was answered, and when it came (ms). */
  readonly seen: ReadonlyMap<string, readonly { readonly status: number; readonly at: number }[]>
  stop(): Promise<void>
}

export interface Refusals {
  /** In their order, to the first requests of each path; HTTP's statuses or gRPC's codes. */
  readonly statuses: readonly number[]
  readonly headers: Readonly<Record<string, string>>
}

/** Each request of a path but the first came a second or more after the one before it. */
export function expectWaited(
  seen: readonly { readonly status: number; readonly at: number }[],
  statuses: readonly number[],
): void {
  expect(seen.slice(0, statuses.length).map(({ status }) => status)).toEqual(statuses)
  for (let turn = 1; turn < statuses.length; turn++) expect(seen[turn]!.at - seen[turn - 1]!.at).toBeGreaterThan(950)
}

type Seen = Map<string, { status: number; at: number }[]>

function nextOf(seen: Seen, path: string, statuses: readonly number[], passed: number): number | undefined {
  const before = seen.get(path) ?? []
  seen.set(path, before)
  const status = statuses[before.length]
  before.push({ status: status ?? passed, at: performance.now() })
  return status
}

export async function refusingHttpProxy(target: string, refusals: Refusals): Promise<RefusingProxy> {
  const seen: Seen = new Map()
  const server = createServer((incoming, answer) => {
    const path = incoming.url ?? ''
    const status = nextOf(seen, path, refusals.statuses, 200)
    if (status !== undefined) {
      incoming.resume()
      answer.writeHead(status, refusals.headers).end()
      return
    }
    const { method, headers } = incoming
    const onward = request(`${target}${path}`, { method: method!, headers }, (back) => {
      answer.writeHead(back.statusCode!, back.headers)
      back.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export async function refusingGrpcProxy(target: string, refusals: Refusals): Promise<RefusingProxy> {
  const seen: Seen = new Map()
  const server = createHttp2Server()
  const upstream = connect(target)
  upstream.on('error', () => undefined)
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => sessions.add(session))
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    const code = nextOf(seen, String(headers[':path']), refusals.statuses, 0)
    if (code !== undefined) {
      const head = {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': String(code),
        ...refusals.headers,
      }
      stream.resume()
      stream.respond(head, { endStream: true })
      return
    }
    const { ':authority': _, ...onward } = headers
    const back = upstream.request(onward)
    let trailers = {}
    back.on('error', () => stream.close(2))
    back.on('response', ({ ':status': status, ...rest }) => {
      stream.respond({ ':status': status ?? 502, ...rest }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers(trailers))
      back.pipe(stream)
    })
    back.on('trailers', (told) => {
      trailers = told
    })
    stream.pipe(back)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    stop() {
      upstream.destroy()
      for (const session of sessions) session.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
